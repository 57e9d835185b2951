"""The sample fleet's scripted incidents, found and named; its quiet hours, left alone."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from app.demo.incidents import SCRIPTS, Incident, Script, start
from app.demo.predictors import FLEET, Predictor, train_all
from app.demo.serving import TEXT_MODELS
from benchmarks.replay import InProcessHub, make_replay, moved_hub, scheduler_workspace
from services import alerts, jobs
from services.incidents import list_incidents

NOW_S = 1_767_261_600.0  # 2026-01-01T10:00:00Z
HISTORY_S = 4 * 3_600
NAMES = {
    "sensor_fault": ("sensor_fault",),
    "covariate_shift": ("covariate_shift",),
    "label_delay": ("label_delay",),
    "slow_dependency": ("latency", "errors"),
    "cost_spike": ("cost", "latency"),  # six times as many tokens take longer to write
    "retrieval_outage": ("retrieval_outage", "latency"),  # each answer waits for a timeout
}
"""The rule that names each script, then those that may speak as well."""
LIMIT_S = {"covariate_shift": 300, "label_delay": 360, "cost_spike": 360}
"""At 0.12 requests a second (0.04 for texts) the twenty rows that a claim needs take minutes."""
ALL = [line[0] for line in FLEET] + list(TEXT_MODELS)


@functools.cache
def predictors() -> tuple[Predictor, ...]:
    return tuple(train_all())


def watch(
    folder: Path, models: list[str], happened: list[Incident], seconds: int, seed: int, look_s: int
) -> list[tuple[str, str, float]]:
    """Replay history and then `seconds` of looks; (rule, subject, delay) of what opened."""
    clock = [int(NOW_S * 1_000)]
    with moved_hub(folder, clock) as app:
        hub, ws = InProcessHub(app.test_client()), scheduler_workspace(app)
        span = (NOW_S - HISTORY_S, NOW_S + seconds)
        replay = make_replay(hub, predictors(), models, span, happened, seed)
        replay.send_until(NOW_S)
        for elapsed in range(look_s, seconds + 1, look_s):
            clock[0] = int((NOW_S + elapsed) * 1_000)
            replay.send_until(NOW_S + elapsed)
            jobs.roll_up(ws)
            alerts.evaluate(ws)
        return [(i.rule, i.subject, i.opened_at_ms / 1_000 - NOW_S) for i in list_incidents(ws)]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_a_scripted_incident_is_found_in_time_and_named_right(
    tmp_path: Path, script: Script
) -> None:
    name, model_id = script.name, script.model_id
    limit_s = LIMIT_S.get(name, 180)
    found = watch(tmp_path, [model_id], [start(name, NOW_S)], limit_s, seed=5, look_s=15)
    rules = {rule for rule, subject, _ in found if subject == model_id}
    assert NAMES[name][0] in rules
    assert {rule for rule, _, _ in found} <= set(NAMES[name])


@pytest.mark.parametrize("seed", [1, 2])
def test_quiet_hours_open_no_incident(tmp_path: Path, seed: int) -> None:
    assert watch(tmp_path, ALL, [], 1_800, seed=seed, look_s=600) == []
