"""The frame around every page: index document, bar, navigation, palette, toasts, page header."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from dash import MATCH, ClientsideFunction, Input, Output, State, dcc, html

from components import lazy
from components.attributes import attrs
from components.icons import icon
from components.still import still
from components.topbar import Standing, top_bar
from i18n import LANGUAGES, t


@dataclass(frozen=True, slots=True)
class NavItem:
    """One page in the navigation: where it is, its name, icon and group, and what filters it."""

    path: str
    title: str
    icon: str
    group: str
    filters: tuple[str, ...] = ()


_ASSETS = Path(__file__).parents[1] / "assets"
_STYLES = (
    "vendor/bootstrap-icons.min.css",
    "theme.css",
    "fonts.css",
    "app.css",
    "panel.css",
    "causal.css",
    "explore.css",
    "print.css",
)
_SCRIPTS = (
    "vendor/plotly-charts.min.js", "vendor/plotly-locales.js", "plot-locales.js", "theme.js",
    "plots.js", "scope.js", "still.js", "live.js", "shell.js", "palette.js", "export.js",
    "causal.js", "explore.js", "views.js", "choose.js",
)  # fmt: skip


def asset(name: str, prefix: str = "/assets/") -> str:
    """Return the address of an asset; it changes with the content, so browsers may keep it."""
    digest = blake2b((_ASSETS / name).read_bytes(), digest_size=5).hexdigest()
    return f"{prefix}{name}?v={digest}"


def index_string(prefix: str = "/assets/") -> str:
    """Return the index document: own files, no inline script; `boot.js` runs before paint.

    Everything is linked here in order, so create Dash with `include_assets_files=False`.  Plotly's
    smaller bundle comes before Dash's scripts: dcc.Graph uses it instead of fetching its own.
    """
    styles = "".join(f'<link rel="stylesheet" href="{asset(s, prefix)}">\n' for s in _STYLES)
    scripts = "".join(f'<script src="{asset(s, prefix)}"></script>\n' for s in _SCRIPTS)
    early = "".join(
        f'<link rel="preload" as="script" href="{asset(s, prefix)}">\n' for s in _SCRIPTS[:1]
    )
    return f"""<!DOCTYPE html>
<html lang="en" dir="ltr" data-bs-theme="light">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{%title%}}</title>
<link rel="icon" href="{asset("icon.svg", prefix)}" type="image/svg+xml">
<link id="css-ltr" rel="stylesheet" href="{asset("vendor/bootstrap.min.css", prefix)}">
<link id="css-rtl" rel="stylesheet" href="{asset("vendor/bootstrap.rtl.min.css", prefix)}" disabled>
<script src="{asset("boot.js", prefix)}"></script>
{early}{styles}{{%css%}}
</head>
<body>
{{%app_entry%}}
<footer>
<script src="{asset("lazy.js", prefix)}" {lazy.addresses()}></script>
{scripts}{{%config%}}{{%scripts%}}{{%renderer%}}
</footer>
</body>
</html>"""


@dataclass(frozen=True, slots=True)
class Address:
    """What the document was asked for, as its stores hold it; all None when nobody asked."""

    path: str | None = None
    scope: dict[str, str] | None = None
    lang: str | None = None


def layout(
    items: Sequence[NavItem],
    standing: Standing,
    page: Any = None,  # Dash children
    address: Address | None = None,
) -> html.Div:
    """Return the whole frame; the stores under it carry the state of the URL.

    With its page inside, the document needs no further answer to show something.
    """
    return html.Div(
        [
            html.Div(_words(), id="client-words", hidden=True),
            html.A(t("shell.skip"), href="#main", className="skip-link", id="skip"),
            html.Header(still(top_bar(standing)), id="shell-bar", className="bar no-print"),
            html.Div(
                [
                    html.Nav(
                        still(side_nav(items)),
                        id="shell-side",
                        className="side no-print",
                        **attrs(aria_label=t("shell.navigation")),
                    ),
                    html.Main(
                        [
                            html.Div(
                                id="active-filters",
                                className="active-filters no-print",
                                role="group",
                            ),
                            html.Div(page, id="page"),
                        ],
                        id="main",
                        className="main",
                        tabIndex=-1,
                    ),
                ],
                className="frame",
            ),
            _palette(),
            _dialog(),
            html.Div(id="toasts", className="toasts no-print", role="status"),
            *stores(address or Address()),
            dcc.Store(id="standing", data=asdict(standing)),
        ],
        id="shell",
    )


def stores(address: Address) -> list[Any]:
    """Return the invisible parts: address, the scope it says, clock, messages, filter options."""
    return [
        dcc.Location(id="url", refresh=False),
        dcc.Store(id="scope", data=address.scope),
        dcc.Store(id="path", data=address.path),
        dcc.Store(id="lang", data=address.lang),
        dcc.Store(id="toast"),
        dcc.Store(id="filter-options"),
        dcc.Interval(id="tick", interval=15_000, disabled=True),
    ]


def side_nav(items: Sequence[NavItem]) -> list[Any]:
    """Return the navigation, one list per group, in the order given."""
    groups: dict[str, list[NavItem]] = {}
    for item in items:
        groups.setdefault(item.group, []).append(item)
    parts: list[Any] = []
    for group, members in groups.items():
        links = [
            html.Li(
                html.A(
                    [icon(item.icon), html.Span(item.title)],
                    href=item.path,
                    className="side-link",
                    **attrs(data_nav=item.path, data_filters=" ".join(item.filters)),
                )
            )
            for item in members
        ]
        parts.append(html.H2(group, className="side-group"))
        parts.append(html.Ul(links, className="side-list"))
    return parts


def page_header(title: str, purpose: str, *, tools: Any = None) -> html.Header:
    """Return the head of a page: its name, in one sentence what it answers, and its export menu."""
    return html.Header(
        [
            html.Div(
                [html.H1(title, className="page-title"), html.P(purpose, className="page-purpose")],
                className="page-words",
            ),
            html.P(id="print-scope", className="print-only"),
            html.Div([tools, _views(), _page_menu()], className="page-tools no-print"),
        ],
        className="page-head",
    )


def _views() -> html.Details:
    """Return the menu of saved views; `assets/views.js` fills it when it opens."""
    names = ("name", "share", "save", "saved", "mine", "shared", "none", "delete", "deleted")
    words = {name: t(f"views.{name}") for name in names}
    return html.Details(
        [
            html.Summary([icon("bookmark"), html.Span(t("views.menu"))], className="btn-quiet"),
            html.Div(className="menu menu-views"),
        ],
        className="menu-holder views-holder",
        **attrs(data_words=json.dumps(words, ensure_ascii=False)),
    )


_PAGE_MENU = (
    ("page-pdf", "filetype-pdf", "report.pdf"),
    ("page-print", "printer", "panel.print"),
    ("page-csv", "filetype-csv", "panel.csv"),
    ("page-json", "filetype-json", "panel.json"),
    ("page-link", "link-45deg", "panel.copy_link"),
)


def _page_menu() -> html.Details:
    buttons = [
        html.Button(
            [icon(glyph), html.Span(t(key))],
            className="menu-item",
            **attrs(data_action=action),
        )
        for action, glyph, key in _PAGE_MENU
    ]
    return html.Details(
        [
            html.Summary(
                [icon("download"), html.Span(t("shell.export"))],
                className="btn-quiet",
            ),
            html.Div(buttons, className="menu"),
        ],
        className="menu-holder",
    )


def _palette() -> html.Dialog:
    return html.Dialog(
        [
            html.Div(
                [
                    icon("search"),
                    dcc.Input(
                        id="palette-input",
                        type="text",
                        placeholder=t("shell.palette_hint"),
                        autoComplete="off",
                        className="palette-input",
                    ),
                    html.Kbd("Esc"),
                ],
                className="palette-head",
            ),
            html.Div(id="palette-list", className="palette-list"),
        ],
        id="palette",
        className="palette",
        **attrs(aria_label=t("shell.palette")),
    )


def _dialog() -> html.Dialog:
    return html.Dialog(
        [
            html.Header(
                [
                    html.H2(id="dialog-title", className="dialog-title"),
                    html.Button(
                        icon("x-lg"),
                        className="icon-button",
                        **attrs(data_action="dialog-close", aria_label=t("shell.close")),
                    ),
                ],
                className="dialog-head",
            ),
            html.Div(id="dialog-body", className="dialog-body", tabIndex=0),
        ],
        id="dialog",
        className="dialog",
        **attrs(aria_labelledby="dialog-title"),
    )


CLIENT_WORDS = (
    "live", "paused", "all", "search", "no_match", "copied", "pages", "actions", "languages",
    "time", "theme", "failed", "close", "palette", "last_minutes", "last_hours",
    "last_days", "last_weeks", "not_tabular", "value", "model", "version", "segment",
    "remove_filter", "not_filtered", "active_filters",
)  # fmt: skip


def _words() -> str:
    words: dict[str, Any] = {}
    for name in CLIENT_WORDS:
        if name.startswith("last_"):
            words[name] = {n: t(f"shell.{name}", n=n) for n in (1, 2, 3, 6, 7, 12, 15, 24, 30)}
        else:
            words[name] = t(f"shell.{name}")
    words["writing"] = t("report.writing")
    words["language_names"] = {code: language.name for code, language in LANGUAGES.items()}
    return json.dumps(words, ensure_ascii=False)


def register(dash_app: Any, items: Callable[[], Sequence[NavItem]]) -> None:  # a dash.Dash
    """Connect the frame; a new language redraws its words without loading the document again."""
    _register_client(dash_app)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        [
            Output("shell-bar", "children"),
            Output("shell-side", "children"),
            Output("client-words", "children"),
            Output("skip", "children"),
            Output("palette-input", "placeholder"),
        ],
        Input("lang", "data"),
        State("standing", "data"),
        prevent_initial_call=True,
    )
    def _speak(_lang: str | None, standing: dict[str, Any]) -> list[Any]:
        return [
            still(top_bar(Standing(**(standing or {})))),
            still(side_nav(items())),
            _words(),
            t("shell.skip"),
            t("shell.palette_hint"),
        ]


def _register_client(dash_app: Any) -> None:  # a dash.Dash

    def client(function: str, *wires: Any, **more: Any) -> None:
        dash_app.clientside_callback(ClientsideFunction("aiobs", function), *wires, **more)

    client(
        "readAddress",
        [Output("scope", "data"), Output("path", "data"), Output("lang", "data")],
        [Input("url", "pathname"), Input("url", "search")],
        [State("scope", "data"), State("path", "data"), State("lang", "data")],
    )
    client(
        "setClock",
        [Output("tick", "interval"), Output("tick", "disabled")],
        Input("scope", "data"),
    )
    client("showToast", Output("toast", "storage_type"), Input("toast", "data"))
    client(
        "applyView",
        Output({"type": "view", "index": MATCH}, "storage_type"),
        Input({"type": "view", "index": MATCH}, "data"),
    )
    client("takeOptions", Output("filter-options", "storage_type"), Input("filter-options", "data"))
