"""A waterfall of spans: one row each, indented below its parent, its bar where it ran."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dash import html

from components.attributes import attrs
from components.icons import icon
from components.theme import SERIES
from i18n import duration, t

_MAX_INDENT = 14  # levels; deeper ones say their depth instead of moving off the screen


@dataclass(frozen=True, slots=True)
class Bar:
    """One row; `offset` and `width` are shares of the whole, `href` opens it."""

    name: str
    service: str
    duration_ms: float
    offset: float
    width: float
    depth: int = 0
    is_error: bool = False
    is_folded: bool = False
    is_open: bool = False
    href: str = ""


def waterfall(bars: Sequence[Bar], services: Sequence[str], *, caption: str) -> html.Div:
    """Return the rows; each service keeps its colour and its name beside the bar."""
    hue = {name: SERIES[i % len(SERIES)] for i, name in enumerate(services)}
    head = [t("explore.span"), t("explore.service"), t("explore.duration"), t("explore.when")]
    table = html.Table(
        [
            html.Caption(caption, className="visually-hidden"),
            html.Thead(html.Tr([html.Th(words, scope="col") for words in head])),
            html.Tbody([_row(bar, hue.get(bar.service, SERIES[-1])) for bar in bars]),
        ],
        className="plain-table spans",
    )
    # A region that scrolls must be reachable by keyboard.
    return html.Div(
        table, className="table-scroll", tabIndex=0, role="region", **attrs(aria_label=caption)
    )


def _row(bar: Bar, hue: str) -> html.Tr:
    name: list[Any] = []
    if bar.depth > _MAX_INDENT:
        name.append(html.Small(f"{bar.depth} · "))
    if bar.is_error:
        failed = html.Span(t("explore.failed"), className="visually-hidden")
        name += [icon("x-octagon-fill", className="span-failed"), failed, " "]
    if bar.is_folded:
        name += [icon("chevron-expand"), " "]
    name.append(html.A(html.Bdi(bar.name), href=bar.href) if bar.href else html.Bdi(bar.name))
    fill = f"var(--c-{'bad' if bar.is_error else hue})"
    place = {
        "left": f"{bar.offset:.2%}", "width": f"{max(bar.width, 0.0):.2%}", "background": fill,
    }  # fmt: skip
    drawn = html.Div(
        html.Span(className="span-fill", style=place), className="span-track", dir="ltr",
        **attrs(aria_hidden="true"),
    )  # fmt: skip
    indent = {"paddingInlineStart": f"{10 + 14 * min(bar.depth, _MAX_INDENT)}px"}
    length = html.Bdi(duration(bar.duration_ms / 1_000), dir="ltr")
    classes = " ".join(
        name for name, on in (("is-open", bar.is_open), ("is-folded", bar.is_folded)) if on
    )
    return html.Tr(
        [
            html.Th(name, scope="row", style=indent),
            html.Td(html.Bdi(bar.service)),
            html.Td(length, className="is-number"),
            html.Td(drawn),
        ],
        className=classes,
    )
