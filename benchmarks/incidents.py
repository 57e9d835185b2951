"""Detection delay of the sample fleet's scripted incidents, and false alarms of quiet hours.

`python -m benchmarks.incidents [--quick]` replays the fleet's own requests under a clock that
moves: each script alone, over several seeds; two of them after one like it that nobody noticed;
then all models with nothing wrong.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np

from app.demo.incidents import SCRIPTS, Incident, Script, start
from app.demo.predictors import FLEET, Predictor, train_all
from app.demo.serving import TEXT_MODELS
from benchmarks.replay import (
    LOOK_S,
    InProcessHub,
    keep_house,
    make_replay,
    moved_hub,
    scheduler_workspace,
)
from benchmarks.study import Row, run
from services import alerts, jobs
from services.incidents import list_incidents

NOON_S = 1_767_268_800.0
NAME = {"slow_dependency": "latency", "cost_spike": "cost"}
"""The rule that names a script, where it is not the script's own name."""
REPEATED = ("cost_spike", "retrieval_outage")
"""Asked seldom: their last day is what hides them."""
TARGET_S = 120.0
LIMIT_S = 600
QUIET_LOOK_S = 60


def measure() -> list[Row]:
    """Return the rows of the table."""
    quick = "--quick" in sys.argv
    predictors = train_all()
    seeds = range(1) if quick else range(5)
    rows = []
    for script in SCRIPTS:
        rule = NAME.get(script.name, script.name)
        for repeated in (False, True) if script.name in REPEATED else (False,):
            delays = [_delay(predictors, script, rule, seed, repeated) for seed in seeds]
            print(script.name, repeated, delays, flush=True)
            case = script.name + (", after one nobody noticed" if repeated else "")
            median = float(np.median(delays))
            rows += [
                Row(f"{case}: median seconds until named", median, high=TARGET_S,
                    repetitions=len(delays)),
                Row("  longest", max(delays), repetitions=len(delays)),
            ]  # fmt: skip
    hours = 1 if quick else 24
    names = [line[0] for line in FLEET] + list(TEXT_MODELS)
    opened = _watch(predictors, names, [], hours * 3_600, 99, QUIET_LOOK_S)
    rows.append(Row(f"false alarms in {hours} quiet hours of {len(names)} models", len(opened),
                    high=0))  # fmt: skip
    return rows


def _delay(
    predictors: list[Predictor], script: Script, rule: str, seed: int, repeated: bool
) -> float:
    happened = [start(script.name, NOON_S)]
    if repeated:
        happened.insert(0, start(script.name, NOON_S - 7 * 3_600))
    opened = _watch(predictors, [script.model_id], happened, LIMIT_S, seed, LOOK_S)
    return min((at for kind, at in opened if kind == rule), default=float("inf"))


def _watch(
    predictors: list[Predictor],
    models: list[str],
    happened: list[Incident],
    seconds: int,
    seed: int,
    look_s: int,
) -> list[tuple[str, float]]:
    """Return rule and second of every incident that opened after a history of 12 hours."""
    clock = [int(NOON_S * 1_000)]
    with tempfile.TemporaryDirectory() as folder, moved_hub(Path(folder), clock) as app:
        hub, ws = InProcessHub(app.test_client()), scheduler_workspace(app)
        span = (NOON_S - 12 * 3_600, NOON_S + seconds)
        replay = make_replay(hub, predictors, models, span, happened, seed)
        replay.send_until(NOON_S)
        for elapsed in range(look_s, seconds + 1, look_s):
            clock[0] = int((NOON_S + elapsed) * 1_000)
            replay.send_until(NOON_S + elapsed)
            keep_house(app, clock[0])
            jobs.roll_up(ws)
            alerts.evaluate(ws)
        return [(i.rule, i.opened_at_ms / 1_000 - NOON_S) for i in list_incidents(ws)]


if __name__ == "__main__":
    run("incidents", "Scripted incidents are named in minutes; quiet hours stay quiet", measure)
