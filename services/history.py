"""Keeps what engines found: the number as a series, the whole result as a document."""

from __future__ import annotations

import msgspec
import numpy as np

from connectors.telemetry import Analysis, MetricBatch, Series
from services.sentences import english
from services.workspace import Workspace


def store_numbers(
    ws: Workspace, model_id: str, at_ms: int, numbers: list[tuple[str, dict[str, str], float]]
) -> None:
    """Append computed numbers (name, labels, value) of a model at one moment; "" is no model."""
    if not numbers:
        return
    subject = {"model_id": model_id} if model_id else {}
    series = [Series(name, subject | labels) for name, labels, _ in numbers]
    size = len(numbers)
    ws.metrics.append(
        MetricBatch(
            series,
            np.arange(size, dtype=np.int32),
            np.full(size, at_ms, dtype=np.int64),
            np.array([value for _, _, value in numbers], dtype=np.float64),
        )
    )


def keep(ws: Workspace, kind: str, subject: str, at_ms: int, answer: object) -> None:
    """Store a result as a document; what an auditor or a page asks for later."""
    body = msgspec.json.encode(answer, enc_hook=_plain)
    ws.events.put_analysis(Analysis(kind, subject, at_ms, body))


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return english(value)
