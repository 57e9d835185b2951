"""A key figure: value, unit, change and whether it is good, target, trend, status."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import quote

from dash import html

from components.attributes import attrs
from components.definition import definition as define
from components.icons import icon
from components.panel import Provenance, brief
from components.status import pill
from components.theme import Status
from engines.result import Insufficient, Interval
from i18n import number, percent, quantity, t, tell

Direction = Literal["up", "down", "neither"]


@dataclass(frozen=True, slots=True)
class Delta:
    """The change against the period before: relative (a share) or absolute (its unit)."""

    value: float
    kind: Literal["relative", "absolute"] = "relative"
    against: str | None = None


def change(now: float | None, before: float | None) -> Delta | None:
    """Return the relative change, or None where there is nothing to compare with.

    >>> change(3.0, 2.0).value
    0.5
    """
    return Delta(now / before - 1) if now is not None and before else None


_AS_FACTOR = 2.0  # a rise of 200 % and more reads better as "× 3"


def kpi(
    label: str,
    value: float | str | Insufficient | None,
    *,
    kpi_id: str,
    unit: str = "",
    interval: Interval | None = None,
    interval_words: str | None = None,
    delta: Delta | None = None,
    good: Direction = "neither",
    target: float | None = None,
    trend: Sequence[float | None] | None = None,
    status: Status | None = None,
    word: str | None = None,
    definition: str | None = None,
    source: Provenance | None = None,
    href: str | None = None,
) -> html.Article:
    """Return one key figure; `good` says which direction of change is better.

    `interval_words` says what the interval is of, where that is not the figure itself.
    """
    lack = value if isinstance(value, Insufficient) else None
    head: list[Any] = [html.H3(html.A(label, href=href) if href else label, className="kpi-label")]
    if definition:
        head.append(define(definition, kpi_id))
    body: list[Any] = [html.Div(head, className="kpi-head")]
    if lack:
        body += [
            html.P("–", className="kpi-value kpi-none", title=tell(lack.reason)),
            html.P(
                [icon("hourglass-split"), html.Span(tell(lack.reason), dir="auto")],
                className="kpi-reason",
            ),
        ]
    else:
        span = _interval(interval, interval_words, unit)
        body += [
            _value_row(value, unit, trend),
            _facts(status, word, span, delta, good, target, unit),
        ]
    if source:
        body.append(brief(source))
    return html.Article(
        body,
        id=f"kpi-{kpi_id}",
        className=f"kpi kpi-is-{status or 'plain'}",
        **attrs(data_title=label),
    )


def row(*children: Any, **more: Any) -> html.Div:
    """Return key figures side by side, as many as fit."""
    return html.Div(list(children), className="kpi-row", **more)


def sparkline(values: Sequence[float | None], *, width: int = 96, height: int = 28) -> html.Span:
    """Return a trend without axes, in the colour of the text; decoration beside a number."""
    image = quote(_spark_svg(values, width, height), safe="")
    mask = f'url("data:image/svg+xml,{image}")'
    return html.Span(
        className="spark",
        style={
            "width": f"{width}px",
            "height": f"{height}px",
            "maskImage": mask,
            "WebkitMaskImage": mask,
        },
        **attrs(aria_hidden="true"),
    )


def _value_row(value: Any, unit: str, trend: Sequence[float | None] | None) -> html.Div:
    # A number keeps its order beside right-to-left words; a text follows its own.
    shown = (
        html.Bdi(value) if isinstance(value, str) else html.Bdi(quantity(value, unit), dir="ltr")
    )
    parts: list[Any] = [html.P(shown, className="kpi-value")]
    if trend is not None and sum(v is not None for v in trend) > 1:
        parts.append(sparkline(trend))
    return html.Div(parts, className="kpi-main")


def _facts(
    status: Status | None,
    word: str | None,
    interval: html.Span | None,
    delta: Delta | None,
    good: Direction,
    target: float | None,
    unit: str,
) -> html.Div:
    facts: list[Any] = [pill(status, word)] if status else []
    if delta is not None:
        facts.append(_delta(delta, good, unit))
    if interval is not None:
        facts.append(interval)
    if target is not None:
        facts.append(html.Span([t("panel.target"), " ", html.Bdi(quantity(target, unit))]))
    return html.Div(facts, className="kpi-facts")


def _interval(interval: Interval | None, words: str | None, unit: str) -> html.Span | None:
    if interval is None:
        return None
    span = f"{quantity(interval.low, unit)} – {quantity(interval.high, unit)}"
    words = words or t("panel.interval", level=percent(interval.level, decimals=0))
    return html.Span([f"{words} ", html.Bdi(span, dir="ltr")])


def _delta(delta: Delta, good: Direction, unit: str) -> html.Span:
    size = abs(delta.value)
    text = percent(size) if delta.kind == "relative" else quantity(size, unit)
    if delta.kind == "relative" and delta.value >= _AS_FACTOR:
        text = f"× {number(1 + delta.value)}"
    still = size < 5e-4 if delta.kind == "relative" else size == 0
    direction = "still" if still else "up" if delta.value > 0 else "down"
    judged = direction != "still" and good != "neither"
    verdict = ("better" if direction == good else "worse") if judged else ""
    arrow = {"up": "arrow-up-right", "down": "arrow-down-right", "still": "arrow-right"}[direction]
    words = [icon(arrow), html.Bdi(text, dir="ltr")]
    if verdict:
        words.append(html.Span(t(f"panel.{verdict}")))
    return html.Span(
        words,
        className=f"delta delta-{verdict or 'plain'}",
        title=delta.against or t("panel.before"),
    )


def _spark_svg(values: Sequence[float | None], width: int, height: int) -> str:
    known = [(i, v) for i, v in enumerate(values) if v is not None]
    if len(known) > 60:
        step = len(known) / 60
        known = [known[int(i * step)] for i in range(60)] + [known[-1]]
    low = min(v for _, v in known)
    spread = (max(v for _, v in known) - low) or 1.0
    last = max(known[-1][0], 1)
    pad = 3
    points = [
        (
            round(pad + i / last * (width - 2 * pad), 1),
            round(height - pad - (v - low) / spread * (height - 2 * pad), 1),
        )
        for i, v in known
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    x_end, y_end = points[-1]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f'<polygon points="{points[0][0]},{height} {line} {x_end},{height}" fill-opacity=".14"/>'
        f'<polyline points="{line}" fill="none" stroke="#000" stroke-width="1.6"/>'
        f'<circle cx="{x_end}" cy="{y_end}" r="2.4"/></svg>'
    )
