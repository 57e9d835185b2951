"""A panel: a title that names the number, its definition, menu, body, age and sample size."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dash import html

from components import states
from components.attributes import attrs
from components.definition import definition as define
from components.element import element
from components.icons import icon
from engines.result import Insufficient
from i18n import date_time, number, t, tell


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a number comes from: what the footer of its panel says."""

    window: str = ""
    n: int | None = None
    n_reference: int | None = None
    computed_at_ms: float | None = None
    method: str = ""


def panel(
    title: str,
    body: Any,  # any Dash children
    *,
    panel_id: str,
    definition: str | None = None,
    unit: str | None = None,
    source: Provenance | None = None,
    span: int = 6,
    height: int = 240,
    menu: bool = True,
    tools: Any = None,  # Dash children beside the menu
    lead: str | None = None,
    href: str | None = None,
) -> html.Section:
    """Return a panel; `body` None is a skeleton and `Insufficient` a reason.

    `href` makes the title lead to the page that says more.  The body stands in an element with the
    id `{"type": "panel-body", "index": panel_id}`, the footer in `{"type": "panel-foot", ...}`.
    """
    heading_id = f"{panel_id}-title"
    head: list[Any] = [_heading(title, heading_id, unit, href)]
    if definition:
        head.append(define(definition, panel_id))
    head.append(html.Div(className="panel-gap"))
    if tools is not None:
        head.append(html.Div(tools, className="panel-tools"))
    if menu:
        head.append(_menu(title))
    return html.Section(
        [
            html.Header(head, className="panel-head"),
            html.P(lead, className="panel-lead") if lead else None,
            html.Div(
                content(body, height),
                id={"type": "panel-body", "index": panel_id},
                className="panel-body",
                style={"minHeight": f"{height}px"},
            ),
            html.Footer(
                footer(source) if source else None,
                id={"type": "panel-foot", "index": panel_id},
                className="panel-foot",
            ),
        ],
        id=f"panel-{panel_id}",
        className=f"panel span-{span}",
        **attrs(aria_labelledby=heading_id, data_title=title, data_definition=definition or ""),
    )


def content(body: Any, height: int = 240) -> Any:
    """Return what stands for a body: a skeleton for None, a reason for `Insufficient`."""
    if body is None:
        return states.skeleton(height)
    return states.thin(body) if isinstance(body, Insufficient) else body


def footer(source: Provenance) -> list[Any]:
    """Return age, window, sample size and method as short facts."""
    facts: list[Any] = []
    if source.computed_at_ms is not None:
        facts.append(html.Span([icon("clock"), moment(source.computed_at_ms)]))
    if source.window:
        facts.append(html.Span(html.Bdi(source.window)))
    if source.n is not None:
        size = f"n = {number(source.n)}"
        if source.n_reference is not None:
            size = t("panel.sizes", current=number(source.n), reference=number(source.n_reference))
        facts.append(html.Span(html.Bdi(size)))
    if source.method:
        method = tell(source.method)
        facts.append(html.Span(html.Bdi(method), title=f"{t('panel.method')}: {method}"))
    return facts


def brief(source: Provenance) -> html.Div:
    """Return age and sample size on one line, for a card; the rest shows on hover."""
    rest = " · ".join(text for text in (source.window, tell(source.method)) if text)
    facts = footer(replace(source, window="", method=""))
    return html.Div(facts, className="kpi-foot kpi-source", title=rest)


def moment(epoch_ms: float) -> html.Time:
    """Return a moment that the browser keeps writing as "3 minutes ago"."""
    iso = datetime.fromtimestamp(epoch_ms / 1000, UTC).isoformat(timespec="milliseconds")
    words = f"{date_time(epoch_ms, seconds=True)} UTC"
    return element(html.Time, words, dateTime=iso, title=words, **attrs(data_ago="1"))


def grid(*children: Any, **more: Any) -> html.Div:
    """Return panels side by side on twelve columns; narrow screens stack them."""
    return html.Div(list(children), className="grid", **more)


def stack(*panels: Any, span: int) -> html.Div:
    """Return panels one under the other, as tall together as what stands beside them."""
    return html.Div(list(panels), className=f"stack span-{span}")


def section(title: str, *children: Any, section_id: str) -> html.Section:
    """Return a titled group of panels."""
    return html.Section(
        [html.H2(title, id=section_id, className="section-title"), *children],
        className="section",
        **attrs(aria_labelledby=section_id),
    )


def _heading(title: str, heading_id: str, unit: str | None, href: str | None) -> html.H3:
    words: Any = title
    if href:
        words = html.A(title, href=href)
    parts = [words]
    if unit:
        parts.append(html.Span(unit, className="panel-unit"))
    if href:
        parts.append(icon("chevron-right", className="flip panel-more"))
    return html.H3(parts, id=heading_id, className="panel-title")


MENU = (
    ("png", "image", "png"),
    ("svg", "vector-pen", "svg"),
    ("csv", "filetype-csv", "csv"),
    ("json", "filetype-json", "json"),
    ("table", "table", "as_table"),
    ("full", "arrows-fullscreen", "full_screen"),
)


def _menu(title: str) -> html.Details:
    return html.Details(
        [
            html.Summary(
                icon("three-dots"),
                className="icon-button",
                **attrs(aria_label=t("panel.menu", title=title)),
            ),
            html.Div(
                [
                    html.Button(
                        [icon(glyph), html.Span(t(f"panel.{word}"))],
                        className="menu-item",
                        **attrs(data_action=f"panel-{action}"),
                    )
                    for action, glyph, word in MENU
                ],
                className="menu",
            ),
        ],
        className="menu-holder no-print",
    )
