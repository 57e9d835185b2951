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
from services.sums import FRESH_S, STALE_S, Choice, Sums, read_sums, to_list
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Workspace

_KEYS = ("model_id", "region", "part")
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


class Carbon(msgspec.Struct, frozen=True):
    """The footprint of a window; None or `Insufficient` where nothing is known."""

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
    models: list[CarbonLine]
    regions: list[CarbonLine]
    hours: list[HourCell]
    places: list[Place]
    step_ms: int
    timestamps_ms: list[int]
    usage_over_time: list[float | None]
    embodied_over_time: list[float | None]
    energy_over_time: list[float | None]
    water_over_time: list[float | None]
    sci_over_time: list[float | None]


@permitted("carbon:read")
def get_carbon(ws: Workspace, window: Window, choice: Choice | None = None) -> Carbon:
    """Return carbon with its range, by model, region and hour, and per unit of work."""
    policy = get_carbon_policy(ws)
    choice = choice or Choice()
    grams = read_sums(ws, CARBON, window, _KEYS, choice)
    counts = read_sums(ws, COUNTED, window, ("model_id", "region", "method"), choice)
    energy = read_sums(ws, ENERGY, window, ("model_id", "region"), choice)
    ends = [
        read_sums(ws, name, window, ("model_id", "region"), choice)
        for name in (CARBON_LOW, CARBON_HIGH)
    ]
    water = read_sums(ws, WATER, window, ("model_id",), choice)
    by_method = {m: int(n) for m, n in counts.by(2).items()}
    known = sum(n for method, n in by_method.items() if method != METHODS[0])
    usage, made = grams.where(2, "usage"), grams.where(2, "embodied")
    regions = sorted({key[1] for key in counts.keys})
    return Carbon(
        computed_at_ms=ws.now_ms(),
        window=window,
        table_version=TABLE_VERSION,
        carbon=Spread(ends[0].total(), grams.total(), ends[1].total()) if known else None,
        usage_g=usage.total(),
        embodied_g=made.total(),
        market_g=_market(energy, policy.market),
        energy_kwh=energy.total(),
        water_l=water.total(),
        pue=policy.site().pue,
        inferences=sum(by_method.values()),
        by_method=by_method,
        sci_inference_g=_sci(usage.total(), made.total(), known),
        sci_thousand_tokens_g=_sci_of_tokens(ws, window, choice, grams),
        models=_lines(0, grams, ends, energy, counts),
        regions=_lines(1, grams, ends, energy, counts),
        hours=_hours(ws, window, choice),
        places=[
            Place(
                r, sustainability.look_up(r, policy.intensity), _own(policy.market, r)
            )
            for r in regions
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
def get_recent_carbon(ws: Workspace, window: Window, choice: Choice | None = None) -> Carbon:
    """Return the same as pages show it: at most a minute and a half old, computed once for all."""
    chosen = choice or Choice()
    key = f"carbon/{window.seen_from(ws.now_ms())}/{chosen.key()}"
    return ws.cached(
        key, Carbon, lambda: get_carbon(ws, window, chosen), fresh_s=FRESH_S, stale_s=STALE_S
    )


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
        known += np.nan_to_num(counts.where(2, method).over_time())
    made = np.full(len(known), np.nan)
    np.divide(grams.over_time(), known, out=made, where=known > 0)
    return made


def _sci_of_tokens(
    ws: Workspace, window: Window, choice: Choice, grams: Sums
) -> float | Insufficient:
    """Return g per 1,000 output tokens of the models that send tokens."""
    plain = Choice(choice.model_id, choice.version)
    tokens = read_sums(
        ws, "aiobs_tokens_total", window, ("model_id",), plain, labels={"direction": "output"}
    ).by(0)
    if choice.segment:
        return Insufficient(say("reasons.no_tokens_by_segment", "tokens are not kept by segment"))
    by_model = grams.by(0)
    texts = [m for m in by_model if tokens.get(m)]
    if not texts:
        return Insufficient(say("reasons.no_tokens", "no model in this window sends tokens"))
    emitted = sum(by_model[m] for m in texts)
    return sustainability.score(emitted, 0.0, sum(tokens[m] for m in texts) / 1_000)


def _lines(
    position: int, grams: Sums, ends: list[Sums], energy: Sums, counts: Sums
) -> list[CarbonLine]:
    total, low, high = grams.by(position), ends[0].by(position), ends[1].by(position)
    embodied, used = grams.where(2, "embodied").by(position), energy.by(position)
    unknown = counts.where(2, METHODS[0]).by(position)
    lines = []
    for key, n in counts.by(position).items():
        known = int(n - unknown.get(key, 0.0))
        carbon = total.get(key, 0.0)
        lines.append(
            CarbonLine(
                key, carbon, low.get(key, 0.0), high.get(key, 0.0), embodied.get(key, 0.0),
                used.get(key, 0.0), int(n), known, carbon / known if known else None,
            )
        )  # fmt: skip
    return sorted(lines, key=lambda line: (-line.carbon_g, line.key))


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
    for region, kwh in energy.by(1).items():
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
