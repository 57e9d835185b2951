"""A status a reader can see, read and hear: icon, word and colour together."""

from __future__ import annotations

from dash import html

from components.element import element
from components.icons import icon
from components.theme import STATUS_ICON, Status
from i18n import t


def pill(status: Status, word: str | None = None) -> html.Span:
    """Return the status as a pill; without `word` the plain name of the status is used."""
    return html.Span(
        [icon(STATUS_ICON[status]), html.Span(word or t(f"state.{status}"))],
        className=f"pill pill-{status}",
    )


def mark(status: Status, word: str | None = None) -> html.Span:
    """Return the status as icon and word without a background, for dense rows."""
    words = element(html.Span, word or t(f"state.{status}"))
    parts = [icon(STATUS_ICON[status]), words]
    return element(html.Span, parts, className=f"status-mark status-{status}")
