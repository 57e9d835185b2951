"""Fields of forms: a line of text, a list of choices, a number as people type it."""

from __future__ import annotations

import math

import dash_bootstrap_components as dbc
from dash import dcc, html

UNSET = "-"
"""Stands for an empty choice: the list cannot offer an empty value."""


def chosen(value: str | None) -> str:
    """Return what was chosen, "" for the empty choice."""
    return "" if value in (None, UNSET) else str(value)


def choices(component_id: str, label: str, values: dict[str, str], now: str) -> html.Label:
    """Return a labelled list; `values` maps what is sent to what is shown."""
    options = [{"value": value or UNSET, "label": shown} for value, shown in values.items()]
    # The browser's own list: Dash's radio buttons have no accessible name.
    return html.Label(
        [html.Span(label), dbc.Select(options, now or UNSET, component_id, size="sm")],
        className="field", htmlFor=component_id,
    )  # fmt: skip


def text(component_id: str, label: str, value: str = "") -> html.Label:
    """Return a labelled line of text."""
    line = dcc.Input(id=component_id, type="text", autoComplete="off", value=value or None)
    return html.Label([html.Span(label), line], className="field", htmlFor=component_id)


def read_number(typed: str | float | None) -> float | None:
    """Return the number that was typed, with a comma or a point; None for an empty field.

    >>> read_number("2,5")
    2.5
    """
    if typed is None or not str(typed).strip():
        return None
    found = float(str(typed).strip().replace(",", "."))
    if not math.isfinite(found):
        raise ValueError("not a number that anybody counts with")
    return found


def written(value: float | None) -> str:
    """Return a number as a field shows it: `read_number` gets the same one back.

    >>> written(0.1), written(1234567.0), written(None)
    ('0.1', '1234567', '')
    """
    return "" if value is None else repr(value).removesuffix(".0")
