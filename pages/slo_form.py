"""The form that defines, changes and deletes objectives."""

from __future__ import annotations

from typing import Any

import msgspec
from dash import ALL, Input, Output, State, ctx, html, no_update

from components import forms
from components import scope as scopes
from components.icons import icon
from i18n import t
from pages import explore_parts as parts
from pages.sources import done
from services import slo as service
from services.errors import Invalid, NotFound
from services.slo import Definition
from services.slo_counts import Indicator
from services.workspace import Workspace, current_workspace

_KINDS = (
    "availability", "latency", "trust", "grounding", "drift", "cost_per_request", "metric_above",
    "metric_below",
)  # fmt: skip
_FIELDS = ("id", "name", "of", "subject", "kind", "metric", "threshold", "target", "days")


def words(name: str, /, **values: Any) -> str:
    """Return a text of the service-level page."""
    return t(f"slo.{name}", **values)


def layout() -> html.Div:
    """Return the form; the address fills it with the objective that it names."""
    return html.Div(
        [
            forms.text("slo-f-id", words("f_id")),
            forms.text("slo-f-name", words("f_name")),
            forms.choices(
                "slo-f-of", words("f_of"),
                {"model": words("f_of_model"), "service": words("f_of_service")}, "model",
            ),
            forms.text("slo-f-subject", words("f_subject")),
            forms.choices(
                "slo-f-kind", words("f_kind"), {k: words(f"f_kind_{k}") for k in _KINDS},
                "availability",
            ),
            forms.text("slo-f-threshold", words("f_threshold")),
            forms.text("slo-f-metric", words("f_metric")),
            forms.text("slo-f-target", words("f_target"), "99"),
            forms.text("slo-f-days", words("f_days"), "30"),
            html.Button(
                [icon("check2"), html.Span(words("save"))], id="slo-save", className="btn-strong"
            ),
        ],
        className="form form-wide",
    )  # fmt: skip


def delete_button(slo_id: str) -> html.Button:
    """Return the button that deletes an objective."""
    return html.Button(
        [icon("trash"), html.Span(words("remove"))], id={"type": "slo-remove", "index": slo_id},
        className="btn-quiet no-print",
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Fill the form from the address; save and delete."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        *[Output(f"slo-f-{name}", "value") for name in _FIELDS], Input("scope", "data")
    )
    def _prefill(data: dict[str, Any] | None) -> tuple[Any, ...]:
        scope = scopes.parse(data)
        slo_id = parts.asked(scope).one("slo")
        try:
            return _values(service.get_objective(current_workspace(), slo_id))
        except NotFound:
            return ("", "", "model", scope.model, "availability", "", "", "99", "30")

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("slo-save", "title"), Input("slo-save", "n_clicks"),
        *[State(f"slo-f-{name}", "value") for name in _FIELDS],
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _save(n: int | None, *given: Any) -> Any:
        if not n:
            return no_update
        *values, data = given
        typed = dict(zip(_FIELDS, values, strict=True))
        slo_id = str(typed["id"] or "").strip()
        ws = current_workspace()
        service.define(ws, slo_id, _definition(ws, typed, slo_id))
        done(ws, data, words("saved"))
        return words("saved")

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("slo-save", "className"), Input({"type": "slo-remove", "index": ALL}, "n_clicks"),
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _remove(clicks: list[int | None], data: dict[str, Any]) -> Any:
        if not any(clicks) or not ctx.triggered_id:
            return no_update
        ws = current_workspace()
        service.remove(ws, str(ctx.triggered_id["index"]))
        done(ws, {**(data or {}), "focus": ""}, words("removed"))
        return no_update


def _values(objective: service.Objective) -> tuple[Any, ...]:
    given = objective.definition
    kind = given.indicator.kind
    threshold = given.indicator.threshold
    return (
        objective.id, given.name, "model" if given.model_id else "service", given.subject,
        f"metric_{given.indicator.good_when}" if kind == "metric" else kind,
        given.indicator.metric, forms.written(threshold),
        f"{given.target * 100:.10g}", f"{given.days}",
    )  # fmt: skip


def _definition(ws: Workspace, typed: dict[str, Any], slo_id: str) -> Definition:
    """Return what was typed over what is on record: the form does not ask for everything."""
    try:
        target = (forms.read_number(typed["target"]) or 0.0) / 100
        threshold = forms.read_number(typed["threshold"])
        days = int(forms.read_number(typed["days"]) or 0)
    except ValueError:
        raise Invalid(words("bad_number")) from None
    kind, _, side = str(typed["kind"]).partition("metric_")
    indicator = Indicator(
        kind or "metric",  # type: ignore[arg-type]
        None if kind == "availability" else threshold,
        str(typed["metric"] or "").strip() if side else "",
        side or "above",  # type: ignore[arg-type]
    )
    subject = str(typed["subject"] or "").strip()
    is_model = typed["of"] == "model"
    try:
        kept = service.get_objective(ws, slo_id).definition
    except NotFound:
        kept = Definition(name="", indicator=indicator, target=target)
    return msgspec.structs.replace(
        kept, name=str(typed["name"] or "").strip(), indicator=indicator, target=round(target, 10),
        days=days, model_id=subject if is_model else "", service="" if is_model else subject,
    )  # fmt: skip
