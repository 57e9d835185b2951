"""Carbon, energy and water of the tenant's AI: totals, where and when, and per unit of work."""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from engines import business, sustainability
from engines.business import Budget
from engines.errors import InsufficientData
from engines.result import Insufficient
from engines.sentence import say
from engines.sustainability import METHODS, Intensity, Spread
from services.carbon_policy import CarbonBudget, get_carbon_policy
from services.footprints import CARBON, CARBON_HIGH, CARBON_LOW, COUNTED, ENERGY, WATER
from services.identity import permitted
from services.periods import period_at
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
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Workspace

LISTED = 50
"""Models that a page lists."""
HISTORY_MS = 28 * DAY_MS
TABLE_VERSION = str(sustainability.load_table()["version"])


class CarbonLine(msgspec.Struct, frozen=True):
    """One model or one region."""

    key: str
    carbon_g: float
    low_g: float
    high_g: float
    embodied_g: float
    energy_kwh: float
    inferences: int  # all, known or not
    known: int  # with energy
    per_inference_g: float | None


class HourCell(msgspec.Struct, frozen=True):
    """Mean carbon of one hour of the day (UTC) in one region."""

    region: str
    hour: int
    carbon_g: float


class Place(msgspec.Struct, frozen=True):
    """What a region's electricity emits, and who says so; market-based beside it when known."""

    region: str
    intensity: Intensity
    market_g_per_kwh: float | None


class Footprint(msgspec.Struct, frozen=True):
    """The footprint of a window together; None or `Insufficient` where nothing is known."""

    computed_at_ms: int
    window: Window
    table_version: str
    carbon: Spread | None  # g CO2e, usage and embodied
    usage_g: float
    embodied_g: float
    market_g: float | None  # usage by contracts instead of places
    energy_kwh: float
    water_l: float
    pue: Spread
    inferences: int
    by_method: dict[str, int]
    sci_inference_g: float | Insufficient
    sci_thousand_tokens_g: float | Insufficient
    regions: list[CarbonLine]
    places: list[Place]
    step_ms: int
    timestamps_ms: list[int]
    usage_over_time: list[float | None]
    embodied_over_time: list[float | None]
    energy_over_time: list[float | None]
    water_over_time: list[float | None]
    sci_over_time: list[float | None]


class Carbon(Footprint, frozen=True):
    """The same with models and hours of the day.

    `models` may hold only those that emit most; `models_known` counts all with known energy.
    """

    models: list[CarbonLine]
    models_known: int
    hours: list[HourCell]


@permitted("carbon:read")
def get_carbon(
    ws: Workspace, window: Window, choice: Choice | None = None, *, listed: int | None = None
) -> Carbon:
    """Return carbon with its range, by model, region and hour, and per unit of work.

    Only the `listed` models that emit most have a line (None: all do).
    """
    choice = choice or Choice()
    lines, known = _model_lines(ws, window, choice, listed)
    return Carbon(
        **msgspec.structs.asdict(_footprint(ws, window, choice)),
        models=lines,
        models_known=known,
        hours=_hours(ws, window, choice),
    )


@permitted("carbon:read")
def get_recent_carbon(ws: Workspace, window: Window, choice: Choice | None = None) -> Carbon:
    """Return the same as pages show it: at most a minute and a half old, computed once for all."""
    chosen = choice or Choice()
    key = f"carbon/{window.seen_from(ws.now_ms())}/{chosen.key()}"
    return ws.cached(
        key, Carbon, lambda: get_carbon(ws, window, chosen, listed=LISTED),
        fresh_s=FRESH_S, stale_s=STALE_S,
    )  # fmt: skip


@permitted("carbon:read")
def get_recent_footprint(ws: Workspace, window: Window, choice: Choice | None = None) -> Footprint:
    """Return the footprint of a window together as pages show it, without who emitted it."""
    chosen = choice or Choice()
    key = f"carbon/whole/{window.seen_from(ws.now_ms())}/{chosen.key()}"
    return ws.cached(
        key, Footprint, lambda: _footprint(ws, window, chosen), fresh_s=FRESH_S, stale_s=STALE_S
    )


def _footprint(ws: Workspace, window: Window, choice: Choice) -> Footprint:
    policy = get_carbon_policy(ws)
    grams = read_sums(ws, CARBON, window, ("region", "part"), choice)
    counts = read_sums(ws, COUNTED, window, ("region", "method"), choice)
    energy, low, high = (
        read_sums(ws, name, window, ("region",), choice)
        for name in (ENERGY, CARBON_LOW, CARBON_HIGH)
    )
    water = read_sums(ws, WATER, window, (), choice)
    by_method = {m: int(n) for m, n in counts.by(1).items()}
    known = sum(n for method, n in by_method.items() if method != METHODS[0])
    usage, made = grams.where(1, "usage"), grams.where(1, "embodied")
    regions = _Parts(
        grams.by(0), low.by(0), high.by(0), made.by(0), energy.by(0), counts.by(0),
        counts.where(1, METHODS[0]).by(0),
    )  # fmt: skip
    return Footprint(
        computed_at_ms=ws.now_ms(),
        window=window,
        table_version=TABLE_VERSION,
        carbon=Spread(low.total(), grams.total(), high.total()) if known else None,
        usage_g=usage.total(),
        embodied_g=made.total(),
        market_g=_market(energy, policy.market),
        energy_kwh=energy.total(),
        water_l=water.total(),
        pue=policy.site().pue,
        inferences=sum(by_method.values()),
        by_method=by_method,
        sci_inference_g=_sci(usage.total(), made.total(), known),
        sci_thousand_tokens_g=_sci_of_tokens(ws, window, choice),
        regions=regions.lines(),
        places=[
            Place(
                r, sustainability.look_up(r, policy.intensity), _own(policy.market, r)
            )
            for r in sorted(regions.counts)
        ],
        step_ms=int(np.diff(grams.timestamps_ms[:2])[0]) if len(grams.timestamps_ms) > 1 else 0,
        timestamps_ms=grams.timestamps_ms.tolist(),
        usage_over_time=to_list(usage.over_time()),
        embodied_over_time=to_list(made.over_time()),
        energy_over_time=to_list(energy.over_time()),
        water_over_time=to_list(water.over_time()),
        sci_over_time=to_list(_ratio(grams, counts)),
    )  # fmt: skip


@permitted("carbon:read")
def count_known(ws: Workspace, window: Window) -> dict[str, tuple[int, int]]:
    """Return for each model its inferences in a window, and those whose energy is known."""
    counts = read_totals(ws, COUNTED, widened(window), ("model_id", "method"))
    unknown = {key[0]: n for key, n in counts.items() if key[1] == METHODS[0]}
    return {m: (int(n), int(n - unknown.get(m, 0.0))) for m, n in added_up(counts, 0).items()}


class CarbonTrack(msgspec.Struct, frozen=True):
    """The carbon budget of the running period; None without one."""

    budget: CarbonBudget | None
    period: Window
    spent_g: float
    track: Budget | None
    insufficient: Insufficient | None  # why nothing is projected


@permitted("carbon:read")
def get_carbon_budget(ws: Workspace) -> CarbonTrack:
    """Return how the carbon budget stands and where it ends, computed once for all who look."""
    return ws.cached("carbon/budget", CarbonTrack, lambda: _track(ws), fresh_s=300, stale_s=1_800)


def _track(ws: Workspace) -> CarbonTrack:
    budget = get_carbon_policy(ws).budget
    now = ws.now_ms()
    period = period_at(now, budget.period if budget else "month")
    spent = read_sums(
        ws, CARBON, Window(period.start_ms, now), ("model_id",), step_ms=HOUR_MS
    ).total()
    if budget is None:
        return CarbonTrack(None, period, spent, None, None)
    lack = rest = None
    try:
        rest = business.forecast(
            hourly_history(ws, CARBON, now), -(-(period.end_ms - now) // HOUR_MS)
        )
    except InsufficientData as error:
        lack = Insufficient.of(error)
    track = business.track_budget(
        budget.grams, spent, elapsed_s=(now - period.start_ms) / 1_000,
        period_s=period.length_ms / 1_000, rest=rest,
    )  # fmt: skip
    return CarbonTrack(budget, period, spent, track, lack)


@permitted("metrics:read")
def hourly_history(
    ws: Workspace, name: str, now_ms: int, labels: dict[str, str] | None = None
) -> NDArray[np.float64]:
    """Return sums per whole hour, after the first hour with anything, at most four weeks."""
    end = now_ms // HOUR_MS * HOUR_MS
    window = Window(end - HISTORY_MS, end)
    found = read_sums(ws, name, window, (), step_ms=HOUR_MS, labels=labels).over_time()
    known = np.flatnonzero(np.isfinite(found))
    # Telemetry began somewhere inside its first hour.
    return np.nan_to_num(found[known[0] + 1 :]) if len(known) else np.array([])


def _sci(usage_g: float, embodied_g: float, units: float) -> float | Insufficient:
    try:
        return sustainability.score(usage_g, embodied_g, units)
    except InsufficientData:
        return Insufficient(
            say(
                "reasons.no_energy",
                "no inference of this window has energy, or tokens of a known model",
            )
        )


def _ratio(grams: Sums, counts: Sums) -> NDArray[np.float64]:
    """Return g per inference whose energy is known, per step."""
    known = np.zeros(len(counts.timestamps_ms))
    for method in METHODS[1:]:
        known += np.nan_to_num(counts.where(1, method).over_time())
    made = np.full(len(known), np.nan)
    np.divide(grams.over_time(), known, out=made, where=known > 0)
    return made


def _sci_of_tokens(ws: Workspace, window: Window, choice: Choice) -> float | Insufficient:
    """Return g per 1,000 output tokens of the models that send tokens."""
    if choice.segment:
        return Insufficient(say("reasons.no_tokens_by_segment", "tokens are not kept by segment"))
    by, whole = ("model_id",), widened(window)
    sent = read_totals(
        ws, "aiobs_tokens_total", whole, by, labels=choice.labels() | {"direction": "output"}
    )
    tokens = {key[0]: n for key, n in sent.items() if n}
    found = read_totals(ws, CARBON, whole, by, labels=choice.labels(), models=sorted(tokens))
    if not found:
        return Insufficient(say("reasons.no_tokens", "no model in this window sends tokens"))
    units = sum(tokens[key[0]] for key in found) / 1_000
    return sustainability.score(sum(found.values()), 0.0, units)


class _Parts(msgspec.Struct, frozen=True):
    """Totals by model or by region, of which lines are made."""

    carbon: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    embodied: dict[str, float]
    energy: dict[str, float]
    counts: dict[str, float]
    unknown: dict[str, float]

    def lines(self) -> list[CarbonLine]:
        """Return a line for each that sent anything, most carbon first."""
        lines = []
        for key, n in self.counts.items():
            known = int(n - self.unknown.get(key, 0.0))
            carbon = self.carbon.get(key, 0.0)
            lines.append(
                CarbonLine(
                    key, carbon, self.low.get(key, 0.0), self.high.get(key, 0.0),
                    self.embodied.get(key, 0.0), self.energy.get(key, 0.0), int(n), known,
                    carbon / known if known else None,
                )
            )  # fmt: skip
        return sorted(lines, key=lambda line: (-line.carbon_g, line.key))


def _model_lines(
    ws: Workspace, window: Window, choice: Choice, listed: int | None
) -> tuple[list[CarbonLine], int]:
    """Return the lines of the models that emit most, and how many have known energy."""
    whole, labels = widened(window), choice.labels()
    grams = read_totals(ws, CARBON, whole, ("model_id", "part"), labels=labels)
    counts = read_totals(ws, COUNTED, whole, ("model_id", "method"), labels=labels)
    carbon, n = added_up(grams, 0), added_up(counts, 0)
    unknown = {key[0]: value for key, value in counts.items() if key[1] == METHODS[0]}
    chosen = sorted(n, key=lambda m: (-carbon.get(m, 0.0), m))[:listed]
    only = None if len(chosen) == len(n) else chosen
    low, high, energy = (
        added_up(read_totals(ws, name, whole, ("model_id",), labels=labels, models=only), 0)
        for name in (CARBON_LOW, CARBON_HIGH, ENERGY)
    )
    embodied = {key[0]: value for key, value in grams.items() if key[1] == "embodied"}
    parts = _Parts(carbon, low, high, embodied, energy, {m: n[m] for m in chosen}, unknown)
    return parts.lines(), sum(int(n[m] - unknown.get(m, 0.0)) > 0 for m in n)


def _hours(ws: Workspace, window: Window, choice: Choice) -> list[HourCell]:
    found = read_sums(ws, CARBON, window, ("region",), choice, step_ms=HOUR_MS)
    hour = found.timestamps_ms // HOUR_MS % 24
    cells = []
    for key, row in zip(found.keys, found.values, strict=True):
        for h in range(24):
            same = row[hour == h]
            if np.isfinite(same).any():
                cells.append(HourCell(key[0], h, float(np.nanmean(same))))
    return cells


def _market(energy: Sums, market: dict[str, float]) -> float | None:
    """Return usage by contract; None unless every region with energy has one."""
    grams = 0.0
    for region, kwh in energy.by(0).items():
        own = _own(market, region)
        if own is None:
            return None
        grams += kwh * own
    return grams if market else None


def _own(figures: dict[str, float], region: str) -> float | None:
    if not figures:
        return None
    found = sustainability.look_up(region, figures)
    return found.g_per_kwh if found.source == "own" else None
