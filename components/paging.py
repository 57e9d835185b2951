"""A long list in parts: the heads that sort it and the way to its other pages, all addresses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dash import html

from components.attributes import attrs
from components.icons import icon
from i18n import number, t

PAGE = 50
"""Rows of one page."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which rows of a list are shown: a page from 1 of `total` rows; a page beyond is the last."""

    page: int
    total: int
    size: int = PAGE

    @property
    def pages(self) -> int:
        """How many pages there are, at least one."""
        return max(1, -(-self.total // self.size))

    @property
    def shown(self) -> int:
        """The page that is shown."""
        return max(1, min(self.page, self.pages))

    @property
    def rows(self) -> slice:
        """The rows of that page.

        >>> Part(2, 120).rows, Part(9, 120).rows
        (slice(50, 100, None), slice(100, 120, None))
        """
        start = (self.shown - 1) * self.size
        return slice(start, min(start + self.size, self.total))


@dataclass(frozen=True, slots=True)
class Sorting:
    """How a list is sorted: a key of its columns, the direction, and the address of another.

    `address` takes a key, with a minus sign in front for descending.
    """

    by: str
    descending: bool
    keys: tuple[str, ...]
    address: Callable[[str], str]

    def head(self, key: str, title: str) -> tuple[Any, dict[str, Any]]:  # Dash children
        """Return the head of a column and its attributes: a link where the list sorts by it."""
        if key not in self.keys:
            return title, {}
        if key != self.by:
            link = html.A(title, href=self.address(key), className="sort")
            return link, attrs(aria_sort="none")
        there = key if self.descending else f"-{key}"
        glyph = icon("caret-down-fill" if self.descending else "caret-up-fill")
        link = html.A([title, glyph], href=self.address(there), className="sort")
        return link, attrs(aria_sort="descending" if self.descending else "ascending")


def asked_sort(text: str, keys: tuple[str, ...], usual: str) -> tuple[str, bool]:
    """Return key and direction of a text like `-trust`; those of `usual` where it has no key.

    >>> asked_sort("trust", ("health", "trust"), "-health"), asked_sort("x", ("health",), "-health")
    (('trust', False), ('health', True))
    """
    chosen = text if text.removeprefix("-") in keys else usual
    return chosen.removeprefix("-"), chosen.startswith("-")


def pages(part: Part, address: Callable[[int], str]) -> html.Nav | None:
    """Return which rows of how many are shown and the way to the others; None when all are."""
    if part.pages == 1:
        return None
    at, rows = part.shown, part.rows
    said = t(
        "paging.rows",
        first=number(rows.start + 1), last=number(rows.stop), total=number(part.total),
    )  # fmt: skip
    return _nav(
        html.Span(said, className="muted"),
        _step("first", address(1)) if at > 1 else None,
        _step("previous", address(at - 1)) if at > 1 else None,
        _step("next", address(at + 1)) if at < part.pages else None,
        _step("last", address(part.pages)) if at < part.pages else None,
    )


def onward(first: str | None, following: str | None, *, by_time: bool = True) -> html.Nav | None:
    """Return the way through a list that only goes on: to its beginning, and to what follows."""
    if first is None and following is None:
        return None
    return _nav(
        None if first is None else _step("newest" if by_time else "first", first),
        None if following is None else _step("older" if by_time else "next", following),
    )


_GLYPHS = {
    "first": "chevron-double-left", "newest": "chevron-double-left", "previous": "chevron-left",
    "next": "chevron-right", "older": "chevron-right", "last": "chevron-double-right",
}  # fmt: skip


def _step(name: str, address: str) -> html.A:
    parts = [icon(_GLYPHS[name], className="flip"), html.Span(t(f"paging.{name}"))]
    if name in ("next", "older", "last"):
        parts.reverse()
    return html.A(parts, href=address, className="btn-quiet")


def _nav(*steps: Any) -> html.Nav:  # Dash children
    shown = [step for step in steps if step is not None]
    return html.Nav(shown, className="button-row no-print", **attrs(aria_label=t("paging.pages")))
