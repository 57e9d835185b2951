"""A model with a day of telemetry, made by a formula that a reader can follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from connectors.json_ingest import decode_inferences, decode_labels
from services import ingest
from services.rollups import roll_up
from services.workspace import Workspace
from tests.conftest import NOW_MS

MINUTE_MS, HOUR_MS = 60_000, 3_600_000
Row = dict[str, Any]  # an Inference as JSON
Send = Callable[[list[Row]], None]


@pytest.fixture
def send(workspace: Workspace) -> Send:
    """Store inferences as the ingest route does, and roll them up."""

    def store(rows: list[Row]) -> None:
        body = msgspec.json.encode({"inferences": rows})
        found = decode_inferences(body, workspace.now_ms(), ndjson=False)
        assert found.rejected == []
        ingest.write_inferences(workspace, found.rows)
        roll_up(workspace)

    return store


@pytest.fixture
def label(workspace: Workspace) -> Callable[[list[Row]], None]:
    """Store labels as the ingest route does."""

    def store(rows: list[Row]) -> None:
        body = msgspec.json.encode({"labels": rows})
        ingest.write_labels(workspace, decode_labels(body, workspace.now_ms()).rows)

    return store


def scored_rows(
    model_id: str = "risk",
    *,
    count: int = 1_200,
    hours: float = 24.0,
    end_ms: int = NOW_MS,
    shift_after_ms: int | None = None,
    seed: int = 0,
) -> list[Row]:
    """A classifier whose score is the chance of its label; after a moment, `age` is 2 sd higher."""
    rng = np.random.default_rng(seed)
    rows = []
    for number, at_ms in enumerate(
        np.linspace(end_ms - hours * HOUR_MS, end_ms - 1_000, count).tolist()
    ):
        shifted = shift_after_ms is not None and at_ms >= shift_after_ms
        score = float(rng.beta(2, 2))
        rows.append({
            "inference_id": f"{model_id}-{number}", "model_id": model_id, "model_version": "1",
            "timestamp": at_ms / 1_000, "latency_ms": float(rng.lognormal(3, 0.2)),
            "features": {"age": float(rng.normal(2.0 * shifted)), "income": float(rng.normal())},
            "score": score, "prediction": int(score >= 0.5), "label": int(rng.random() < score),
            "cost": 0.001, "currency": "EUR", "user_segment": "a" if number % 2 else "b",
        })  # fmt: skip
    return rows
