"""The JSON bodies of the ingest routes, with their limits: what msgspec checks while it parses."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

_MAX = 1.7976931348623157e308  # the largest float64: a bound that infinity exceeds
_COUNT_MAX = 2**53

Finite = Annotated[float, Meta(ge=-_MAX, le=_MAX)]
Amount = Annotated[float, Meta(ge=0, le=_MAX)]
Count = Annotated[int, Meta(ge=0, le=_COUNT_MAX)]
Share = Annotated[float, Meta(ge=0, le=1)]
Whole = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Short = Annotated[str, Meta(max_length=200)]
Text = Annotated[str, Meta(max_length=4_096)]
Long = Annotated[str, Meta(max_length=200_000)]
Message = Annotated[str, Meta(max_length=65_536)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$")]
Value = bool | Whole | Finite | Text
Labels = Annotated[dict[Id, Annotated[str, Meta(max_length=1_024)]], Meta(max_length=64)]
Time = datetime | float | int  # RFC 3339, or epoch seconds or milliseconds


class MetricItem(msgspec.Struct, forbid_unknown_fields=True):
    name: Annotated[str, Meta(pattern=r"^[a-zA-Z_:][a-zA-Z0-9_:.\-/]*$", max_length=200)]
    value: Finite
    timestamp: Time | None = None
    labels: Labels = {}
    unit: Short = ""


class InferenceItem(msgspec.Struct, forbid_unknown_fields=True):
    inference_id: Id
    model_id: Id
    timestamp: Time | None = None
    model_version: Short = ""
    features: Annotated[dict[Id, Value | None], Meta(max_length=2_000)] | None = None
    prediction: Value | None = None
    score: Share | Annotated[dict[Id, Share], Meta(max_length=1_000)] | None = None
    interval: tuple[Finite, Finite] | None = None
    label: Value | None = None
    embedding: Annotated[list[Finite], Meta(max_length=16_384)] | None = None
    prompt: Long | None = None
    context: Annotated[list[Long], Meta(max_length=200)] | None = None
    output: Long | None = None
    samples: Annotated[list[Long], Meta(max_length=50)] | None = None
    logprobs: Annotated[list[Finite], Meta(max_length=100_000)] | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    latency_ms: Amount | None = None
    cost: Amount | None = None
    currency: Currency | None = None
    energy_kwh: Amount | None = None
    region: Short | None = None
    user_segment: Short | None = None
    error: Text | None = None
    trace_id: Short | None = None
    tags: Labels | None = None


class LabelItem(msgspec.Struct, forbid_unknown_fields=True):
    inference_id: Id
    label: Value
    timestamp: Time | None = None


class LogItem(msgspec.Struct):
    message: Message
    level: Annotated[str, Meta(max_length=20)] = "info"
    timestamp: Time | None = None
    log_id: Id | None = None
    service: Short = ""
    model_id: Id | None = None
    trace_id: Short | None = None
    span_id: Short | None = None
    attributes: dict[str, Any] = {}  # any JSON


class EventItem(msgspec.Struct):
    title: Annotated[str, Meta(min_length=1, max_length=500)]
    event_type: Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,49}$")]
    timestamp: Time | None = None
    event_id: Id | None = None
    severity: Annotated[str, Meta(max_length=20)] = "info"
    service: Short | None = None
    model_id: Id | None = None
    end: Time | None = None
    description: Message = ""
    attributes: dict[str, Any] = {}  # any JSON


class MetricsBody(msgspec.Struct):
    metrics: list[msgspec.Raw]


class InferencesBody(msgspec.Struct):
    inferences: list[msgspec.Raw]


class LabelsBody(msgspec.Struct):
    labels: list[msgspec.Raw]


class LogsBody(msgspec.Struct):
    logs: list[msgspec.Raw]


class EventsBody(msgspec.Struct):
    events: list[msgspec.Raw]


class BatchBody(msgspec.Struct, forbid_unknown_fields=True):
    """Any of the bodies in one."""

    metrics: list[msgspec.Raw] = []
    inferences: list[msgspec.Raw] = []
    labels: list[msgspec.Raw] = []
    logs: list[msgspec.Raw] = []
    events: list[msgspec.Raw] = []
