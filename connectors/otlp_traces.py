"""OTLP traces, protobuf or JSON, to spans and to the inferences that model calls record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from connectors import otlp_json, otlp_schema
from connectors.decoded import EARLIEST_MS, MAX_AHEAD_MS
from connectors.errors import Refused
from connectors.genai import inference_of, model_of, passages_of, with_passages
from connectors.otlp_attributes import Attributes, label_value, read_attributes, read_resource
from connectors.telemetry import Inference, Span, SpanEvent

_KINDS = ("internal", "internal", "server", "client", "producer", "consumer")
_KIND_NAMES = ("SPAN_KIND_UNSPECIFIED", *(f"SPAN_KIND_{kind.upper()}" for kind in _KINDS[1:]))
_CODE_NAMES = ("STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR")
_ERROR = 2
_MAX_NAME = 1_000
_MAX_ATTRIBUTES = 1_000
_MAX_EVENTS = 128  # as many as an SDK sends by default
_MAX_EVENT_ATTRIBUTES = 128


class DecodedTraces(msgspec.Struct, frozen=True):
    """Spans and inferences that hold; `rejected` counts spans that do not, `reason` the first."""

    spans: list[Span]
    inferences: list[Inference]
    rejected: int = 0
    reason: str = ""


class _Raw(NamedTuple):
    """A span as either form gives it."""

    trace_id: str
    span_id: str
    parent: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    code: int
    message: str
    attributes: Attributes
    events: list[tuple[int, str, Attributes]]  # nanoseconds, name, attributes


def decode_traces(body: bytes, now_ms: int, *, as_json: bool = False) -> DecodedTraces:
    """Return what an export request holds, or raise `Refused` when it is malformed."""
    found = _from_json(body) if as_json else _from_protobuf(body)
    spans: list[Span] = []
    inferences: list[Inference] = []
    passages: dict[str, tuple[float, list[str]]] = {}
    rejected, reason = 0, ""
    for resource, raw in found:
        if isinstance(raw, Refused):
            rejected, reason = rejected + 1, reason or str(raw)
            continue
        try:
            span = _span(resource, raw, now_ms)
        except Refused as error:
            rejected, reason = rejected + 1, reason or str(error)
            continue
        spans.append(span)
        inference = inference_of(span, resource)
        if inference is not None:
            inferences.append(inference)
        elif retrieved := passages_of(span.attributes):
            passages[span.trace_id] = (span.start_ms, retrieved)
    if passages:
        inferences = with_passages(inferences, passages)
    return DecodedTraces(spans, inferences, rejected, reason)


_Found = Iterator[tuple[Attributes, _Raw | Refused]]


def _from_protobuf(body: bytes) -> _Found:
    for resource in otlp_schema.parse("TraceRequest", body).resources:
        about = read_resource(resource.resource)
        for scope in resource.scopes:
            for span in scope.spans:
                try:
                    yield about, _read_protobuf(span)
                except Refused as error:
                    yield about, error


def _read_protobuf(span: Any) -> _Raw:  # generated message classes have no static type
    status = span.status
    return _Raw(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.kind,
        span.start,
        span.end,
        status.code,
        status.message,
        read_attributes(span.attributes),
        [(event.time, event.name, read_attributes(event.attributes)) for event in span.events],
    )


def _from_json(body: bytes) -> _Found:
    for resource in otlp_json.parse_traces(body).resource_spans:
        about = resource.resource.plain
        for scope in resource.scope_spans:
            for span in scope.spans:
                try:
                    yield about, _read_json(span)
                except Refused as error:
                    yield about, error


def _read_json(span: otlp_json.Span) -> _Raw:
    return _Raw(
        otlp_json.hex_id(span.trace_id, 16),
        otlp_json.hex_id(span.span_id, 8),
        otlp_json.hex_id(span.parent_span_id, 8),
        span.name,
        otlp_json.enum_number(span.kind, _KIND_NAMES),
        otlp_json.integer(span.start_time_unix_nano),
        otlp_json.integer(span.end_time_unix_nano),
        otlp_json.enum_number(span.status.code, _CODE_NAMES),
        span.status.message,
        otlp_json.plain(span.attributes),
        [
            (otlp_json.integer(one.time_unix_nano), one.name, otlp_json.plain(one.attributes))
            for one in span.events
        ],
    )


def _span(resource: Attributes, raw: _Raw, now_ms: int) -> Span:
    if len(raw.trace_id) != 32 or not raw.trace_id.strip("0"):
        raise Refused("a span needs a trace id of 16 bytes that are not all zero")
    if len(raw.span_id) != 16 or not raw.span_id.strip("0"):
        raise Refused("a span needs a span id of 8 bytes that are not all zero")
    start_ms = raw.start_ns / 1e6
    if not EARLIEST_MS <= start_ms < now_ms + MAX_AHEAD_MS:
        raise Refused("a span starts before 1990 or a day or more ahead")
    if raw.end_ns < raw.start_ns:
        raise Refused("a span ends before it starts")
    attributes = dict(raw.attributes)
    for _, name, extra in raw.events:
        # Message content and exceptions travel as events in some versions of the convention.
        if _is_merged(name):
            for key, value in extra.items():
                attributes.setdefault(key, value)
    if len(attributes) > _MAX_ATTRIBUTES:
        raise Refused(f"a span may have {_MAX_ATTRIBUTES} attributes, got {len(attributes)}")
    return Span(
        trace_id=raw.trace_id,
        span_id=raw.span_id,
        name=raw.name[:_MAX_NAME],
        service=label_value(resource.get("service.name"))[:200],
        start_ms=start_ms,
        duration_ms=(raw.end_ns - raw.start_ns) / 1e6,
        parent_span_id=raw.parent if raw.parent.strip("0") else "",
        kind=_KINDS[raw.kind] if 0 <= raw.kind < len(_KINDS) else "internal",
        is_error=raw.code == _ERROR,
        status_message=raw.message[:4_096],
        model_id=model_of(attributes) or None,
        attributes=attributes,
        events=tuple(_event(raw.start_ns, one) for one in raw.events[:_MAX_EVENTS]),
    )


def _is_merged(name: str) -> bool:
    """Whether an event's attributes become the span's own."""
    return name == "exception" or name.startswith("gen_ai.")


def _event(start_ns: int, event: tuple[int, str, Attributes]) -> SpanEvent:
    at_ns, name, attributes = event
    kept = {} if _is_merged(name) else dict(list(attributes.items())[:_MAX_EVENT_ATTRIBUTES])
    return SpanEvent(name[:_MAX_NAME], (at_ns - start_ns) / 1e6 if at_ns else 0.0, kept)
