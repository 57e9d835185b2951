"""JSON ingest bodies to records: each item stands or falls alone.

`decode_*` return what holds and, per item that does not, `(index, field, reason)`. A body that is
no JSON, or not the object the route takes, is `Refused`; too many items are `TooMuch`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec
import numpy as np

from connectors.decoded import empty_batch
from connectors.json_items import (
    ItemError,
    Items,
    Rejected,
    check_id,
    content_id,
    numbered,
    parse,
    read_each,
    reader,
    time_ms_of,
)
from connectors.json_shapes import (
    BatchBody,
    EventItem,
    EventsBody,
    InferenceItem,
    InferencesBody,
    LabelItem,
    LabelsBody,
    LogItem,
    LogsBody,
    MetricItem,
    MetricsBody,
)
from connectors.telemetry import Event, Inference, Label, Log, MetricBatch, Series

I = TypeVar("I")  # noqa: E741 -- an input shape

_MAX_ATTRIBUTES = 65_536
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.\-]*")
_LEVELS = {"warn": "warning", "err": "error", "fatal": "critical", "notice": "info"}


class MetricItems(msgspec.Struct, frozen=True):
    """Samples that hold as columns, with the unit of each name that gave one."""

    batch: MetricBatch
    rejected: list[Rejected] = []
    ignored: list[str] = []
    units: dict[str, str] = {}


class BatchItems(msgspec.Struct, frozen=True):
    """Everything of a mixed body; `rejected` of all sections together."""

    metrics: MetricItems
    inferences: Items[Inference]
    labels: Items[Label]
    logs: Items[Log]
    events: Items[Event]
    rejected: list[Rejected] = []
    ignored: list[str] = []


def decode_metrics(body: bytes, now_ms: int) -> MetricItems:
    """Return the samples of ``{"metrics": [...]}``."""
    return _metric_items(parse(body, _METRICS_BODY).metrics, now_ms)


def decode_inferences(body: bytes, now_ms: int, *, ndjson: bool = False) -> Items[Inference]:
    """Return the inferences of ``{"inferences": [...]}``, or of one JSON object per line."""
    if ndjson:
        return _inference_items([line for line in body.split(b"\n") if line.strip()], now_ms)
    return _inference_items(parse(body, _INFERENCES_BODY).inferences, now_ms)


def decode_labels(body: bytes, now_ms: int) -> Items[Label]:
    """Return the late ground truth of ``{"labels": [...]}``."""
    return _label_items(parse(body, _LABELS_BODY).labels, now_ms)


def decode_logs(body: bytes, now_ms: int) -> Items[Log]:
    """Return the log lines of ``{"logs": [...]}``; unknown fields become attributes."""
    return _log_items(parse(body, _LOGS_BODY).logs, now_ms)


def decode_events(body: bytes, now_ms: int) -> Items[Event]:
    """Return the events of ``{"events": [...]}``; unknown fields become attributes."""
    return _event_items(parse(body, _EVENTS_BODY).events, now_ms)


def decode_batch(body: bytes, now_ms: int) -> BatchItems:
    """Return everything in a body that holds any of the lists."""
    parsed = parse(body, _BATCH_BODY)
    parts = {
        "metrics": _metric_items(parsed.metrics, now_ms),
        "inferences": _inference_items(parsed.inferences, now_ms),
        "labels": _label_items(parsed.labels, now_ms),
        "logs": _log_items(parsed.logs, now_ms),
        "events": _event_items(parsed.events, now_ms),
    }
    rejected = [
        msgspec.structs.replace(one, section=section)
        for section, part in parts.items()
        for one in part.rejected  # type: ignore[attr-defined]
    ]
    ignored = sorted({name for part in parts.values() for name in part.ignored})  # type: ignore[attr-defined]
    return BatchItems(**parts, rejected=rejected, ignored=ignored)  # type: ignore[arg-type]


def _inference_items(raws: Sequence[msgspec.Raw | bytes], now_ms: int) -> Items[Inference]:
    def read(raw: msgspec.Raw | bytes, ignored: set[str]) -> Inference:
        return _inference(_read_inference(raw, ignored), now_ms)

    return read_each(raws, read)


def _inference(item: InferenceItem, now_ms: int) -> Inference:
    check_id("inference_id", item.inference_id)
    check_id("model_id", item.model_id)
    check_id("model_version", item.model_version)
    if item.interval is not None and item.interval[0] > item.interval[1]:
        raise ItemError("interval", "low end is above high end")
    time_ms = time_ms_of(item.timestamp, now_ms)
    rest = [getattr(item, name) for name in _INFERENCE_REST]
    return Inference(item.inference_id, item.model_id, time_ms, *rest)


def _label_items(raws: Sequence[msgspec.Raw | bytes], now_ms: int) -> Items[Label]:
    def read(raw: msgspec.Raw | bytes, ignored: set[str]) -> Label:
        item = _read_label(raw, ignored)
        check_id("inference_id", item.inference_id)
        return Label(item.inference_id, item.label, time_ms_of(item.timestamp, now_ms))

    return read_each(raws, read)


def _metric_items(raws: Sequence[msgspec.Raw | bytes], now_ms: int) -> MetricItems:
    units: dict[str, str] = {}

    def read(raw: msgspec.Raw | bytes, ignored: set[str]) -> tuple[Series, int, float]:
        item = _read_metric(raw, ignored)
        for name in item.labels:
            if name == "__name__" or not _LABEL_NAME.fullmatch(name):
                raise ItemError(f"labels.{name}", "is not a label name")
        time_ms = time_ms_of(item.timestamp, now_ms)
        if item.unit:
            units[item.name] = item.unit
        return Series(item.name, item.labels), time_ms, item.value

    items = read_each(raws, read)
    return MetricItems(_as_columns(items.rows), items.rejected, items.ignored, units)


def _as_columns(rows: list[tuple[Series, int, float]]) -> MetricBatch:
    if not rows:
        return empty_batch()
    places: dict[Series, int] = {}
    index = [places.setdefault(series, len(places)) for series, _, _ in rows]
    times = np.array([time_ms for _, time_ms, _ in rows], np.int64)
    values = np.array([value for _, _, value in rows], np.float64)
    return MetricBatch(list(places), np.array(index, np.int32), times, values)


def _log_items(raws: Sequence[msgspec.Raw | bytes], now_ms: int) -> Items[Log]:
    seen: Counter[str] = Counter()

    def read(raw: msgspec.Raw | bytes, _: set[str]) -> Log:
        item, attributes = _with_attributes(raw, LogItem)
        time_ms = time_ms_of(item.timestamp, now_ms)
        level = item.level.lower()
        return Log(
            item.log_id or numbered(seen, content_id(str(time_ms), bytes(raw))),
            time_ms,
            item.message,
            _LEVELS.get(level, level),
            item.service,
            item.model_id,
            item.trace_id,
            item.span_id,
            attributes,
        )

    return read_each(raws, read)


def _event_items(raws: Sequence[msgspec.Raw | bytes], now_ms: int) -> Items[Event]:
    def read(raw: msgspec.Raw | bytes, _: set[str]) -> Event:
        item, attributes = _with_attributes(raw, EventItem)
        time_ms = time_ms_of(item.timestamp, now_ms)
        end_ms = None if item.end is None else time_ms_of(item.end, now_ms, "end")
        if end_ms is not None and end_ms < time_ms:
            raise ItemError("end", "is before timestamp")
        check_id("model_id", item.model_id)
        return Event(
            item.event_id or content_id(str(time_ms), bytes(raw)),
            time_ms,
            item.title,
            item.event_type,
            item.severity.lower(),
            item.service,
            item.model_id,
            end_ms,
            item.description,
            attributes,
        )

    return read_each(raws, read)


def _with_attributes(raw: msgspec.Raw | bytes, kind: type[I]) -> tuple[I, dict[str, Any]]:
    fields = _ANY.decode(raw)
    known = kind.__struct_fields__  # type: ignore[attr-defined]
    item: Any = msgspec.convert({k: v for k, v in fields.items() if k in known}, kind)
    extra = {k: v for k, v in fields.items() if k not in known}
    attributes = {**extra, **item.attributes} if extra else item.attributes
    if len(msgspec.json.encode(attributes)) > _MAX_ATTRIBUTES:
        raise ItemError("attributes", f"hold more than {_MAX_ATTRIBUTES} bytes of JSON")
    return item, attributes


_METRICS_BODY = msgspec.json.Decoder(MetricsBody)
_INFERENCES_BODY = msgspec.json.Decoder(InferencesBody)
_LABELS_BODY = msgspec.json.Decoder(LabelsBody)
_LOGS_BODY = msgspec.json.Decoder(LogsBody)
_EVENTS_BODY = msgspec.json.Decoder(EventsBody)
_BATCH_BODY = msgspec.json.Decoder(BatchBody)
_ANY = msgspec.json.Decoder(dict[str, Any])
_read_metric = reader(MetricItem)
_read_inference = reader(InferenceItem)
_read_label = reader(LabelItem)
_INFERENCE_REST = Inference.__struct_fields__[3:]
