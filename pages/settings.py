"""Who you are, which keys exist, what each model is, how trust is made, and what the hub runs
on."""

from __future__ import annotations

from typing import Any, cast

from dash import ALL, Input, Output, State, ctx, html, no_update

from components import forms, live, shell
from components import scope as scopes
from components.attributes import attrs
from components.icons import icon
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column, table
from i18n import LANGUAGES, current, number, t
from pages import explore_parts as parts
from pages import settings_lists, settings_trust, sources
from pages.settings_lists import words
from services.errors import Invalid, NotFound
from services.identity import GRANTABLE
from services.keys import create_key, revoke_key
from services.models import Model, ModelType, Registration, get_model, register_model
from services.profiles import PATHS, PROFILES, choose_profile, current_profile, list_profiles
from services.running import get_dependencies, get_running
from services.tenants import list_tenants
from services.workspace import Workspace, current_workspace

PATH = "/settings"
_TYPES = ("classification", "regression", "llm", "rag")
_RISKS = ("", "minimal", "limited", "high")


def layout() -> html.Div:
    """Return the page: forms as they stay, places for what the hub fills in."""
    return html.Div(
        [
            shell.page_header(t("nav.settings"), words("purpose")),
            live.view_store("settings"),
            grid(
                panel(words("you"), None, panel_id="settings-you", span=4, height=180, menu=False),
                panel(
                    words("reading"), _reading(), panel_id="settings-reading", span=8, height=180,
                    menu=False, definition=words("reading_definition"),
                ),
                panel(
                    words("models"), None, panel_id="settings-models", span=7, height=240,
                    definition=words("models_definition"),
                ),
                panel(
                    words("register"), _register_form(), panel_id="settings-register", span=5,
                    height=240, menu=False,
                ),
                panel(
                    words("keys"), None, panel_id="settings-keys", span=7, height=200,
                    definition=words("keys_definition"),
                ),
                panel(
                    words("new_key"), _key_form(), panel_id="settings-new-key", span=5,
                    height=200, menu=False,
                ),
                panel(
                    words("policy"), None, panel_id="settings-policy", span=7, height=200,
                    definition=words("policy_definition"),
                ),
                panel(
                    words("running"), None, panel_id="settings-running", span=5, height=200,
                    definition=words("running_definition"),
                ),
                panel(
                    words("policy_change"), settings_trust.form(), panel_id="settings-trust-form",
                    span=12, height=200, menu=False, definition=words("policy_change_definition"),
                ),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view; forms act on their buttons."""
    sources.register_live(dash_app, "settings", fill)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("settings-secret", "children"), Input("settings-create-key", "n_clicks"),
        State("settings-key-role", "value"), State("settings-key-name", "value"),
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _create(n: int | None, role: str, name: str | None, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        made = create_key(ws, role, name=name or "")
        sources.ask_anew(ws, data)
        return _secret(made.key)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("settings-key-name", "value"),
        Input({"type": "settings-revoke", "index": ALL}, "n_clicks"),
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _revoke(clicks: list[int | None], data: dict[str, Any]) -> Any:
        if not any(clicks) or ctx.triggered_id is None:
            return no_update
        ws = current_workspace()
        revoke_key(ws, str(ctx.triggered_id["index"]))
        sources.done(ws, data, words("revoked"))
        return ""

    _register_models(dash_app)
    settings_trust.register(dash_app)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("shell-side", "children", allow_duplicate=True),
        Input("settings-profile", "value"), prevent_initial_call=True,
    )  # fmt: skip
    def _profile(chosen: str | None) -> Any:
        import pages

        ws = current_workspace()
        mine = current_profile(ws)
        if (mine.id if mine else "") != forms.chosen(chosen):
            choose_profile(ws, forms.chosen(chosen))
            sources.say(words("profile_chosen"))
        return shell.side_nav(pages.nav_items())


_FIELDS = ("id", "name", "type", "owner", "what", "risk", "objective")


def _register_models(dash_app: Any) -> None:  # a dash.Dash
    @dash_app.callback(  # type: ignore[untyped-decorator]
        *[Output(f"settings-model-{name}", "value") for name in _FIELDS], Input("scope", "data")
    )
    def _prefill(data: dict[str, Any] | None) -> tuple[Any, ...]:
        model_id = scopes.parse(data).model
        found = _known(current_workspace(), model_id)
        if found is None:
            return model_id, "", "classification", "", "", forms.UNSET, ""
        name = "" if found.name == model_id else found.name
        return (
            model_id, name, found.model_type, found.owner, found.purpose,
            found.risk_class or forms.UNSET, forms.written(found.objective_latency_ms)
        )  # fmt: skip

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("settings-save-model", "title"), Input("settings-save-model", "n_clicks"),
        *[State(f"settings-model-{name}", "value") for name in _FIELDS],
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _save(n: int | None, *given: Any) -> Any:
        if not n:
            return no_update
        typed, name, kind, owner, what, risk, objective, data = given
        ws, model_id = current_workspace(), (typed or "").strip()
        known = _known(ws, model_id)
        said = Registration(
            name=name or "", model_type=cast(ModelType, kind), owner=owner or "",
            purpose=what or "", risk_class=cast(Any, forms.chosen(risk)),
            objective_latency_ms=_positive(objective),
            positive_class=known.positive_class if known else None,  # not asked for: it stays
        )  # fmt: skip
        register_model(ws, model_id, said)
        sources.done(ws, data, words("saved"))
        return words("saved")


def _known(ws: Workspace, model_id: str) -> Model | None:
    if not (0 < len(model_id) <= 200 and model_id.isprintable()):
        return None  # no model has such an id: what is wrong with it is said when it is saved
    try:
        return get_model(ws, model_id)
    except NotFound:
        return None


def _positive(text: str | None) -> float | None:
    try:
        value = forms.read_number(text)
    except ValueError:
        raise Invalid(words("bad_number")) from None
    if value is not None and not 0 < value < 1e9:
        raise Invalid(words("bad_number"))
    return value


def _secret(key: str) -> html.Div:
    return html.Div(
        [
            html.P([icon("exclamation-triangle"), " ", words("shown_once")]),
            html.Div(
                [
                    html.Code(key, dir="ltr"),
                    html.Button(
                        [icon("copy"), html.Span(t("panel.copy"), className="visually-hidden")],
                        className="icon-button",
                        **attrs(data_action="copy", data_copy=key),
                    ),
                ],
                className="state-command",
            ),
        ]
    )


def _reading() -> html.Div:
    profiles = {"": words("every_page")} | {p.id: t(f"profiles.{p.id}") for p in PROFILES}
    languages = [
        html.Button(
            language.name, className="btn-quiet", lang=code,
            **attrs(data_lang=code, aria_pressed=str(code == current()).lower()),
        )
        for code, language in LANGUAGES.items()
    ]  # fmt: skip
    theme = html.Button(
        [icon("circle-half"), html.Span(t("shell.theme"))], className="btn-quiet",
        **attrs(data_action="theme"),
    )  # fmt: skip
    return html.Div(
        [
            forms.choices("settings-profile", words("profile"), profiles, _mine()),
            live.slot("settings-start", block=True),
            html.Div([*languages, theme], className="pill-row"),
        ]
    )


def _mine() -> str:
    found = current_profile(current_workspace())
    return found.id if found else ""


def _register_form() -> html.Div:
    kinds = {name: words(f"type_{name}") for name in _TYPES}
    risks = {name: words(f"risk_{name or 'none'}") for name in _RISKS}
    return html.Div(
        [
            forms.text("settings-model-id", words("model_id")),
            forms.text("settings-model-name", words("name")),
            forms.choices("settings-model-type", words("type"), kinds, "classification"),
            forms.text("settings-model-owner", words("owner")),
            forms.text("settings-model-what", words("what")),
            forms.choices("settings-model-risk", words("risk"), risks, ""),
            forms.text("settings-model-objective", words("objective")),
            html.Button(
                [icon("check2"), html.Span(words("save"))], id="settings-save-model",
                className="btn-strong",
            ),
        ],
        className="form",
    )  # fmt: skip


def _key_form() -> html.Div:
    roles = {role: words(f"role_{role}") for role in GRANTABLE}
    return html.Div(
        [
            forms.choices("settings-key-role", words("role"), roles, "viewer"),
            forms.text("settings-key-name", words("key_name")),
            html.Button(
                [icon("key"), html.Span(words("create_key"))], id="settings-create-key",
                className="btn-strong",
            ),
            html.Div(id="settings-secret", role="status"),
        ],
        className="form",
    )  # fmt: skip


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put what the hub knows of you, your keys, your models and itself into the page's places."""
    source = Provenance(computed_at_ms=ws.now_ms())
    view.panel("settings-you", _you(ws), height=180)
    view.slot("settings-start", _start(ws))
    opened = parts.opened(scope)
    view.panel("settings-models", settings_lists.models(ws, opened), source, height=240)
    view.panel("settings-keys", settings_lists.keys(ws, opened), source, height=200)
    settings_trust.fill(ws, view)
    view.panel("settings-running", _running(ws), source, height=200)


def _you(ws: Workspace) -> html.Div:
    running = get_running(ws)
    names = {tenant.id: tenant.name for tenant in _tenants(ws)}
    facts = {
        "tenant": names.get(ws.tenant, ws.tenant),
        "who": sources.reader_name(ws),
        "role": ", ".join(words(f"role_{role}") for role in ws.principal.roles),
        "access": words(f"access_{running.auth}"),
        "kept": words("days", n=running.retention_days),
    }
    rows = [{"name": words(name), "value": value} for name, value in facts.items()]
    columns = [Column("name", t("models.property")), Column("value", t("shell.value"))]
    return table(columns, rows, caption=words("you"))


def _tenants(ws: Workspace) -> list[Any]:
    return list_tenants(ws) if "tenant:admin" in ws.principal.permissions else []


def _start(ws: Workspace) -> Any:
    chosen = next((p for p in list_profiles(ws) if p.is_chosen), None)
    if chosen is None:
        return None
    link = html.A(t(f"nav.{_page_at(chosen.start)}"), href=chosen.start)
    return html.P([chosen.purpose, " ", words("starts_at"), " ", link], className="panel-note")


def _page_at(path: str) -> str:
    return next(name for name, at in PATHS.items() if at == path)


def _stats(stats: dict[str, float]) -> str:
    """Return the first few counts that a store gives of itself, under the names it gives them."""
    shown = [f"{name.replace('_', ' ')} {number(v)}" for name, v in list(stats.items())[:3]]
    return " · ".join(shown) or "–"


def _running(ws: Workspace) -> Any:
    columns = [
        Column("part", words("dependency")), Column("state", words("state"), "node"),
        Column("detail", words("detail")),
    ]  # fmt: skip
    rows = [
        {
            "part": one.name,
            "state": mark("good" if one.ok else "bad", words("up" if one.ok else "down")),
            "detail": one.detail or _stats(one.stats),
        }
        for one in get_dependencies(ws)
    ]
    return table(columns, rows, caption=words("running"))
