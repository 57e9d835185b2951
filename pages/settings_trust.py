"""How trust is made: the tenant's policy for every kind of model, and the form that changes it."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State, html, no_update

from components import forms
from components.icons import icon
from components.live import View
from components.panel import Provenance, moment
from components.tables import Column, table
from engines.trust import POLICIES
from i18n import number, percent
from pages import sources
from pages.settings_lists import words
from pages.sources import done
from services import trust_policy as service
from services.errors import Invalid
from services.trust_policy import KNOWN, PartRule, PolicyDefinition, PolicyVersion
from services.workspace import Workspace, current_workspace

PARTS = KNOWN["llm"]
"""Every part that any kind of model has."""
_LIMITS = ("healthy", "warning")
_FIELDS = (*PARTS, *_LIMITS)


def form() -> html.Div:
    """Return the form for one kind of model; choosing another fills it anew."""
    kinds = {kind: words(f"type_{kind}") for kind in POLICIES}
    weights = [
        forms.text(_id(name), words("weight_of", part=sources.part_name(name))) for name in PARTS
    ]
    limits = [forms.text(_id(name), words(f"{name}_from")) for name in _LIMITS]
    fields = [
        forms.choices("settings-trust-type", words("type"), kinds, "classification"),
        *weights,
        *limits,
    ]
    buttons = [
        html.Button(
            [icon("check2"), html.Span(words("save"))], id="settings-trust-save",
            className="btn-strong",
        ),
        html.Button(
            [icon("arrow-counterclockwise"), html.Span(words("policy_restore"))],
            id="settings-trust-restore", className="btn-quiet",
        ),
    ]  # fmt: skip
    return html.Div(
        [
            html.Div(fields, className="form form-wide"),
            html.Div(buttons, className="pill-row form"),
        ]
    )


def register(dash_app: Any) -> None:  # a dash.Dash
    """Fill the form with the policy in use; save another and go back to the shipped one."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        *[Output(_id(name), "value") for name in _FIELDS],
        *[Output(_id(name), "disabled") for name in PARTS],
        Input("settings-trust-type", "value"), Input("scope", "data"),
    )  # fmt: skip
    def _prefill(kind: str, _scope: dict[str, Any] | None) -> tuple[Any, ...]:
        shown = values(service.get_policy(current_workspace(), kind))
        return (*shown, *(name not in KNOWN[kind] for name in PARTS))

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("settings-trust-save", "title"), Input("settings-trust-save", "n_clicks"),
        State("settings-trust-type", "value"), *[State(_id(name), "value") for name in _FIELDS],
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _save(n: int | None, kind: str, *given: Any) -> Any:
        if not n:
            return no_update
        *typed, data = given
        ws = current_workspace()
        now = service.get_policy(ws, kind)
        made = service.set_policy(ws, kind, definition(now, dict(zip(_FIELDS, typed, strict=True))))
        done(ws, data, words("policy_saved", version=made.version))
        return words("policy_saved", version=made.version)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("settings-trust-restore", "title"), Input("settings-trust-restore", "n_clicks"),
        State("settings-trust-type", "value"), State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _restore(n: int | None, kind: str, data: dict[str, Any]) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        service.restore_policy(ws, kind)
        done(ws, data, words("policy_restored"))
        return words("policy_restored")


def fill(ws: Workspace, view: View) -> None:
    """Put the policies in use into their panel."""
    source = Provenance(computed_at_ms=ws.now_ms())
    view.panel("settings-policy", _table(service.list_policies(ws)), source, height=200)


def values(policy: PolicyVersion) -> tuple[str, ...]:
    """Return what the fields show: weights in percent, nothing for a part that does not count."""
    given = policy.definition
    weights = {part.name: f"{100 * part.weight:.6g}" for part in given.parts}
    return (
        *(weights.get(name, "") for name in PARTS),
        forms.written(given.healthy),
        forms.written(given.warning),
    )


def definition(now: PolicyVersion, typed: dict[str, Any]) -> PolicyDefinition:
    """Return what was typed; floors are not asked for and stay, or are as shipped."""
    try:
        numbers = {name: forms.read_number(typed[name]) for name in _FIELDS}
    except ValueError:
        raise Invalid(words("policy_bad_number")) from None
    kept = {part.name: part.floor for part in now.definition.parts}
    shipped = {part.name: part.floor for part in POLICIES[now.model_type].parts}
    parts = tuple(
        PartRule(name, weight, kept.get(name, shipped.get(name)))
        for name in PARTS
        if (weight := numbers[name])
    )
    return PolicyDefinition(parts, numbers["healthy"] or 0.0, numbers["warning"] or 0.0)


def _id(name: str) -> str:
    return f"settings-trust-{name}"


def _table(policies: list[PolicyVersion]) -> html.Div:
    columns = [Column("part", words("part"))] + [
        Column(p.model_type, words(f"type_{p.model_type}"), "node") for p in policies
    ]
    rows: list[dict[str, Any]] = [
        {"part": sources.part_name(name)} | {p.model_type: _weight(p, name) for p in policies}
        for name in PARTS
    ]
    for limit in _LIMITS:
        cells = {p.model_type: number(getattr(p.definition, limit)) for p in policies}
        rows.append({"part": words(f"{limit}_from")} | cells)
    rows.append(
        {"part": words("policy_version")} | {p.model_type: _version(p) for p in policies}
    )  # fmt: skip
    return html.Div(
        [table(columns, rows, caption=words("policy")), html.P(words("policy_note"))],
        className="panel-note",
    )


def _weight(policy: PolicyVersion, name: str) -> str:
    part = next((part for part in policy.definition.parts if part.name == name), None)
    if part is None:
        return "–"
    text = percent(part.weight)
    return text if part.floor is None else f"{text} · {words('floor', value=number(part.floor))}"


def _version(policy: PolicyVersion) -> Any:
    if policy.changed_at_ms is None:
        return words("policy_shipped", version=policy.version)
    return html.Span([html.Bdi(policy.version), " · ", moment(policy.changed_at_ms)])
