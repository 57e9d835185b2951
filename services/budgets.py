"""The money budget: what is spent, what is expected, and hours that cost more than their like."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines import business
from engines.business import Budget, Driver, Forecast, SpendAnomaly
from engines.errors import InsufficientData
from engines.result import Insufficient
from services.business_policy import MoneyBudget, get_business_policy
from services.carbon import hourly_history
from services.identity import permitted
from services.periods import period_at
from services.spend import COUNTED, SPEND
from services.sums import Choice, Sums, read_sums, to_list
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Workspace

MAX_ANOMALIES = 6
LEAST_SHARE = 0.002
LEAST_OF_ALL = 0.0002
"""Smaller deviations are left out: as a share of what the subject spent in the window, and, for one
model, of what all spent."""
MAX_DRIVERS = 3


class SpendTrack(msgspec.Struct, frozen=True):
    """Spending of the running period by hour, with what is expected of the rest."""

    computed_at_ms: int
    currency: str
    budget: MoneyBudget | None
    period: Window
    spent: float
    track: Budget | None
    method: str
    n: int  # hours of history
    expected: float | None
    insufficient: Insufficient | None
    past_ms: list[int]
    past: list[float]  # cumulated
    ahead_ms: list[int]
    ahead: list[float]
    ahead_low: list[float]
    ahead_high: list[float]


class Surprise(msgspec.Struct, frozen=True):
    """Hours that cost more or less than their like, and whose doing it was."""

    model_id: str  # empty: everything together
    start_ms: int
    end_ms: int
    spent: float
    expected: float
    score: float
    models: list[Driver]
    segments: list[Driver]


class Surprises(msgspec.Struct, frozen=True):
    """The surprises of a window, largest first, over hourly spending."""

    computed_at_ms: int
    window: Window
    currency: str
    hours: int
    timestamps_ms: list[int]
    spend: list[float | None]
    found: list[Surprise]
    insufficient: Insufficient | None


@permitted("costs:read")
def get_spend_track(ws: Workspace) -> SpendTrack:
    """Return how spending stands in its period, computed once for all who look."""
    return ws.cached("costs/track", SpendTrack, lambda: _track(ws), fresh_s=300, stale_s=1_800)


def _track(ws: Workspace) -> SpendTrack:
    budget = get_business_policy(ws).budget
    currency = budget.currency if budget else _main_currency(ws)
    now = ws.now_ms()
    period = period_at(now, budget.period if budget else "month")
    mine = {"currency": currency}
    sums = read_sums(ws, SPEND, Window(period.start_ms, now), (), step_ms=HOUR_MS, labels=mine)
    spent = sums.total()
    lack: Insufficient | None = None
    rest: Forecast | None = None
    history = hourly_history(ws, SPEND, now, mine)
    try:
        rest = business.forecast(history, max(1, -(-(period.end_ms - now) // HOUR_MS)))
    except InsufficientData as error:
        lack = Insufficient.of(error)
    track = None
    if budget is not None:
        track = business.track_budget(
            budget.amount, spent, elapsed_s=(now - period.start_ms) / 1_000,
            period_s=period.length_ms / 1_000, rest=rest,
        )  # fmt: skip
    past = np.nan_to_num(sums.over_time()).cumsum()
    ahead = _ahead(rest, spent)
    steps = len(ahead[0])
    return SpendTrack(
        computed_at_ms=now, currency=currency, budget=budget, period=period, spent=spent,
        track=track, method=rest.method if rest else "", n=len(history),
        expected=spent + rest.total if rest else None, insufficient=lack,
        past_ms=[*(sums.timestamps_ms[1:].tolist()), now][: len(past)], past=past.tolist(),
        ahead_ms=[min(now + (i + 1) * HOUR_MS, period.end_ms) for i in range(steps)],
        ahead=ahead[0], ahead_low=ahead[1], ahead_high=ahead[2],
    )  # fmt: skip


def _ahead(rest: Forecast | None, spent: float) -> tuple[list[float], list[float], list[float]]:
    """Return the cumulated expectation; its band grows as the root of time to that of the sum."""
    if rest is None:
        return [], [], []
    steps = len(rest.values)
    middle = spent + rest.values.cumsum()
    ends = rest.total_interval
    grown = np.sqrt(np.arange(1, steps + 1) / steps)
    low = np.maximum(middle - (rest.total - ends.low) * grown, spent)
    high = middle + (ends.high - rest.total) * grown
    return middle.tolist(), low.tolist(), high.tolist()


@permitted("costs:read")
def get_surprises(ws: Workspace, window: Window, choice: Choice | None = None) -> Surprises:
    """Return hours whose cost stands out, each with the models and segments behind it."""
    choice = choice or Choice()
    start = min(window.start_ms, window.end_ms - DAY_MS) // HOUR_MS * HOUR_MS
    whole = Window(start, window.end_ms // HOUR_MS * HOUR_MS)
    labels = {"currency": _main_currency(ws)}
    spent = read_sums(
        ws, SPEND, whole, ("model_id", "segment"), choice, step_ms=HOUR_MS, labels=labels
    )
    units = read_sums(ws, COUNTED, whole, ("model_id", "segment"), choice, step_ms=HOUR_MS)
    series = spent.over_time()
    runs, lack = _runs(spent, _since(ws))
    together = [_surprise(spent, units, "", runs, run) for run in runs.found]
    found = list(together)
    for model_id, mine in _runs_of_models(ws, spent):
        own, own_units = spent.where(0, model_id), units.where(0, model_id)
        surprises = [_surprise(own, own_units, model_id, mine, run) for run in mine.found]
        found += [one for one in surprises if not any(_holds(other, one) for other in together)]
    found.sort(key=lambda one: -abs(one.spent - one.expected))
    return Surprises(
        ws.now_ms(), whole, labels["currency"], int(np.isfinite(series).sum()),
        spent.timestamps_ms.tolist(), to_list(series), found[:MAX_ANOMALIES], lack,
    )  # fmt: skip


@permitted("costs:read")
def get_recent_surprises(ws: Workspace, window: Window, choice: Choice | None = None) -> Surprises:
    """Return the same as pages show it: whole hours change slowly, so minutes old at most."""
    chosen = choice or Choice()
    key = f"surprises/{window.seen_from(ws.now_ms())}/{chosen.key()}"
    return ws.cached(
        key, Surprises, lambda: get_surprises(ws, window, chosen), fresh_s=120, stale_s=600
    )


def _holds(other: Surprise, one: Surprise) -> bool:
    return other.start_ms <= one.start_ms and one.end_ms <= other.end_ms


@dataclass(frozen=True, slots=True)
class _Runs:
    """Hours of a course that stand out, counted from its first whole hour."""

    first: int
    found: list[SpendAnomaly]


def _runs(spent: Sums, since_ms: int) -> tuple[_Runs, Insufficient | None]:
    """Return the runs of everything together."""
    series = spent.over_time()
    first = int(_first_whole(spent, series[None, :], [since_ms])[0])
    try:
        found = business.find_spend_anomalies(np.nan_to_num(series[first:]), least_total_share=0.0)
    except InsufficientData as error:
        return _Runs(first, []), Insufficient.of(error)
    return _Runs(first, _worth_saying(found, LEAST_SHARE * spent.total())), None


def _runs_of_models(ws: Workspace, spent: Sums) -> list[tuple[str, _Runs]]:
    """Return each model with runs of its own: a small one drowns in the total."""
    names, rows = spent.courses(0)
    began: dict[str, int] = {}
    for seen in ws.events.models_seen():
        began[seen.model_id] = min(seen.first_ms, began.get(seen.model_id, seen.first_ms))
    firsts = _first_whole(spent, rows, [began.get(name, 0) for name in names])
    least = LEAST_OF_ALL * spent.total()
    made = []
    for first in np.unique(firsts).tolist():
        chosen = np.flatnonzero(firsts == first)
        each = business.find_spend_anomalies_of_each(
            np.nan_to_num(rows[chosen, first:]), least_total_share=0.0
        )
        for row, found in zip(chosen.tolist(), each, strict=True):
            own = max(least, LEAST_SHARE * float(np.nansum(rows[row])))
            if kept := _worth_saying(found, own):
                made.append((names[row], _Runs(first, kept)))
    return sorted(made, key=lambda pair: pair[0])


def _first_whole(spent: Sums, rows: NDArray[np.float64], since_ms: list[int]) -> NDArray[np.int64]:
    """Return the first hour of each course with anything, and the next one where telemetry began
    inside it."""
    known = np.isfinite(rows)
    first = np.where(known.any(axis=1), known.argmax(axis=1), 0)
    is_part = known.any(axis=1) & (spent.timestamps_ms[first] < np.array(since_ms))
    return np.asarray(first + is_part, dtype=np.int64)


def _worth_saying(runs: list[SpendAnomaly], least: float) -> list[SpendAnomaly]:
    return [run for run in runs if abs(run.spent - run.expected) >= least]


def _surprise(spent: Sums, units: Sums, model_id: str, runs: _Runs, run: SpendAnomaly) -> Surprise:
    """Return a run of the whole, or of one model, with whose doing it was."""
    odd = np.zeros(len(spent.timestamps_ms), dtype=bool)
    odd[: runs.first] = True  # before the first spending there is no usual
    for other in runs.found:
        odd[runs.first + other.start : runs.first + other.end] = True
    part = slice(runs.first + run.start, runs.first + run.end)
    whose = [_drivers(spent, units, position, part, ~odd) for position in (0, 1)]
    begin = int(spent.timestamps_ms[part.start])
    end = begin + (part.stop - part.start) * HOUR_MS
    return Surprise(model_id, begin, end, run.spent, run.expected, run.score, *whose)


def _since(ws: Workspace) -> int:
    """Return when telemetry began."""
    return ws.events.first_seen_ms() or 0


def _drivers(
    spent: Sums, units: Sums, position: int, part: slice,
    usual: np.ndarray[tuple[int], np.dtype[np.bool_]],
) -> list[Driver]:  # fmt: skip
    """Return whose cost differed from an equal number of usual hours."""
    hours = part.stop - part.start
    scale = hours / max(1, int(usual.sum()))
    before: dict[str, tuple[float, float]] = {}
    after: dict[str, tuple[float, float]] = {}
    for sums, place in ((spent, 0), (units, 1)):
        for key, row in zip(sums.keys, np.nan_to_num(sums.values), strict=True):
            name = key[position]
            for side, amount in (
                (before, float(row[usual].sum()) * scale),
                (after, float(row[part].sum())),
            ):
                pair = list(side.get(name, (0.0, 0.0)))
                pair[place] += amount
                side[name] = (pair[0], pair[1])
    return business.explain_change(before, after)[:MAX_DRIVERS]


def _main_currency(ws: Workspace) -> str:
    now = ws.now_ms()
    totals = read_sums(ws, SPEND, Window(now - 7 * DAY_MS, now), ("currency",), step_ms=DAY_MS).by(
        0
    )
    return max(totals, key=lambda c: totals[c]) if totals else "USD"
