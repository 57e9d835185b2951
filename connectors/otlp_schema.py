"""OTLP messages as this hub reads them: attributes and data points stay opaque bytes.

The field numbers are those of opentelemetry-proto 1.x. Declaring repeated parts as `bytes` lets the
protobuf runtime check and split the wire without building an object per attribute; the bytes then
serve as dictionary keys. Fields that are not listed are skipped.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from connectors.errors import Refused

# message -> field -> (number, type, repeated); a type in capitals names another message here
_Fields = dict[str, tuple[int, str, bool]]
_SCHEMA: dict[str, _Fields] = {
    "MetricsRequest": {"resources": (1, "ResourceMetrics", True)},
    "ResourceMetrics": {"resource": (1, "bytes", False), "scopes": (2, "ScopeMetrics", True)},
    "ScopeMetrics": {"metrics": (2, "Metric", True)},
    "Metric": {
        "name": (1, "string", False),
        "unit": (3, "string", False),
        "gauge": (5, "Numbers", False),
        "sum": (7, "Numbers", False),
        "histogram": (9, "Histogram", False),
        "exponential": (10, "Numbers", False),
        "summary": (11, "Numbers", False),
    },
    "Numbers": {"points": (1, "bytes", True), "temporality": (2, "int32", False)},
    "Histogram": {"points": (1, "HistogramPoint", True), "temporality": (2, "int32", False)},
    "HistogramPoint": {
        "time": (3, "fixed64", False),
        "count": (4, "fixed64", False),
        "sum": (5, "double?", False),
        "buckets": (6, "bytes", False),
        "bounds": (7, "bytes", False),
        "attributes": (9, "bytes", True),
        "flags": (10, "uint32", False),
    },
    "TraceRequest": {"resources": (1, "ResourceSpans", True)},
    "ResourceSpans": {"resource": (1, "bytes", False), "scopes": (2, "ScopeSpans", True)},
    "ScopeSpans": {"spans": (2, "Span", True)},
    "Span": {
        "trace_id": (1, "bytes", False),
        "span_id": (2, "bytes", False),
        "parent_span_id": (4, "bytes", False),
        "name": (5, "string", False),
        "kind": (6, "int32", False),
        "start": (7, "fixed64", False),
        "end": (8, "fixed64", False),
        "attributes": (9, "bytes", True),
        "events": (11, "SpanEvent", True),
        "status": (15, "Status", False),
    },
    "SpanEvent": {
        "time": (1, "fixed64", False),
        "name": (2, "string", False),
        "attributes": (3, "bytes", True),
    },
    "Status": {"message": (2, "string", False), "code": (3, "int32", False)},
    "LogsRequest": {"resources": (1, "ResourceLogs", True)},
    "ResourceLogs": {"resource": (1, "bytes", False), "scopes": (2, "ScopeLogs", True)},
    "ScopeLogs": {"records": (2, "LogRecord", True)},
    "LogRecord": {
        "time": (1, "fixed64", False),
        "severity": (2, "int32", False),
        "severity_text": (3, "string", False),
        "body": (5, "bytes", False),
        "attributes": (6, "bytes", True),
        "trace_id": (9, "bytes", False),
        "span_id": (10, "bytes", False),
        "observed": (11, "fixed64", False),
        "event_name": (12, "string", False),
    },
}
_SCALARS = {"bytes": 12, "string": 9, "fixed64": 6, "int32": 5, "uint32": 13, "double?": 1}


@cache
def _classes() -> dict[str, Any]:  # generated message classes have no static type
    # Imported at the first OTLP request: the runtime costs start-up time that others need not pay.
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    package = "aiobs.otlp"
    file = descriptor_pb2.FileDescriptorProto(
        name="aiobs/otlp.proto", package=package, syntax="proto3"
    )
    for message, fields in _SCHEMA.items():
        described = file.message_type.add(name=message)
        for name, (number, kind, repeated) in fields.items():
            field = described.field.add(name=name, number=number, label=3 if repeated else 1)
            if kind in _SCALARS:
                field.type = _SCALARS[kind]
            else:
                field.type, field.type_name = 11, f".{package}.{kind}"
            if kind == "double?":  # a double whose presence matters
                field.proto3_optional = True
                field.oneof_index = len(described.oneof_decl)
                described.oneof_decl.add(name=f"_{name}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return {
        message: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{message}"))
        for message in _SCHEMA
    }


def parse(message: str, body: bytes) -> Any:
    """Return a request parsed as the named message, or raise `Refused`."""
    from google.protobuf.message import DecodeError

    try:
        return _classes()[message].FromString(body)
    except DecodeError as error:
        raise Refused("body is not an OTLP protobuf message") from error
