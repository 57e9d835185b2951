"""What the four exploring pages share: the question in the address, links, tabs and fields."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlencode

from dash import html

from components import states
from components.attributes import attrs
from components.icons import icon
from components.live import View, slot, view_store
from components.panel import grid
from components.scope import Scope
from components.shell import page_header
from i18n import t
from services.errors import AIOBSError

TABS = (
    ("explore", "/explore", "graph-up"), ("correlation", "/correlation", "grid-3x3"),
    ("logs", "/logs", "card-text"), ("traces", "/traces", "bar-chart-steps"),
)  # fmt: skip
SHORT = 'name{service="a"}'
EXAMPLE = 'name{service="a",region=~"eu.*"}'
Children = Any  # what a Dash component takes as children
Choice = tuple[str, str]  # value, words


def words(name: str, /, **values: Any) -> str:
    """Return a text of these pages."""
    return t(f"explore.{name}", **values)


class Asked:
    """The pairs of `focus` or `detail`; what cannot be read is not there."""

    def __init__(self, text: str) -> None:
        try:
            self._pairs = parse_qsl(text, max_num_fields=60)
        except ValueError:
            self._pairs = []

    def one(self, name: str) -> str:
        """Return the last value of a name, or nothing."""
        return next((value for key, value in reversed(self._pairs) if key == name), "")

    def all(self, name: str) -> list[str]:
        """Return every value of a name, each once, in order."""
        return list(dict.fromkeys(value for key, value in self._pairs if key == name and value))

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Return the value of a name where it is one of those allowed, else nothing."""
        found = self.one(name)
        return found if found in allowed else ""

    def amount(self, name: str) -> float | None:
        """Return a number above zero, or None."""
        try:
            found = float(self.one(name))
        except ValueError:
            return None
        return found if 0 < found < 1e13 else None

    def page(self, name: str) -> int:
        """Return the number of a page, 1 where it is none."""
        return max(1, int(self.amount(name) or 1))

    def but(self, **changes: str) -> str:
        """Return the text with some values changed; an empty one goes."""
        kept = [(key, value) for key, value in self._pairs if key not in changes]
        return urlencode(kept + [(key, value) for key, value in changes.items() if value])

    def without(self, name: str, value: str) -> str:
        """Return the text without one of several values of a name."""
        return urlencode([pair for pair in self._pairs if pair != (name, value)])


def asked(scope: Scope) -> Asked:
    """Return what the reader asks."""
    return Asked(scope.focus)


def opened(scope: Scope) -> Asked:
    """Return what the reader opened."""
    return Asked(scope.detail)


def page(
    name: str, purpose: str, fields: Sequence[Children], *panels: Children, lists: bool = True
) -> html.Div:
    """Return an exploring page: its head, the way to the others, its question, its panels.

    `lists` makes a place for the lists that `options` brings to select fields.
    """
    return html.Div(
        [
            page_header(t(f"nav.{name}"), purpose),
            tabs(name),
            view_store(name),
            slot(f"{name}-options") if lists else None,
            toolbar(*fields),
            grid(*panels),
        ]
    )


def tabs(name: str) -> html.Nav:
    """Return the way between metrics, correlation, logs and traces."""
    links = [
        html.A(
            [icon(glyph), html.Span(t(f"nav.{one}"))],
            href=path,
            className="explore-tab",
            **(attrs(aria_current="page") if one == name else {}),
        )
        for one, path, glyph in TABS
    ]
    return html.Nav(links, className="explore-tabs no-print", **attrs(aria_label=t("explore.tabs")))


def toolbar(*fields: Any) -> html.Div:
    """Return the fields of a page's question in one row that wraps."""
    return html.Div(
        list(fields),
        className="explore-bar no-print",
        role="group",
        **attrs(aria_label=t("explore.question")),
    )


def field(
    name: str,
    label: str,
    kind: str = "text",
    *,
    choices: Sequence[Choice] = (),
    source: str = "",
    hint: str = "",
) -> html.Div:
    """Return a place where `assets/explore.js` puts a field that changes `focus`.

    `kind` is text, number, select, check, metric or metrics; `source` names a list that
    `options` brings with each view.
    """
    return html.Div(
        className=f"explore-field is-{kind}",
        **attrs(
            data_field=name,
            data_kind=kind,
            data_label=label,
            data_hint=hint,
            data_source=source,
            data_choices=json.dumps(choices, ensure_ascii=False),
            data_series=t("explore.series_count", n="#"),
            data_more=t("explore.more"),
            data_none=t("shell.no_match"),
        ),
    )


def metric_hint() -> str:
    """Return how a metric is named, for a field that takes one."""
    return t("explore.metric_hint", example=SHORT)


def options(**lists: Sequence[str | Choice]) -> html.Div:
    """Return lists for select fields; put it into a slot of the page."""
    return html.Div(json.dumps(lists, ensure_ascii=False), id="explore-options", hidden=True)


def refuse(view: View, panels: Sequence[str], error: AIOBSError) -> None:
    """Say in the first panel what is wrong with a selector and how one is written."""
    said = html.Div(
        [
            icon("exclamation-octagon"),
            html.P(t("explore.bad_selector"), className="state-title"),
            html.P(html.Bdi(html.Code(error.message), dir="ltr"), className="state-hint"),
            html.P(t("explore.selector_hint", example=EXAMPLE), className="state-hint"),
        ],
        className="state state-empty",
        role="alert",
    )
    for name in panels:
        view.panel(name, said if name == panels[0] else html.P("–", className="muted"))


def nothing_yet(sentence: str, command: str) -> Children:
    """Return that nothing was ever sent, with the command that sends the first."""
    return states.empty(sentence, command=command, hint=t("explore.fill_hint"))


def chance(p: float) -> str:
    """Return a p or q value; what no reader can tell from zero is said to be below a bound."""
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001"


def described(values: Mapping[str, str]) -> str:
    """Return labels as a reader reads them: the value alone where there is one."""
    if len(values) == 1:
        return next(iter(values.values())) or "–"
    return ", ".join(f"{key}={value}" for key, value in values.items())


def pairs(values: Mapping[str, Any]) -> Children:  # any JSON a sender attached
    """Return names and values one under the other."""
    if not values:
        return None
    cells = [
        part
        for name, value in values.items()
        for part in (html.Dt(html.Bdi(name)), html.Dd(html.Bdi(str(value)[:2_000])))
    ]
    return html.Dl(cells, className="pairs")
