"""What the AI costs, why that changed, whether the budget holds, and what users got for it."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import html

from components import charts, live, shell, states
from components.address import choice, link
from components.charts import Line, Threshold
from components.issues import Issue, issue_list
from components.kpi import Delta, change, kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.tables import Column, table
from components.theme import Status
from engines.business import Return
from engines.result import Insufficient, Interval
from i18n import currency, date_time, number, t
from pages import business_value, sources
from services.budgets import SpendTrack, Surprise, Surprises, get_recent_surprises, get_spend_track
from services.costs import DRAWN, Costs, Dimension, ModelSpend, get_recent_costs
from services.spend import SPEND
from services.sums import Choice, has_history
from services.times import Window
from services.value import Outcome, Value, get_losses, get_recent_value
from services.workspace import Workspace

PATH = "/business"
_COSTS = ("spend", "thousand", "request", "task", "budget")
_VALUES = ("conversion", "resolution", "satisfaction", "roi")
_BUDGET: dict[str, Status] = {"ok": "good", "at_risk": "warn", "exceeded": "bad"}
_MOST_ROWS = 50


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    return html.Div(
        [
            shell.page_header(t("nav.business"), _t("purpose")),
            live.view_store("business"),
            *[
                row(*[live.slot(f"biz-{name}", states.skeleton(104, "kpi")) for name in names])
                for names in (_COSTS, _VALUES)
            ],
            grid(
                _place("time", 7),
                _place("forecast", 5),
                _place("models", 8),
                _place("surprises", 4, menu=False),
                _place("segments", 5),
                _place("versions", 7),
                _place("return", 5, menu=False),
                _place("losses", 7),
            ),
        ]
    )


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "business", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put what the window cost and brought into the page's places."""
    window = sources.window_of(ws, scope)
    choice = Choice(scope.model, scope.version, scope.segment)
    past = sources.compared(ws, scope)
    costs = get_recent_costs(ws, window, choice, against=past)
    value = get_recent_value(ws, window, choice)
    track = get_spend_track(ws)
    source = Provenance(scope.describe(), costs.inferences, computed_at_ms=costs.computed_at_ms)
    compared = has_history(ws, past)
    figures = _cost_figures(costs, compared, source) | _value_figures(value, compared, source)
    figures["budget"] = _budget(track)
    for name in (*_COSTS, *_VALUES):
        view.slot(f"biz-{name}", figures[name])
    marks = sources.event_marks(ws, window, scope.model)
    view.panel("biz-time", _over_time(costs, marks) if costs.total else _nothing(), source)
    view.panel("biz-forecast", _forecast(track, _past_marks(ws, track)), _track_source(track))
    view.panel("biz-models", _lines(costs, "model", compared), source)
    view.panel("biz-segments", _segments(costs, compared), source)
    found = get_recent_surprises(ws, window, choice)
    view.panel(
        "biz-surprises", _surprises(found),
        Provenance(scope.describe(), found.hours, computed_at_ms=found.computed_at_ms),
    )  # fmt: skip
    view.panel("biz-versions", business_value.versions(value), source)
    view.panel("biz-return", business_value.returns(value), source)
    view.panel("biz-losses", business_value.losses(get_losses(ws, window, choice)), source)


def _cost_figures(costs: Costs, compared: bool, source: Provenance) -> dict[str, Any]:
    money = costs.currency
    old = costs.before if compared else None
    old_per = costs.per_thousand_before if compared else None
    none = Insufficient(_t("nothing"))
    others = [_money(v, c) for c, v in costs.other_currencies.items()]
    extra = _t("others", list=", ".join(others)) if others else ""
    priced = costs.by_method.get("priced", 0)
    if priced:
        extra += " " + _t("priced", n=number(priced), date=costs.prices_date)
    per = None if isinstance(costs.per_thousand, Insufficient) else costs.per_thousand
    return {
        "spend": kpi(
            _t("spend"), none if not costs.inferences else costs.total, unit=money,
            kpi_id="biz-spend", delta=change(costs.total, old), good="down",
            trend=_trend(costs.over_time),
            definition=f"{_t('spend_definition', tenant=costs.tenant)} {extra}".strip(),
            source=source,
        ),
        "thousand": kpi(
            _t("thousand"), none if per is None else per, unit=money, kpi_id="biz-thousand",
            delta=change(per, old_per), good="down", source=source,
            trend=_trend(costs.per_thousand_over_time),
            definition=_t("thousand_definition"),
        ),
        "request": kpi(
            _t("request"), _or(costs.per_request, "no_request"), unit=money, kpi_id="biz-request",
            definition=_t("request_definition"), source=source,
        ),
        "task": kpi(
            _t("task"), _or(costs.per_resolved_task, "no_task"), unit=money, kpi_id="biz-task",
            definition=_t("task_definition"), source=source,
        ),
    }  # fmt: skip


def _value_figures(value: Value, compared: bool, source: Provenance) -> dict[str, Any]:
    by_name = {outcome.metric.name: outcome for outcome in value.outcomes}
    figures = {
        name: _outcome_figure(by_name[name], compared, source) for name in business_value.STANDARD
    }
    returns = [o for o in value.outcomes if isinstance(o.roi, Return)]
    definition = _t("roi_definition")
    if returns and isinstance(returns[0].roi, Return):
        best = returns[0].roi
        figures["roi"] = kpi(
            _t("roi"), best.roi, unit="share", kpi_id="biz-roi", interval=best.interval,
            status="good" if best.interval.low > 0 else "bad" if best.interval.high < 0 else "warn",
            word=business_value.outcome_name(returns[0].metric.name), definition=definition,
            source=source,
        )  # fmt: skip
    else:
        figures["roi"] = kpi(
            _t("roi"), Insufficient(_t("no_worth")), kpi_id="biz-roi", definition=definition
        )
    return figures


def _outcome_figure(outcome: Outcome, compared: bool, source: Provenance) -> Any:
    name = outcome.metric.name
    found = outcome.overall
    lack = Insufficient(_t("no_outcome", metric=outcome.metric.metric))
    if isinstance(found, Insufficient):
        return kpi(_t(name), lack, kpi_id=f"biz-{name}", definition=_t(f"{name}_definition"))
    is_share = outcome.metric.kind == "share"
    delta = None
    if compared and outcome.before is not None:
        delta = Delta(found.value - outcome.before, "absolute")
    own = Provenance(source.window, found.n, computed_at_ms=source.computed_at_ms)
    return kpi(
        _t(name), found.value, unit="share" if is_share else "", kpi_id=f"biz-{name}",
        interval=found.interval, delta=delta, good="up", source=own,
        trend=_trend(outcome.over_time),
        definition=_t(f"{name}_definition"),
    )  # fmt: skip


def _budget(track: SpendTrack) -> Any:
    found = track.track
    if found is None or track.budget is None:
        return kpi(_t("budget"), Insufficient(_t("no_budget")), kpi_id="biz-budget",
                   definition=_t("budget_definition"))  # fmt: skip
    interval = None
    if found.interval is not None:
        ends = (found.interval.low / found.limit, found.interval.high / found.limit)
        interval = Interval(*ends, found.interval.level)
    return kpi(
        _t("budget"), found.used, unit="share", kpi_id="biz-budget", interval=interval,
        interval_words=t("panel.at_period_end"),
        status=_BUDGET[found.status], word=_t(f"budget_{found.status}"), target=found.elapsed,
        definition=_t("budget_definition"), source=_track_source(track),
    )  # fmt: skip


def _over_time(costs: Costs, marks: list[charts.Mark]) -> Any:
    shown = costs.models[:DRAWN]
    whole = sources.finished(costs.timestamps_ms, costs.step_ms, costs.window.end_ms)
    lines = [Line(model.model_id, model.cost[:whole]) for model in shown]
    if len(costs.lines["model"]) > len(shown):
        lines.append(Line(_t("rest"), _rest(costs, shown)[:whole]))
    unit = _t("per_step", unit=costs.currency, minutes=number(costs.step_ms / 60_000))
    figure = charts.area(costs.timestamps_ms[:whole], lines, unit=unit, marks=marks)
    return charts.graph(
        "biz-time-chart", figure, label=_t("time_definition"),
        choices={model.model_id: link("", model=model.model_id) for model in shown},
    )  # fmt: skip


def _rest(costs: Costs, shown: list[ModelSpend]) -> list[float]:
    """Return what the models that are not shown cost per step."""
    every = np.nan_to_num(np.array([costs.over_time, *(m.cost for m in shown)], dtype=float))
    # What is left of a sum is a rounding error where nobody else spent anything.
    rest = every[0] - every[1:].sum(axis=0)
    left: list[float] = np.where(rest > 1e-9 * every[0], rest, 0.0).tolist()
    return left


def _past_marks(ws: Workspace, track: SpendTrack) -> list[charts.Mark]:
    """Return what happened in the period of the budget so far."""
    return sources.event_marks(ws, Window(track.period.start_ms, track.computed_at_ms))


def _forecast(track: SpendTrack, marks: list[charts.Mark]) -> Any:
    if not track.spent and not track.ahead:
        return _nothing()
    nothing: list[float | None] = [None] * len(track.ahead)
    gap: list[float | None] = [None] * len(track.past)
    lines = [Line(_t("spent"), [*track.past, *nothing], dash="solid")]
    if track.ahead:
        lines.append(
            Line(
                _t("expected"), [*gap, *track.ahead], low=[*gap, *track.ahead_low],
                high=[*gap, *track.ahead_high], dash="dot",
            )
        )  # fmt: skip
    limits = []
    if track.budget is not None:
        label = _t("limit", value=_money(track.budget.amount, track.currency))
        limits = [Threshold(track.budget.amount, label, "bad")]
    figure = charts.line(
        [*track.past_ms, *track.ahead_ms], lines, unit=track.currency, zero=True,
        thresholds=limits, window_ms=(track.period.start_ms, track.period.end_ms), marks=marks,
    )  # fmt: skip
    chart = charts.graph("biz-forecast-chart", figure, label=_t("forecast_definition"), height=220)
    return html.Div([html.P(_forecast_words(track), className="panel-note"), chart])


def _forecast_words(track: SpendTrack) -> str:
    found = track.track
    if track.expected is None:
        return _t("no_forecast", n=number(track.n))
    words = _t("ends_at", value=_money(track.expected, track.currency))
    if found is not None and found.interval is not None:
        ends = [_money(v, track.currency) for v in (found.interval.low, found.interval.high)]
        words += " " + _t("between", low=ends[0], high=ends[1])
    if found is not None and found.runs_out_s:
        at = date_time(track.computed_at_ms + found.runs_out_s * 1_000)
        words += " " + _t("runs_out", at=at)
    return words


def _track_source(track: SpendTrack) -> Provenance:
    method = _t(f"method_{track.method}") if track.method else ""
    return Provenance(
        _t("hours_of_history"), track.n, computed_at_ms=track.computed_at_ms, method=method
    )


def _lines(costs: Costs, dimension: Dimension, compared: bool, *, short: bool = False) -> Any:
    lines = costs.lines[dimension]
    if not lines:
        return _nothing()
    unit = costs.currency
    columns = [
        Column("key", _t(dimension)),
        Column("cost", _t("spend"), "number", unit),
        *([] if short else [Column("share", _t("share"), "number", "share")]),
        Column("thousand", _t("per_thousand"), "number", unit),
        *([] if short else [Column("n", _t("inferences"), "number")]),
        Column("volume", _t("volume"), "node"),
        Column("price", _t("price"), "node"),
    ]
    rows = [
        {
            "key": choice(line.key, _address(dimension, line.key), style=business_value.WHOLE),
            "cost": line.cost,
            "share": line.share,
            "thousand": line.per_thousand,
            "n": float(line.inferences),
            "volume": _money_change(line.volume_effect, unit) if compared else "–",
            "price": _money_change(line.price_effect, unit) if compared else "–",
        }
        for line in lines[:_MOST_ROWS]
    ]
    return table(columns, rows, caption=_t(f"{dimension}s"), total=len(lines))


def _address(dimension: Dimension, key: str) -> str:
    """Return what filters by a line; costs have no filter of regions, which explore has."""
    if dimension == "region":
        return sources.explore_link(SPEND, by="model_id", region=key)
    return link("", **{dimension: key})


def _segments(costs: Costs, compared: bool) -> Any:
    if not costs.lines["segment"]:
        return _nothing()
    return html.Div([_lines(costs, name, compared, short=True) for name in ("segment", "region")])


def _surprises(found: Surprises) -> Any:
    if found.insufficient is not None:
        return Insufficient(_t("few_hours", n=number(found.hours)))
    if not found.found:
        return states.calm(_t("no_surprises"), _t("no_surprises_hint", n=number(found.hours)))
    issues = [
        Issue(
            "warn" if one.spent > one.expected else "none",
            _surprise_title(one, found.currency),
            _surprise_reason(one, found.currency),
            word=date_time(one.start_ms),
        )
        for one in found.found
    ]
    return issue_list(issues)


def _surprise_title(one: Surprise, unit: str) -> str:
    return _t(
        "surprise", who=one.model_id or _t("everything"), spent=_money(one.spent, unit),
        usual=_money(one.expected, unit),
    )  # fmt: skip


def _surprise_reason(one: Surprise, unit: str) -> str:
    parts = []
    for driver in [*one.models[:1], *one.segments[:1]]:
        dearer = abs(driver.price_effect) >= abs(driver.volume_effect)
        parts.append(
            _t(
                "by_price" if dearer else "by_volume", who=driver.key,
                value=_ltr(_signed_money(driver.change, unit)),
            )
        )  # fmt: skip
    return " · ".join(parts)


def _place(name: str, span: Any, *, menu: bool = True) -> Any:
    return panel(
        _t(name), None, panel_id=f"biz-{name}", span=span, menu=menu,
        definition=_t(f"{name}_definition"),
    )  # fmt: skip


def _nothing() -> html.Div:
    return states.empty(_t("nothing"), hint=_t("nothing_hint"), command="python -m app demo")


def _or(value: float | Insufficient, key: str) -> float | Insufficient:
    return Insufficient(_t(key)) if isinstance(value, Insufficient) else value


def _ltr(words: str) -> str:
    """Return an amount that keeps its order inside a right-to-left sentence."""
    return f"\u2066{words}\u2069"


def _money(amount: float | None, unit: str) -> str:
    return _ltr(currency(amount, unit))


def _trend(values: list[float | None]) -> list[float | None]:
    return sources.spark([float("nan") if v is None else v for v in values])


def _money_change(amount: float, unit: str) -> Any:
    if abs(amount) < 1e-9:
        return "–"
    return html.Bdi(_signed_money(amount, unit), dir="ltr")


def _signed_money(amount: float, unit: str) -> str:
    return f"{'+' if amount > 0 else '−'}{currency(abs(amount), unit)}"


def _t(name: str, **values: str) -> str:
    return t(f"business.{name}", **values)
