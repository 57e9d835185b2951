"""Back-fills the fleet's past, so that pages are full at once."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.demo import incidents
from app.demo.first_token import first_tokens_of
from app.demo.hub import Hub
from app.demo.incidents import Incident, weather
from app.demo.labels import Labels
from app.demo.outcomes import outcomes_of
from app.demo.pathway import Tracers
from app.demo.resume import Past
from app.demo.serving import TEXT_MODELS, Desk, Served

RATE_S = 0.12
"""Requests a second to a predictive model; text models get a third."""
ASSISTANT_DEPLOYED_H = 8.4
TRACED_SHARE = 0.25
"""Of the past and of the present alike: a service must not seem to get busier at the start."""
BATCH = 1_000
LONGEST_GAP_S = 120.0


def arrivals(
    rng: np.random.Generator, start_s: float, end_s: float, rate_s: float
) -> NDArray[np.float64]:
    """Return arrival times: Poisson with a daily rhythm that peaks in the afternoon (UTC)."""
    ceiling = rate_s * 1.4
    count = rng.poisson(ceiling * (end_s - start_s))
    times = np.sort(rng.uniform(start_s, end_s, count))
    rhythm = 1 + 0.4 * np.sin((times % 86_400) / 86_400 * 2 * np.pi - 2.6)
    return times[rng.uniform(0, 1.4, count) < rhythm]


def backfill(
    hub: Hub,
    tracers: Tracers,
    desk: Desk,
    labels: Labels,
    start_s: float,
    end_s: float,
    clock: Callable[[], float] = time.time,
    known: Past | None = None,
) -> None:
    """Send the fleet's history between two moments, and each label when it is due: on a busy
    machine this takes minutes, and labels that waited for its end would be late.

    Of what is `known` each model goes on from its own newest row, under the incidents that were
    told; a model whose history reaches nearly to the end has no gap.
    """
    known = known or Past()
    hours = (end_s - start_s) / 3_600
    planned = [i for i in incidents.past(end_s, hours) if known.adds(i)]
    released = [
        event
        for event in deployments(start_s, end_s)
        if event["model_id"] not in known.deployed and event["timestamp"] > known.ends_s
    ]
    # Together, so that a process that ends here told all of them or none.
    told = [event for i in planned for event in incidents.events_of(i)]
    hub.send("events", [*told, *released])
    happened = [*known.incidents, *planned]
    deployed = known.deployed | {e["model_id"]: e["timestamp"] for e in released}
    desk.deployed_s = deployed.get("support-assistant", 0.0)
    models = [p.model_id for p in desk.predictors] + list(TEXT_MODELS)
    sent = 0
    for number, model_id in enumerate(models):
        show_progress(number / len(models), f"back-filling {model_id}")
        begin = max(start_s, known.newest.get(model_id, 0.0))
        if end_s - begin <= LONGEST_GAP_S:
            continue
        served = _past_of(desk, model_id, begin, end_s, happened)
        for start in range(0, len(served), BATCH):
            _send(hub, tracers, desk.rng, served[start : start + BATCH])
            labels.hold(served[start : start + BATCH])
            labels.send_due(hub, clock())
        sent += len(served)
    tracers.flush()
    if sent:
        show_progress(1.0, f"{sent:,} inferences of {hours:.0f} h sent", done=True)


def deployments(start_s: float, end_s: float) -> list[dict[str, Any]]:  # JSON
    """Return deployments of the past: what an annotation on a chart shows."""
    plan = (
        (15.2, "digits-reader 3.1 deployed", "digits-reader"),
        (ASSISTANT_DEPLOYED_H, "support-assistant 2026-10 deployed", "support-assistant"),
        (3.1, "visit-risk 2.0 deployed", "visit-risk"),
    )
    return [
        {
            "event_id": f"deploy-{model_id}-{int(end_s - before * 3_600)}",
            "timestamp": end_s - before * 3_600,
            "title": title,
            "event_type": "deployment",
            "model_id": model_id,
            "service": "inference-api",
            "sample": "true",
        }
        for before, title, model_id in plan
        if end_s - before * 3_600 > start_s
    ]


def _past_of(
    desk: Desk, model_id: str, start_s: float, end_s: float, happened: list[Incident]
) -> list[Served]:
    predictor = next((p for p in desk.predictors if p.model_id == model_id), None)
    rate = RATE_S if predictor is not None else RATE_S / 3
    times = arrivals(desk.rng, start_s, end_s, rate)
    wrong = [weather(happened, float(at)) for at in times]
    if predictor is not None:
        return desk.predict(predictor, times, wrong)
    return [desk.write(model_id, float(at), now) for at, now in zip(times, wrong, strict=True)]


def _send(hub: Hub, tracers: Tracers, rng: np.random.Generator, part: list[Served]) -> None:
    for one in part:
        if rng.random() < TRACED_SHARE:
            one.row["trace_id"] = tracers.record(one.hop, one.row["timestamp"])
    hub.send("inferences", [one.row for one in part])
    hub.send("logs", logs_of(part))
    hub.send("metrics", outcomes_of(rng, part))
    hub.export_metrics(first_tokens_of(part))


def logs_of(served: list[Served]) -> list[dict[str, Any]]:  # JSON
    """Return the log lines of requests that failed, and of those that the guardrail judged."""
    failed = [log_of(one) for one in served if "error" in one.row]
    return failed + [verdict_of(one) for one in served if "guardrail" in one.row["tags"]]


def verdict_of(one: Served) -> dict[str, Any]:  # JSON
    """Return the log line of the assistant's guardrail."""
    tags = one.row["tags"]
    verdict = tags["guardrail"]
    return {
        "message": f"guardrail {verdict} a prompt",
        "level": "warning",
        "service": "inference-api",
        "timestamp": one.row["timestamp"],
        "model_id": one.row["model_id"],
        "trace_id": one.row.get("trace_id"),
        "attributes": {
            "guardrail": "phrases",
            "verdict": verdict,
            "latency_ms": float(tags["guardrail_ms"]),
        },
        "sample": "true",
    }


def log_of(one: Served) -> dict[str, Any]:  # JSON
    """Return the log line of a failed request."""
    return {
        "message": f"get_features timed out for {one.row['model_id']}",
        "level": "error",
        "service": "feature-store",
        "timestamp": one.row["timestamp"],
        "model_id": one.row["model_id"],
        "trace_id": one.row.get("trace_id"),
        "sample": "true",
    }


def show_progress(share: float, words: str, *, done: bool = False) -> None:
    """Draw one line of progress on a terminal; in a log, only the last."""
    if not sys.stderr.isatty():
        if done:
            print(f"sample fleet: {words}", file=sys.stderr, flush=True)
        return
    filled = int(share * 30)
    bar = "█" * filled + "·" * (30 - filled)
    end = "\n" if done else ""
    print(f"\r{bar} {share:4.0%} {words:<44}", end=end, file=sys.stderr, flush=True)
