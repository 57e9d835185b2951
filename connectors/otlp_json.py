"""OTLP/JSON requests as typed structs: camelCase names, 64-bit numbers as text, ids in hex."""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from connectors.errors import NOT_JSON, Refused
from connectors.otlp_attributes import MAX_DEPTH, of_resource

Number64 = int | str
Double = float | str  # "NaN", "Infinity" and "-Infinity" have no JSON number


class AnyValue(msgspec.Struct, rename="camel"):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Number64 | None = None
    double_value: Double | None = None
    array_value: Values | None = None
    kvlist_value: KeyValues | None = None
    bytes_value: str | None = None


class Values(msgspec.Struct):
    values: list[AnyValue] = []


class KeyValue(msgspec.Struct):
    key: str = ""
    value: AnyValue | None = None


class KeyValues(msgspec.Struct):
    values: list[KeyValue] = []


class Resource(msgspec.Struct):
    attributes: list[KeyValue] = []

    @property
    def plain(self) -> dict[str, Any]:
        return of_resource(plain(self.attributes))


_NONE = msgspec.Raw(b"[]")


class NumberPoint(msgspec.Struct, rename="camel"):
    attributes: msgspec.Raw = _NONE  # their text is the key of the series
    time_unix_nano: Number64 = 0
    as_double: Double | None = None
    as_int: Number64 | None = None
    flags: int = 0

    @property
    def time_ns(self) -> int:
        return integer(self.time_unix_nano)

    @property
    def value(self) -> float | None:
        if self.as_double is not None:
            return double(self.as_double)
        return None if self.as_int is None else float(integer(self.as_int))


class HistogramPoint(msgspec.Struct, rename="camel"):
    attributes: msgspec.Raw = _NONE
    time_unix_nano: Number64 = 0
    count: Number64 = 0
    sum: float | None = None
    bucket_counts: list[Number64] = []
    explicit_bounds: list[float] = []
    flags: int = 0

    @property
    def time_ns(self) -> int:
        return integer(self.time_unix_nano)


class Numbers(msgspec.Struct, rename="camel"):
    data_points: list[NumberPoint] = []
    aggregation_temporality: int | str = 2

    @property
    def is_delta(self) -> bool:
        return is_delta(self.aggregation_temporality)


class Histogram(msgspec.Struct, rename="camel"):
    data_points: list[HistogramPoint] = []
    aggregation_temporality: int | str = 2

    @property
    def is_delta(self) -> bool:
        return is_delta(self.aggregation_temporality)


class Other(msgspec.Struct, rename="camel"):
    data_points: list[msgspec.Raw] = []


class Metric(msgspec.Struct, rename="camel"):
    name: str = ""
    unit: str = ""
    gauge: Numbers | None = None
    sum: Numbers | None = None
    histogram: Histogram | None = None
    exponential_histogram: Other | None = None
    summary: Other | None = None

    @property
    def n_points(self) -> int:
        parts = (self.gauge, self.sum, self.histogram, self.exponential_histogram, self.summary)
        return sum(len(part.data_points) for part in parts if part is not None)


class ScopeMetrics(msgspec.Struct):
    metrics: list[Metric] = []


class ResourceMetrics(msgspec.Struct, rename="camel"):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_metrics: list[ScopeMetrics] = []


class MetricsRequest(msgspec.Struct, rename="camel"):
    resource_metrics: list[ResourceMetrics] = []


class SpanEvent(msgspec.Struct, rename="camel"):
    time_unix_nano: int | str = 0
    name: str = ""
    attributes: list[KeyValue] = []


class Status(msgspec.Struct):
    message: str = ""
    code: int | str = 0


class Span(msgspec.Struct, rename="camel"):
    trace_id: str = ""
    span_id: str = ""
    parent_span_id: str = ""
    name: str = ""
    kind: int | str = 0
    start_time_unix_nano: Number64 = 0
    end_time_unix_nano: Number64 = 0
    attributes: list[KeyValue] = []
    events: list[SpanEvent] = []
    status: Status = msgspec.field(default_factory=Status)


class ScopeSpans(msgspec.Struct):
    spans: list[Span] = []


class ResourceSpans(msgspec.Struct, rename="camel"):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_spans: list[ScopeSpans] = []


class TraceRequest(msgspec.Struct, rename="camel"):
    resource_spans: list[ResourceSpans] = []


class LogRecord(msgspec.Struct, rename="camel"):
    time_unix_nano: Number64 = 0
    observed_time_unix_nano: Number64 = 0
    severity_number: int | str = 0
    severity_text: str = ""
    body: AnyValue | None = None
    attributes: list[KeyValue] = []
    trace_id: str = ""
    span_id: str = ""
    event_name: str = ""


class ScopeLogs(msgspec.Struct, rename="camel"):
    log_records: list[LogRecord] = []


class ResourceLogs(msgspec.Struct, rename="camel"):
    resource: Resource = msgspec.field(default_factory=Resource)
    scope_logs: list[ScopeLogs] = []


class LogsRequest(msgspec.Struct, rename="camel"):
    resource_logs: list[ResourceLogs] = []


_METRICS = msgspec.json.Decoder(MetricsRequest)
_TRACES = msgspec.json.Decoder(TraceRequest)
_LOGS = msgspec.json.Decoder(LogsRequest)
_ATTRIBUTES = msgspec.json.Decoder(list[KeyValue])


def parse_metrics(body: bytes) -> MetricsRequest:
    return _parse(_METRICS, body)  # type: ignore[no-any-return]


def parse_traces(body: bytes) -> TraceRequest:
    return _parse(_TRACES, body)  # type: ignore[no-any-return]


def parse_logs(body: bytes) -> LogsRequest:
    return _parse(_LOGS, body)  # type: ignore[no-any-return]


def parse_attributes(raw: bytes) -> dict[str, Any]:
    return plain(_parse(_ATTRIBUTES, raw))


def _parse(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    try:
        return decoder.decode(body)
    except NOT_JSON as error:
        raise Refused(f"body is not OTLP JSON: {error}") from error


def plain(attributes: list[KeyValue], depth: int = 0) -> dict[str, Any]:
    """Return attributes as plain values."""
    return {pair.key: value_of(pair.value, depth) for pair in attributes}


def value_of(value: AnyValue | None, depth: int = 0) -> Any:
    """Return the one value that is set, or None."""
    if depth > MAX_DEPTH:
        raise Refused(f"attributes are nested more than {MAX_DEPTH} deep")
    if value is None:
        return None
    if value.string_value is not None:
        return value.string_value
    if value.bool_value is not None:
        return value.bool_value
    if value.int_value is not None:
        return integer(value.int_value)
    if value.double_value is not None:
        return double(value.double_value)
    if value.array_value is not None:
        return [value_of(item, depth + 1) for item in value.array_value.values]
    if value.kvlist_value is not None:
        return plain(value.kvlist_value.values, depth + 1)
    return value.bytes_value


def integer(value: Number64) -> int:
    """Return a 64-bit integer that JSON carries as text or number."""
    try:
        number = int(value) if len(str(value)) <= 20 else 1 << 65
    except ValueError:
        number = 1 << 65
    if not -(1 << 63) <= number < 1 << 64:
        raise Refused(f"expected a 64-bit integer, got {str(value)[:30]!r}")
    return number


def double(value: Double) -> float:
    """Return a double that JSON carries as number or as a name."""
    try:
        return float(value)
    except ValueError as error:
        raise Refused(f"expected a number, got {str(value)[:30]!r}") from error


def is_delta(temporality: int | str) -> bool:
    return temporality in (1, "1", "AGGREGATION_TEMPORALITY_DELTA")


def enum_number(value: int | str, names: tuple[str, ...]) -> int:
    """Return an enum's number; the name is not in the specification but is in use."""
    if isinstance(value, int):
        return value
    if value.isdecimal():
        return int(value[:9])
    return names.index(value) if value in names else 0


def hex_id(text: str, n_bytes: int) -> str:
    """Return an id as hex; the specification says hex, plain protobuf JSON writes base64."""
    try:
        if len(text) == 2 * n_bytes:
            return bytes.fromhex(text).hex()
        content = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        return ""
    return content.hex() if len(content) == n_bytes else ""
