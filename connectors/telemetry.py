"""The records that travel through the hub, as typed structs.

They are plain structs that msgspec checks, encodes and describes (the JSON schemas in the OpenAPI
document derive from such types). Times are epoch milliseconds (UTC) once inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

Scalar = bool | int | float | str | None


class Series:
    """A metric name and its labels: the identity of a time series."""

    __slots__ = ("_hash", "labels", "name")

    def __init__(
        self, name: str, labels: Mapping[str, str] | tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.name = name
        pairs = labels.items() if isinstance(labels, Mapping) else labels
        self.labels: tuple[tuple[str, str], ...] = tuple(
            sorted((k, v) for k, v in pairs if v != "")
        )
        self._hash = hash((name, self.labels))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return isinstance(other, Series) and self.name == other.name and self.labels == other.labels

    def __repr__(self) -> str:
        inner = ",".join(f'{k}="{v}"' for k, v in self.labels)
        return f"{self.name}{{{inner}}}"

    def label(self, name: str, default: str = "") -> str:
        """Return the value of one label; absent and empty are the same, as in Prometheus."""
        return next((v for k, v in self.labels if k == name), default)


class MetricBatch(msgspec.Struct, frozen=True):
    """Samples as columns: sample i belongs to ``series[index[i]]``."""

    series: list[Series]
    index: NDArray[np.int32]
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)


class Inference(msgspec.Struct, frozen=True, omit_defaults=True):
    """One answer of a model. `inference_id` is the idempotency key within a tenant."""

    inference_id: str
    model_id: str
    timestamp_ms: int
    model_version: str = ""
    features: dict[str, Scalar] | None = None
    prediction: bool | int | float | str | None = None
    score: float | dict[str, float] | None = None
    interval: tuple[float, float] | None = None
    label: bool | int | float | str | None = None
    embedding: list[float] | None = None
    prompt: str | None = None
    context: list[str] | None = None
    output: str | None = None
    samples: list[str] | None = None
    logprobs: list[float] | None = None
    input_tokens: int | None = None
    output_tokens: int | None = None
    latency_ms: float | None = None
    cost: float | None = None
    currency: str | None = None
    energy_kwh: float | None = None
    region: str | None = None
    user_segment: str | None = None
    error: str | None = None
    trace_id: str | None = None
    tags: dict[str, str] | None = None


class Label(msgspec.Struct, frozen=True):
    """Ground truth that arrives after the inference it belongs to."""

    inference_id: str
    label: bool | int | float | str
    timestamp_ms: int


class Log(msgspec.Struct, frozen=True, omit_defaults=True):
    """One log line; `log_id` makes a retry harmless, and derives from the content if not sent."""

    log_id: str
    timestamp_ms: int
    message: str
    level: str = "info"
    service: str = ""
    model_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None
    attributes: dict[str, Any] = {}  # any JSON the sender attached


class SpanEvent(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened within a span, `after_ms` from its start.

    Attributes of exceptions and of model messages are the span's own.
    """

    name: str
    after_ms: float = 0.0
    attributes: dict[str, Any] = {}  # any JSON the sender attached


class Span(msgspec.Struct, frozen=True, omit_defaults=True):
    """One span of a trace."""

    trace_id: str
    span_id: str
    name: str
    service: str
    start_ms: float
    duration_ms: float
    parent_span_id: str = ""
    kind: str = "internal"
    is_error: bool = False
    status_message: str = ""
    model_id: str | None = None
    attributes: dict[str, Any] = {}  # any JSON the sender attached
    events: tuple[SpanEvent, ...] = ()


class Event(msgspec.Struct, frozen=True, omit_defaults=True):
    """Something that happened: deployment, config_change, data_change, incident, security, …"""

    event_id: str
    timestamp_ms: int
    title: str
    event_type: str
    severity: str = "info"
    service: str | None = None
    model_id: str | None = None
    end_ms: int | None = None
    description: str = ""
    attributes: dict[str, Any] = {}  # any JSON the sender attached


class Analysis(msgspec.Struct, frozen=True):
    """A stored result of an engine: `kind` is its family, `subject` what it is about."""

    kind: str
    subject: str
    computed_at_ms: int
    body: bytes
