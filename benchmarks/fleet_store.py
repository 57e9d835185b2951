"""A hub filled with a fleet of any size and age, for the benchmarks of pages.

The newest hours are single inferences that pass through the hub's own jobs; the days before repeat
the series that those jobs wrote, so every series that a page may read is there and has its real
shape. A filled folder can be kept and opened again.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from flask import Flask

from benchmarks.replay import moved_hub, scheduler_workspace
from connectors.selector import parse_selector
from connectors.telemetry import Event, Inference, MetricBatch, Span
from services import jobs
from services.fleet import get_overview
from services.times import DAY_MS, HOUR_MS, MINUTE_MS
from services.workspace import Backends, Workspace

SERVICES = ("gateway", "features", "predictor", "cache", "search", "billing")
FEATURES = tuple(f"f{i}" for i in range(6))
_ROWS_A_BATCH = 2_000


@dataclass(frozen=True, slots=True)
class FleetSize:
    """How many models, hours of single inferences, and days of series before them."""

    models: int
    hours: int
    per_hour: int
    days: float
    past_step_ms: int = MINUTE_MS


SMALL = FleetSize(models=30, hours=24, per_hour=60, days=30)
LARGE = FleetSize(models=1_000, hours=2, per_hour=60, days=2, past_step_ms=5 * MINUTE_MS)
QUICK = FleetSize(models=8, hours=2, per_hour=60, days=1)


def option(name: str) -> str:
    """Return the word after an option of the command line, or ""."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else ""


def folder_of(size: FleetSize, made: Path) -> Path:
    """Return where a hub of this size lies: under `--keep`, or under `made`."""
    return Path(option("--keep") or made) / str(size.models)


@contextmanager
def filled(size: FleetSize, made: Path) -> Iterator[tuple[Flask, list[int]]]:
    """A hub with the fleet in it, and its clock; a kept folder is filled once."""
    folder = folder_of(size, made)
    written = folder / "clock"
    clock = [int(written.read_text()) if written.exists() else time.time_ns() // 1_000_000]
    with moved_hub(folder, clock) as app:
        if not written.exists():
            fill(app.extensions["aiobs_backends"], scheduler_workspace(app), size)
            written.write_text(str(clock[0]))
        yield app, clock


def fill(backends: Backends, ws: Workspace, size: FleetSize) -> None:
    """Fill the stores of `ws` up to now, and compute what the scheduler would have."""
    logging.getLogger("aiobs").setLevel(logging.ERROR)
    now = ws.now_ms()
    rng = np.random.default_rng(1)
    for k in range(size.models):
        for part in _batches(_inferences(rng, k, now, size)):
            ws.events.add_inferences(part)
    ws.events.add_spans(list(_spans(rng, now, size.hours)))
    ws.events.add_events(list(_events(now, size)))
    for job in (jobs.roll_up, jobs.track_usage, jobs.update_sketches, jobs.scan_security):
        while job(ws):
            pass
    jobs.refresh_models(ws)
    jobs.evaluate_alerts(ws)
    _repeat_past(ws, now, size)
    for _ in range(2_000):
        before = backends.metrics.health().stats
        backends.metrics.maintain(now)
        backends.events.maintain(now)
        if backends.metrics.health().stats == before:
            break
    get_overview(ws)


def name_of(k: int) -> str:
    """Return the id of a model; every fifth writes text."""
    return f"team-{k % 7}/model-{k:04d}"


def _is_text(k: int) -> bool:
    return k % 5 == 4


def _inferences(rng: np.random.Generator, k: int, now: int, size: FleetSize) -> Iterator[Inference]:
    n = size.hours * size.per_hour
    times = np.sort(now - (rng.random(n) * size.hours * HOUR_MS).astype(np.int64))
    moved = 1.5 if k % 11 == 3 else 0.0  # some drift in the newest quarter
    for i, at in enumerate(times.tolist()):
        shift = moved if i > 0.75 * n else 0.0
        shown = {
            "inference_id": f"{k}-{i}",
            "model_id": name_of(k),
            "timestamp_ms": at,
            "model_version": "2" if i > n // 2 else "1",
            "latency_ms": float(rng.lognormal(3.0 + k % 3 / 2, 0.5)),
            "region": ("eu-west-1", "us-east-1")[i % 2],
            "user_segment": ("consumer", "business")[i % 2],
            "error": "timeout" if rng.random() < 0.002 + 0.05 * (k % 13 == 5) else None,
            "energy_kwh": 2e-5,
            "cost": 1e-4,
            "currency": "EUR",
            "tags": {"sample": "true"},
        }
        if _is_text(k):
            words = " ".join(f"word{int(v)}" for v in rng.integers(0, 200, 12))
            yield Inference(
                **shown, prompt=f"what of {words}", context=[words, "a second passage"],
                output=words, input_tokens=120, output_tokens=60,
            )  # fmt: skip
        else:
            values = rng.normal(shift, 1.0, len(FEATURES))
            score = float(1 / (1 + np.exp(-values[0] + 0.3 * values[1])))
            yield Inference(
                **shown,
                features=dict(zip(FEATURES, values.tolist(), strict=True)),
                score=score,
                prediction=int(score > 0.5),
                label=int(rng.random() < score) if i % 2 else None,
            )


def _batches(rows: Iterator[Inference]) -> Iterator[list[Inference]]:
    part: list[Inference] = []
    for row in rows:
        part.append(row)
        if len(part) == _ROWS_A_BATCH:
            yield part
            part = []
    if part:
        yield part


def _spans(rng: np.random.Generator, now: int, hours: int) -> Iterator[Span]:
    """Return a chain of calls through the services twice a minute."""
    for i in range(hours * 120):
        at = now - int(rng.random() * hours * HOUR_MS)
        parent = ""
        for depth, service in enumerate(SERVICES):
            span_id = f"{i:08x}{depth:08x}"
            yield Span(
                trace_id=f"{i:032x}", span_id=span_id, parent_span_id=parent, name=service,
                service=service, start_ms=at + depth, duration_ms=float(50 - 6 * depth),
                kind="server", is_error=bool(rng.random() < 0.01),
            )  # fmt: skip
            parent = span_id


def _events(now: int, size: FleetSize) -> Iterator[Event]:
    for i in range(int(size.days * 4)):
        at = now - int((i + 0.5) * DAY_MS / 4)
        yield Event(
            event_id=f"deploy-{i}", timestamp_ms=at, title=f"Deployed version {i}",
            event_type="deployment", model_id=name_of(i % size.models),
        )  # fmt: skip


def _repeat_past(ws: Workspace, now: int, size: FleetSize) -> None:
    """Write the series of the newest hours again, shifted back window by window."""
    length = size.hours * HOUR_MS
    end = now // size.past_step_ms * size.past_step_ms
    for name in ws.metrics.names():
        found = ws.metrics.window(
            parse_selector(name), end - length, end, size.past_step_ms,
            over_time="sum" if name.endswith(("_total", "_bucket", "_count", "_sum")) else "last",
        )  # fmt: skip
        for some in _slices(found, 5_000):
            kept = [np.flatnonzero(np.isfinite(points.values)) for points in some]
            index = np.repeat(np.arange(len(some), dtype=np.int32), [len(k) for k in kept])
            times = np.concatenate([p.timestamps_ms[k] for p, k in zip(some, kept, strict=True)])
            values = np.concatenate([p.values[k] for p, k in zip(some, kept, strict=True)])
            series = [points.series for points in some]
            for back in range(1, round(size.days * 24 / size.hours)):
                ws.metrics.append(MetricBatch(series, index, times - back * length, values))


def _slices(found: list, size: int) -> Iterator[list]:  # type: ignore[type-arg]  # SeriesPoints
    return (found[i : i + size] for i in range(0, len(found), size))
