"""The top bar: what you look at (filters, time), how (live, theme, language), on which hub."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from dash import html

from components.attributes import attrs
from components.icons import icon
from components.scope import RANGES, REFRESH_S, range_words
from i18n import LANGUAGES, current, t


@dataclass(frozen=True, slots=True)
class Standing:
    """What the bar says of this hub: tenant, whether it is local, whether it holds samples."""

    tenant: str = ""
    is_local: bool = False
    has_sample: bool = False
    can_sign_out: bool = False


def top_bar(standing: Standing) -> list[Any]:
    """Return the parts of the bar, most used first in reading order."""
    return [
        html.Button(
            icon("list"),
            className="icon-button bar-burger",
            **attrs(data_action="menu", aria_label=t("shell.navigation")),
        ),
        html.A(
            [html.Span(className="brand-mark", **attrs(aria_hidden="true")), html.Span("AIOBS")],
            href="/",
            className="brand",
            **attrs(aria_label=t("shell.home")),
        ),
        html.Div(_badges(standing), className="bar-badges"),
        html.Div(
            [
                picker("model", t("shell.model"), "cpu"),
                picker("version", t("shell.version"), "tag"),
                picker("segment", t("shell.segment"), "people"),
            ],
            className="bar-filters",
            role="group",
            **attrs(aria_label=t("shell.filters")),
        ),
        html.Div(className="bar-gap"),
        html.Div([_time(), _live()], className="bar-time"),
        html.Div([_search(), _theme(), _language(), *_user(standing)], className="bar-end"),
    ]


def picker(param: str, label: str, glyph: str, *, none: str = "") -> html.Div:
    """Return a filter of the scope: a button that opens a searchable list of options.

    `none` says what no choice means, where that is not "all".
    """
    return html.Div(
        html.Button(
            [
                icon(glyph),
                html.Span(label, className="picker-label"),
                html.Span(none or t("shell.all"), className="picker-value"),
                icon("chevron-down", className="picker-arrow"),
            ],
            className="picker-button",
            **attrs(
                data_action="picker",
                data_param=param,
                data_label=label,
                data_none=none,
                aria_haspopup="dialog",
                aria_expanded="false",
            ),
        ),
        className="picker",
    )


def _badges(standing: Standing) -> list[Any]:
    badges: list[Any] = []
    if standing.tenant:
        badges.append(
            html.Span([icon("building"), html.Bdi(standing.tenant)], title=t("shell.tenant"))
        )
    if standing.has_sample:
        badges.append(
            html.Span(
                [icon("box-seam"), t("shell.sample")], className="badge-sample",
                title=t("shell.sample_hint"),
            )
        )  # fmt: skip
    if standing.is_local:
        badges.append(html.Span([icon("laptop"), t("shell.local")], title=t("shell.local_hint")))
    return badges


def _scope_button(words: str, changes: dict[str, str]) -> html.Button:
    return html.Button(
        words,
        className="menu-item",
        **attrs(data_scope=json.dumps(changes), aria_pressed="false"),
    )


def _time() -> html.Details:
    presets = [_scope_button(range_words(r), {"range": r, "from": "", "to": ""}) for r in RANGES]
    compare = [
        _scope_button(t(f"shell.compare_{name or 'none'}"), {"compare": name})
        for name in ("", "previous", "day", "week")
    ]
    return html.Details(
        [
            html.Summary(
                [
                    icon("clock-history"),
                    html.Span(range_words("24h"), id="time-words"),
                    icon("chevron-down", className="picker-arrow"),
                ],
                className="picker-button",
            ),
            html.Div(
                [
                    html.Div([_head("relative"), *presets, _free()], className="time-part"),
                    html.Div([_head("absolute"), *_absolute()], className="time-part"),
                    html.Div([_head("compare"), *compare], className="time-part"),
                ],
                className="menu menu-time",
            ),
        ],
        className="menu-holder",
    )


def _head(name: str) -> html.Div:
    return html.Div(t(f"shell.{name}"), className="menu-head")


def _field(label: str, field_id: str, kind: str, hint: str = "") -> html.Label:
    from dash import dcc

    return html.Label(
        [
            html.Span(label),
            dcc.Input(id=field_id, type="text", placeholder=hint, autoComplete="off")
            if kind == "text"
            else html.Div(id=field_id, className="moment-field", **attrs(data_moment=label)),
        ],
        className="field",
        htmlFor=field_id if kind == "text" else f"{field_id}-input",
    )


def _free() -> html.Div:
    return html.Div(_field(t("shell.free_range"), "free-range", "text", "25m, 3h, 2d"))


def _absolute() -> list[Any]:
    return [
        _field(t("shell.from"), "time-from", "moment"),
        _field(t("shell.to"), "time-to", "moment"),
        html.Button(
            t("shell.apply"), className="btn-strong", **attrs(data_action="apply-absolute")
        ),
        html.P("UTC", className="menu-note"),
    ]


def _live() -> html.Div:
    choices = [
        _scope_button(t("shell.every_seconds", n=s), {"refresh": str(s), "live": ""})
        for s in REFRESH_S
    ]
    return html.Div(
        [
            html.Button(
                [html.Span(className="live-dot"), html.Span(t("shell.live"), id="live-words")],
                className="live-button",
                id="live-button",
                **attrs(data_action="live", aria_pressed="true"),
            ),
            html.Details(
                [
                    html.Summary(
                        icon("chevron-down"),
                        className="icon-button",
                        **attrs(aria_label=t("shell.refresh")),
                    ),
                    html.Div([_head("refresh"), *choices], className="menu"),
                ],
                className="menu-holder",
            ),
        ],
        className="live",
    )


def _search() -> html.Button:
    return html.Button(
        [
            icon("search"),
            html.Span(t("shell.palette"), className="visually-hidden"),
            html.Kbd("Ctrl K", className="bar-kbd"),
        ],
        className="icon-button bar-search",
        **attrs(data_action="palette"),
    )


def _theme() -> html.Button:
    return html.Button(
        icon("circle-half"),
        className="icon-button",
        title=t("shell.theme"),
        **attrs(data_action="theme", aria_label=t("shell.theme")),
    )


def _language() -> html.Details:
    choices = [
        html.Button(
            language.name,
            className="menu-item",
            lang=code,
            **attrs(data_lang=code, aria_pressed=str(code == current()).lower()),
        )
        for code, language in LANGUAGES.items()
    ]
    return html.Details(
        [
            html.Summary(
                icon("translate"),
                className="icon-button",
                title=t("shell.language"),
                **attrs(aria_label=t("shell.language")),
            ),
            html.Div(choices, className="menu"),
        ],
        className="menu-holder",
    )


def _user(standing: Standing) -> list[Any]:
    if not standing.can_sign_out:
        return []
    return [
        html.Button(
            icon("box-arrow-right"),
            className="icon-button",
            title=t("shell.sign_out"),
            **attrs(data_action="sign-out", aria_label=t("shell.sign_out")),
        )
    ]
