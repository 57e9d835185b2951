"""OTLP logs, protobuf or JSON, to log lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from connectors import otlp_json, otlp_schema
from connectors.decoded import EARLIEST_MS, MAX_AHEAD_MS
from connectors.errors import Refused
from connectors.genai import model_of
from connectors.json_items import content_id, numbered
from connectors.otlp_attributes import (
    Attributes,
    label_value,
    read_attributes,
    read_resource,
    read_value,
)
from connectors.telemetry import Log

_LEVELS = ("trace", "debug", "info", "warning", "error", "critical")
_SAID = {"warn": "warning", "err": "error", "fatal": "critical", "information": "info"}
_SEVERITIES = ("SEVERITY_NUMBER_UNSPECIFIED",) + tuple(
    f"SEVERITY_NUMBER_{level}{n}"
    for level in ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
    for n in ("", "2", "3", "4")
)
_MAX_MESSAGE = 65_536


class DecodedLogs(msgspec.Struct, frozen=True):
    """Log lines that hold; `rejected` counts records that do not, `reason` names the first."""

    logs: list[Log]
    rejected: int = 0
    reason: str = ""


class _Raw(NamedTuple):
    """A record as either form gives it."""

    time_ns: int
    severity: int
    severity_text: str
    body: Any
    attributes: Attributes
    trace_id: str
    span_id: str
    event_name: str


def decode_logs(body: bytes, now_ms: int, *, as_json: bool = False) -> DecodedLogs:
    """Return what an export request holds, or raise `Refused` when it is malformed."""
    logs: list[Log] = []
    seen: Counter[str] = Counter()
    rejected, reason = 0, ""
    for resource, raw in _from_json(body) if as_json else _from_protobuf(body):
        try:
            if isinstance(raw, Refused):
                raise raw
            logs.append(_log(resource, raw, now_ms, seen))
        except Refused as error:
            rejected, reason = rejected + 1, reason or str(error)
    return DecodedLogs(logs, rejected, reason)


_Found = Iterator[tuple[Attributes, _Raw | Refused]]


def _from_protobuf(body: bytes) -> _Found:
    for resource in otlp_schema.parse("LogsRequest", body).resources:
        about = read_resource(resource.resource)
        for scope in resource.scopes:
            for record in scope.records:
                try:
                    yield about, _read_protobuf(record)
                except Refused as error:
                    yield about, error


def _read_protobuf(record: Any) -> _Raw:  # generated message classes have no static type
    return _Raw(
        record.time or record.observed,
        record.severity,
        record.severity_text,
        read_value(record.body),
        read_attributes(record.attributes),
        record.trace_id.hex() if len(record.trace_id) == 16 else "",
        record.span_id.hex() if len(record.span_id) == 8 else "",
        record.event_name,
    )


def _from_json(body: bytes) -> _Found:
    for resource in otlp_json.parse_logs(body).resource_logs:
        about = resource.resource.plain
        for scope in resource.scope_logs:
            for record in scope.log_records:
                try:
                    yield about, _read_json(record)
                except Refused as error:
                    yield about, error


def _read_json(record: otlp_json.LogRecord) -> _Raw:
    time_ns = otlp_json.integer(record.time_unix_nano)
    return _Raw(
        time_ns or otlp_json.integer(record.observed_time_unix_nano),
        otlp_json.enum_number(record.severity_number, _SEVERITIES),
        record.severity_text,
        otlp_json.value_of(record.body),
        otlp_json.plain(record.attributes),
        otlp_json.hex_id(record.trace_id, 16),
        otlp_json.hex_id(record.span_id, 8),
        record.event_name,
    )


def _log(resource: Attributes, raw: _Raw, now_ms: int, seen: Counter[str]) -> Log:
    time_ms = raw.time_ns // 1_000_000 if raw.time_ns else now_ms
    if not EARLIEST_MS <= time_ms < now_ms + MAX_AHEAD_MS:
        raise Refused("a log record is from before 1990 or a day or more ahead")
    message = label_value(raw.body) or raw.event_name
    attributes = raw.attributes
    if raw.event_name:
        attributes = {**attributes, "event.name": raw.event_name}
    service = label_value(resource.get("service.name"))[:200]
    content = msgspec.json.encode([service, raw.time_ns, message, attributes, raw.span_id])
    return Log(
        log_id=numbered(seen, content_id(content)),
        timestamp_ms=time_ms,
        message=message[:_MAX_MESSAGE],
        level=_level(raw.severity, raw.severity_text),
        service=service,
        model_id=model_of(attributes) or None,
        trace_id=raw.trace_id or None,
        span_id=raw.span_id or None,
        attributes=attributes,
    )


def _level(number: int, text: str) -> str:
    if 1 <= number <= 24:
        return _LEVELS[(number - 1) // 4]
    said = text.lower()
    return _SAID.get(said, said if said in _LEVELS else "info")
