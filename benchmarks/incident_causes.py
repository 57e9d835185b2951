"""The cause of each scripted incident of the sample fleet, as the running system names it.

`python -m benchmarks.incident_causes [--quick]` replays the whole fleet (inferences, traces, logs,
labels and changes) under a clock that moves, runs the hub's own jobs at their periods, and reads
what is attached to the incident: at once, and two minutes after the alert. Quick: one seed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.demo.incidents import SCRIPTS, Incident, Script, events_of, start
from app.demo.pathway import Tracers
from app.demo.predictors import FLEET, Predictor, train_all
from app.demo.serving import TEXT_MODELS
from benchmarks.replay import (
    InProcessExporter,
    InProcessHub,
    make_replay,
    moved_hub,
    scheduler_workspace,
)
from benchmarks.study import Row, run
from services import alerts, causal, jobs
from services.incidents import Incident as Opened
from services.incidents import list_incidents
from services.times import HOUR_MS
from services.workspace import Workspace

NOON_S = 1_767_268_800.0
HISTORY_S = 6 * 3_600
WARM_S = 600
"""The fleet starts its first incident ten minutes after it went live."""
LIMIT_S = 900
AFTER_S = 120
TICK_S = 15
SUBJECT = "the model whose labels are late"
TRUTH: dict[str, tuple[str, tuple[str, ...]]] = {
    "sensor_fault": ("tumour-screening", ("data_drift", "feature_drift")),
    "covariate_shift": ("visit-risk", ("data_drift", "feature_drift")),
    "label_delay": (SUBJECT, ("label_availability",)),
    "slow_dependency": ("feature-store", ("latency_ms", "errors")),
    "cost_spike": ("ticket-summary", ("output_tokens", "cost")),
    "retrieval_outage": ("vector-index", ("latency_ms", "errors")),
}
"""Where the script broke something, and the numbers that show it there. The labelling queue serves
every model."""


@dataclass(frozen=True)
class Told:
    """What the system said about one incident, `AFTER_S` after its alert."""

    rule: str
    subject: str
    delay_s: float
    is_first: bool
    is_named: bool
    is_told_why: bool
    confidence: float
    first: str


def measure() -> list[Row]:
    """Return the rows of the table."""
    predictors = train_all()
    seeds = range(1) if "--quick" in sys.argv else range(3)
    rows: list[Row] = []
    for script in SCRIPTS:
        told = []
        for seed in seeds:
            found = told_of(predictors, script, seed)
            print(*(f"  {script.name} {seed}: {one}" for one in found), sep="\n", flush=True)
            told += found
        rows += _rows(script.name, told, len(seeds))
    return rows


def _rows(name: str, told: list[Told], seeds: int) -> Iterator[Row]:
    n = len(told)
    share = [float(np.mean([getattr(one, field) for one in told])) if told else 0.0
             for field in ("is_first", "is_named", "is_told_why")]  # fmt: skip
    yield Row(f"{name}: true cause first, share of {n} incidents", share[0], low=1.0,
              repetitions=seeds)  # fmt: skip
    yield Row(f"{name}: and named rather than abstained", share[1], low=1.0, repetitions=seeds)
    yield Row(f"{name}: with chain and evidence", share[2], low=1.0, repetitions=seeds)
    confidence = float(np.mean([one.confidence for one in told])) if told else 0.0
    yield Row(f"{name}: mean confidence of the first", confidence, repetitions=seeds)


def told_of(predictors: list[Predictor], script: Script, seed: int) -> list[Told]:
    """Return what is attached to the incidents that a script opened."""
    happened = [start(script.name, NOON_S)]
    with tempfile.TemporaryDirectory() as folder:
        found = watch(Path(folder), predictors, happened, seed)
    return [_told(script, incident) for incident in found]


def _told(script: Script, incident: Opened) -> Told:
    node, metrics = TRUTH[script.name]
    node = incident.subject if node == SUBJECT else node
    found: dict[str, Any] = incident.root_cause or {"causes": [], "abstained": True}
    first = found["causes"][0] if found["causes"] else None
    is_first = first is not None and first["node"] == node and _kind(first["metric"]) in metrics
    is_why = first is not None and bool(first["chain"]) and bool(first["evidence"])
    return Told(
        rule=incident.rule,
        subject=incident.subject,
        delay_s=incident.opened_at_ms / 1_000 - NOON_S,
        is_first=is_first,
        is_named=is_first and not found["abstained"],
        is_told_why=is_first and is_why,
        confidence=first["confidence"] if first else 0.0,
        first=f"{first['node']} {first['metric']}" if first else found.get("reason", ""),
    )


def _kind(metric: str) -> str:
    return metric.split("{")[0].split(":")[0]


def watch(
    folder: Path, predictors: list[Predictor], happened: list[Incident], seed: int
) -> list[Opened]:
    """Return the incidents that opened, as they stand `AFTER_S` after the last of the first."""
    clock = [round((NOON_S - WARM_S) * 1_000)]
    models = [line[0] for line in FLEET] + list(TEXT_MODELS)
    with moved_hub(folder, clock) as app:
        hub, ws = InProcessHub(app.test_client()), scheduler_workspace(app)
        tracers = Tracers("", {}, exporter=lambda: InProcessExporter(app))
        span = (NOON_S - HISTORY_S, NOON_S + LIMIT_S + AFTER_S)
        replay = make_replay(hub, predictors, models, span, happened, seed)
        replay.tracers = tracers
        replay.send_until(NOON_S - WARM_S)
        _fill_past(ws, len(models))
        first: float | None = None
        for at_s in range(round(NOON_S - WARM_S), round(NOON_S + LIMIT_S + AFTER_S), TICK_S):
            clock[0] = at_s * 1_000
            replay.send_until(at_s)
            for incident in happened:
                if at_s - TICK_S < incident.start_s <= at_s:
                    hub.send("events", events_of(incident))
            _run_jobs(ws, at_s)
            if first is None and list_incidents(ws):
                first = at_s
            if first is not None and at_s >= first + AFTER_S:
                break
        tracers.close()
        return [i for i in list_incidents(ws) if first and i.opened_at_ms <= first * 1_000]


def _fill_past(ws: Workspace, models: int) -> None:
    jobs.roll_up(ws)
    for _ in range(models * (causal.LOOK_BACK_MS // HOUR_MS + 1) // 2):
        jobs.fill_gaps(ws)


def _run_jobs(ws: Workspace, at_s: int) -> None:
    """Run what the scheduler runs at these periods."""
    jobs.roll_up(ws)
    jobs.track_usage(ws)
    if at_s % 30 == 0:
        jobs.update_sketches(ws)
        jobs.refresh_models(ws)
    alerts.evaluate(ws)
    if at_s % 30 == 0:
        jobs.explain_incidents(ws)


if __name__ == "__main__":
    run("incident_causes", "The true cause of each scripted incident is named first", measure)
