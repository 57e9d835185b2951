"""Why a budget burns: a score that fell, a score that is always too low, and too little to tell."""

from __future__ import annotations

import numpy as np
import pytest

from engines.causal import Call, Event, Series
from engines.causal.inputs import Key
from services import slo
from services.budget_change import own_change, standing
from services.burning import BURN_RATE
from services.causal import RootCause, explain
from services.scene import Scene
from services.slo import Definition
from services.slo_counts import Indicator
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

START_S = 1_767_254_400.0
ROWS = 180
KEY, COUNTED = ("m", f"{BURN_RATE}trusted"), ("m", "trust")


def at(minutes: list[int], values: list[float]) -> Series:
    times = START_S + 60.0 * np.asarray(minutes, dtype=np.float64)
    return Series(times, np.asarray(values, dtype=np.float64))


def scene_of(trust: Series, burn: Series, **more: Series) -> Scene:
    metrics: dict[Key, Series] = {COUNTED: trust, KEY: burn}
    metrics |= {(name, "latency_ms"): series for name, series in more.items()}
    change = Event("pool", START_S + 60 * 169 - 20, "config_change", "store", "Pool cut")
    start = int(START_S * 1_000)
    calls = tuple(Call("m", name) for name in more if name != "m")
    return Scene(Window(start, start + ROWS * MINUTE_MS), metrics, calls, (change,), ())


def promised(ws: Workspace) -> slo.Objective:
    indicator = Indicator("trust", threshold=0.8)
    given = Definition(name="Can be trusted", indicator=indicator, target=0.9, model_id="m")
    return slo.define(ws, "trusted", given)


def asked(ws: Workspace, scene: Scene) -> RootCause:
    promised(ws)
    return explain(ws, scene, KEY, alerted_ms=scene.window.end_ms - MINUTE_MS)


FELL = [*(0.984, 0.985, 0.98), *(0.981 - 0.02 * n for n in range(11))]
FELL_AT = [0, 60, 120, *range(169, 180)]


def test_a_score_known_by_the_hour_fell_though_few_rows_say_what_is_normal(
    workspace: Workspace,
) -> None:
    rng = np.random.default_rng(5)
    late = np.arange(ROWS) >= 169
    slow = {name: at(list(range(ROWS)), list(5 + 0.2 * rng.standard_normal(ROWS) + 90.0 * late))
            for name in ("m", "store")}  # fmt: skip
    burn = at([0, 60, 120, 170, 175], [0.0, 0.0, 0.0, 0.0, 10.0])
    found = asked(workspace, scene_of(at(FELL_AT, FELL), burn, **slow)).result
    assert found is not None and found.cause is not None
    assert found.cause.event_id == "pool"
    assert found.cause.chain[-1].metric == KEY[1]


def test_a_score_stands_until_the_next_one_and_an_hour_at_most() -> None:
    scene = scene_of(at([0, 3, 80], [0.9, 0.7, 0.5]), at([0], [0.0]))
    held = standing(scene, COUNTED).metrics[COUNTED]
    minutes = ((held.times_s - START_S) / 60).tolist()
    assert minutes == [*range(64), 80]
    assert held.values.tolist() == [0.9] * 3 + [0.7] * 61 + [0.5]
    assert standing(scene, KEY) is scene


def test_a_budget_that_burns_as_usual_says_so(workspace: Workspace) -> None:
    rng = np.random.default_rng(1)
    minutes = list(range(0, ROWS, 5))
    trust = at(minutes, list(0.75 + 0.01 * rng.standard_normal(len(minutes))))
    found = asked(workspace, scene_of(trust, at(minutes, [10.0] * len(minutes)))).result
    assert found is not None and found.abstained
    assert "stayed in its normal range" not in found.reason
    assert "burns by the usual level, not by a change" in found.reason
    assert (
        "100% of what Can be trusted counts missed it before as well, and 10% may" in found.reason
    )


def test_a_change_too_small_for_a_cause_is_told_with_its_numbers(workspace: Workspace) -> None:
    rng = np.random.default_rng(2)
    minutes = list(range(ROWS))
    wide = 0.84 + 0.05 * rng.standard_normal(ROWS)
    wide[168:] = 0.79
    burn = at(list(range(0, ROWS, 5)), [0.0] * 33 + [10.0] * 3)
    scene = scene_of(at(minutes, list(wide)), burn)
    found = asked(workspace, scene).result
    assert found is not None and found.abstained
    median = float(np.median(wide[:167]))
    assert f"trust of m went from {median:.3g} to 0.79" in found.reason
    assert "100% of what Can be trusted counts missed it since, 0% before" in found.reason


def test_nothing_is_said_of_before_where_nothing_is_known_of_it(workspace: Workspace) -> None:
    scene = scene_of(at([178, 179], [0.7, 0.7]), at([175], [10.0]))
    assert own_change(scene, KEY, COUNTED, promised(workspace), None) is None


@pytest.mark.parametrize("metric", ["latency_ms", "errors"])
def test_what_is_counted_by_the_minute_is_left_as_it_is(metric: str) -> None:
    scene = scene_of(at([0], [1.0]), at([0], [0.0]))
    assert standing(scene, ("m", metric)) is scene
