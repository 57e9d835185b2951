"""What the tenant's AI costs: totals, per unit of work, by model, segment and region, and why it
changed."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines import business
from engines.business import Driver
from engines.result import Insufficient
from engines.sentence import say
from services.business_policy import get_business_policy
from services.identity import permitted
from services.models import list_models
from services.spend import COUNTED, SPEND
from services.sums import (
    FRESH_S,
    STALE_S,
    Choice,
    Sums,
    added_up,
    read_sums,
    read_totals,
    to_list,
    widened,
)
from services.times import Window
from services.workspace import Workspace

Dimension = Literal["model", "segment", "region", "version"]
DIMENSIONS: tuple[Dimension, ...] = ("model", "segment", "region", "version")
MAX_TRACED = 20_000
MIN_TRACED = 50
DRAWN = 3
"""Models whose cost over time a page draws, beside that of all others together."""
NO_KNOWN_COST = say("reasons.no_known_cost", "no inference of this window has a known cost")
PRICES_DATE = str(business.load_prices()["date"])


class CostLine(msgspec.Struct, frozen=True):
    """One model, segment, region or version, and why its cost changed."""

    key: str
    cost: float
    before: float
    inferences: int
    share: float
    per_thousand: float | None
    volume_effect: float
    price_effect: float


class ModelSpend(msgspec.Struct, frozen=True):
    """One model's cost over time."""

    model_id: str
    cost: list[float | None]


class Spending(msgspec.Struct, frozen=True):
    """What a window cost together, in the currency in which most was spent."""

    computed_at_ms: int
    window: Window
    compared: Window
    tenant: str
    currency: str
    total: float
    before: float
    other_currencies: dict[str, float]  # not converted
    inferences: int
    by_method: dict[str, int]  # sent, priced, unknown
    prices_date: str
    per_thousand: float | Insufficient
    per_thousand_before: float | None
    step_ms: int
    timestamps_ms: list[int]
    over_time: list[float | None]
    per_thousand_over_time: list[float | None]


class Costs(Spending, frozen=True):
    """The same with who and what it was spent on; of `models`, the dearest come first."""

    per_request: float | Insufficient
    per_resolved_task: float | Insufficient
    lines: dict[Dimension, list[CostLine]]
    models: list[ModelSpend]


@permitted("costs:read")
def get_costs(
    ws: Workspace, window: Window, choice: Choice | None = None, *, against: Window | None = None,
    drawn: int | None = None,
) -> Costs:  # fmt: skip
    """Return what a window cost and how that differs from another, by default the one before.

    Only the `drawn` dearest models carry their cost over time (None: all do).
    """
    choice = choice or Choice()
    past = against or window.before()
    whole = _spending(ws, window, choice, past)
    mine = choice.labels() | {"currency": whole.currency}
    parts = [
        _totals(ws, name, each, labels)
        for name, labels in ((SPEND, mine), (COUNTED, choice.labels()))
        for each in (window, past)
    ]
    lines = {name: _lines(*(part[name] for part in parts)) for name in DIMENSIONS}
    by_model = parts[0]["model"]
    dearest = [line.key for line in lines["model"] if line.key in by_model]
    known = sum(n for m, n in whole.by_method.items() if m != "unknown")
    return Costs(
        **msgspec.structs.asdict(whole),
        per_request=_per_request(ws, window, choice, whole.total, known),
        per_resolved_task=_per_task(ws, window, choice, by_model),
        lines=lines,
        models=_courses(ws, window, mine, dearest, drawn),
    )


@permitted("costs:read")
def get_recent_costs(
    ws: Workspace, window: Window, choice: Choice | None = None, *, against: Window | None = None
) -> Costs:
    """Return the same as pages show it: at most a minute and a half old, computed once for all."""
    chosen, past, now = choice or Choice(), against or window.before(), ws.now_ms()
    key = f"costs/{window.seen_from(now)}/{past.seen_from(now)}/{chosen.key()}"
    return ws.cached(
        key, Costs, lambda: get_costs(ws, window, chosen, against=past, drawn=DRAWN),
        fresh_s=FRESH_S, stale_s=STALE_S,
    )  # fmt: skip


@permitted("costs:read")
def get_recent_spending(
    ws: Workspace, window: Window, *, against: Window | None = None
) -> Spending:
    """Return what a window cost together as pages show it, without who spent it."""
    past, now = against or window.before(), ws.now_ms()
    key = f"costs/whole/{window.seen_from(now)}/{past.seen_from(now)}"
    return ws.cached(
        key, Spending, lambda: _spending(ws, window, Choice(), past),
        fresh_s=FRESH_S, stale_s=STALE_S,
    )  # fmt: skip


def _spending(ws: Workspace, window: Window, choice: Choice, past: Window) -> Spending:
    spent = read_sums(ws, SPEND, window, ("currency",), choice)
    totals = spent.by(0)
    currency = max(totals, key=lambda c: totals[c]) if totals else _usual_currency(ws)
    mine = spent.where(0, currency)
    total, before = (
        mine.total(), read_sums(ws, SPEND, past, ("currency",), choice).where(0, currency).total()
    )  # fmt: skip
    counts = read_sums(ws, COUNTED, window, ("method",), choice)
    old_counts = read_sums(ws, COUNTED, past, ("method",), choice)
    by_method = {m: int(n) for m, n in counts.by(0).items()}
    known = sum(n for m, n in by_method.items() if m != "unknown")
    known_before = sum(n for m, n in old_counts.by(0).items() if m != "unknown")
    return Spending(
        computed_at_ms=ws.now_ms(),
        window=window,
        compared=past,
        tenant=ws.tenant,
        currency=currency,
        total=total,
        before=before,
        other_currencies={c: v for c, v in totals.items() if c != currency},
        inferences=sum(by_method.values()),
        by_method=by_method,
        prices_date=PRICES_DATE,
        per_thousand=_per(total, known / 1_000, NO_KNOWN_COST),
        per_thousand_before=before / known_before * 1_000 if known_before else None,
        step_ms=int(np.diff(spent.timestamps_ms[:2])[0]) if len(spent.timestamps_ms) > 1 else 0,
        timestamps_ms=spent.timestamps_ms.tolist(),
        over_time=to_list(mine.over_time()),
        per_thousand_over_time=to_list(_unit_cost(mine, counts)),
    )


def _courses(
    ws: Workspace, window: Window, labels: dict[str, str], models: list[str], drawn: int | None
) -> list[ModelSpend]:
    """Return the cost over time of the first of some models."""
    chosen = models[:drawn]
    if not chosen:
        return []
    only = None if len(chosen) == len(models) else chosen
    found = read_sums(ws, SPEND, window, ("model_id",), labels=labels, models=only)
    rows = dict(zip((key[0] for key in found.keys), found.values, strict=True))
    return [ModelSpend(m, to_list(rows[m])) for m in chosen if m in rows]


def _unit_cost(spent: Sums, counts: Sums) -> NDArray[np.float64]:
    """Return cost per 1,000 inferences of known cost, per step."""
    known = np.zeros(len(counts.timestamps_ms))
    for method in ("sent", "priced"):
        known += np.nan_to_num(counts.where(0, method).over_time())
    made = np.full(len(known), np.nan)
    np.divide(spent.over_time(), known / 1_000, out=made, where=known > 0)
    return made


_Totals = dict[str, float]


def _totals(
    ws: Workspace, name: str, window: Window, labels: dict[str, str]
) -> dict[Dimension, _Totals]:
    """Return the totals of a window by each dimension."""
    whole = widened(window)
    by_model = read_totals(ws, name, whole, ("model_id", "version"), labels=labels)
    by_place = read_totals(ws, name, whole, ("segment", "region"), labels=labels)
    return {
        "model": added_up(by_model, 0), "version": added_up(by_model, 1),
        "segment": added_up(by_place, 0), "region": added_up(by_place, 1),
    }  # fmt: skip


def _lines(now: _Totals, before: _Totals, n: _Totals, n_before: _Totals) -> list[CostLine]:
    drivers: list[Driver] = business.explain_change(
        {k: (v, n_before.get(k, 0.0)) for k, v in before.items()},
        {k: (v, n.get(k, 0.0)) for k, v in now.items()},
    )
    total = sum(now.values())
    lines = [
        CostLine(
            key=d.key,
            cost=d.after,
            before=d.before,
            inferences=int(n.get(d.key, 0)),
            share=d.after / total if total else 0.0,
            per_thousand=d.after / n[d.key] * 1_000 if n.get(d.key) else None,
            volume_effect=d.volume_effect,
            price_effect=d.price_effect,
        )
        for d in drivers
    ]
    return sorted(lines, key=lambda line: (-line.cost, line.key))


def _per(total: float, units: float, reason: str) -> float | Insufficient:
    return total / units if units else Insufficient(reason)


def _per_request(
    ws: Workspace, window: Window, choice: Choice, total: float, known: int
) -> float | Insufficient:
    """Return cost per request: one trace may hold several inferences, counted on the newest."""
    key = f"costs/traces/{window.length_ms}/{choice.model_id}/{choice.version}"
    inferences, traces = ws.cached(
        key, list, lambda: _count_traces(ws, window, choice), fresh_s=300, stale_s=900
    )
    if inferences < MIN_TRACED:
        reason = say(
            "reasons.few_traces",
            "a request is a trace: needs {needed, number} inferences with one, got {got, number}",
            needed=MIN_TRACED,
            got=inferences,
        )
        return Insufficient(reason, MIN_TRACED, inferences)
    if not known:
        return Insufficient(NO_KNOWN_COST)
    return float(total / known * (inferences / traces))


def _count_traces(ws: Workspace, window: Window, choice: Choice) -> list[int]:
    """Return inferences that carry a trace, and how many traces they are."""
    chosen = [m.model_id for m in list_models(ws) if choice.model_id in ("", m.model_id)]
    inferences = 0
    traces: set[str] = set()
    for model_id in chosen:
        rows = ws.events.inference_columns(
            model_id, window.start_ms, window.end_ms, columns=("trace_id",), limit=MAX_TRACED,
            version=choice.version or None,
        )  # fmt: skip
        ids = [i for i in rows.columns.get("trace_id", ()) if i]
        inferences += len(ids)
        traces.update(ids)
    return [inferences, len(traces)]


def _per_task(
    ws: Workspace, window: Window, choice: Choice, spent: dict[str, float]
) -> float | Insufficient:
    """Return cost per resolved task, over the models that report resolved tasks."""
    plain = Choice(choice.model_id, choice.version)
    resolved: dict[str, float] = {}
    for metric in get_business_policy(ws).outcomes():
        if metric.resolves_task:
            for model, count in read_sums(
                ws, metric.metric, window, ("model_id",), plain
            ).by(0).items():  # fmt: skip
                resolved[model] = resolved.get(model, 0.0) + count
    tasks = sum(resolved.values())
    if choice.segment:
        return Insufficient(
            say("reasons.no_outcomes_by_segment", "outcomes are not kept by segment")
        )
    cost = sum(spent.get(model, 0.0) for model in resolved)
    return _per(
        cost,
        tasks,
        say(
            "reasons.no_resolved_task",
            "no resolved task was reported: send the metric {metric}",
            metric="resolution_total",
        ),
    )


def _usual_currency(ws: Workspace) -> str:
    budget = get_business_policy(ws).budget
    return budget.currency if budget else "USD"
