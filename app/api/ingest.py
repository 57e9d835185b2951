"""/api/ingest and /api/v1/write: telemetry in, acknowledged when durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec
from flask import Response, request

from app.api.routing import Router, read_body, success
from connectors import json_ingest
from connectors.decoded import within_time
from connectors.json_items import Items, Rejected
from connectors.protocols import Added
from connectors.remote_write import RemoteWriteDecoder
from services import ingest
from services.errors import Invalid, Malformed, UnsupportedMedia
from services.workspace import Workspace

router = Router("ingest", "/api/ingest")
remote_write_router = Router("remote_write", "/api/v1")

R = TypeVar("R")
_NDJSON = ("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
_OWN_NAME = "names that begin with aiobs_ belong to the hub"
_MAX_LISTED = 1_000
_decoder = RemoteWriteDecoder()


class Accepted(msgspec.Struct, frozen=True, omit_defaults=True):
    """How many items were stored (or known already), and why others were not."""

    accepted: int
    rejected: list[Rejected]
    rejected_total: int = 0
    ignored_fields: list[str] = []


_BODY = "application/json"
_ERRORS = (413, 415, 422)


@router.route(
    "POST", "/metrics", permission="ingest:write", body=_BODY, returns=Accepted, status=202,
    errors=_ERRORS,
)  # fmt: skip
def metrics(ws: Workspace) -> Response:
    """Store samples: {"metrics": [{"name", "value", "timestamp"?, "labels"?, "unit"?}]}."""
    found = json_ingest.decode_metrics(_json(), ws.now_ms())
    own = ingest.write_metrics(ws, found.batch)
    rejected = found.rejected + [Rejected(-1, "name", _OWN_NAME)] * own
    return _answer(len(found.batch) - own, rejected, found.ignored)


@router.route(
    "POST", "/inferences", permission="ingest:write", body="application/json, application/x-ndjson",
    returns=Accepted, status=202, errors=_ERRORS,
)  # fmt: skip
def inferences(ws: Workspace) -> Response:
    """Store inferences: {"inferences": [Inference]} or one JSON object per line."""
    ndjson = request.mimetype in _NDJSON
    body = read_body() if ndjson else _json()
    found = json_ingest.decode_inferences(body, ws.now_ms(), ndjson=ndjson)
    return _stored(ws, found, ingest.write_inferences)


@router.route(
    "POST", "/labels", permission="ingest:write", body=_BODY, returns=Accepted, status=202,
    errors=_ERRORS,
)  # fmt: skip
def labels(ws: Workspace) -> Response:
    """Store late ground truth: {"labels": [{"inference_id", "label", "timestamp"?}]}."""
    return _stored(ws, json_ingest.decode_labels(_json(), ws.now_ms()), ingest.write_labels)


@router.route(
    "POST", "/logs", permission="ingest:write", body=_BODY, returns=Accepted, status=202,
    errors=_ERRORS,
)  # fmt: skip
def logs(ws: Workspace) -> Response:
    """Store log lines: {"logs": [{"message", "level"?, "service"?, ...}]}."""
    return _stored(ws, json_ingest.decode_logs(_json(), ws.now_ms()), ingest.write_logs)


@router.route(
    "POST", "/events", permission="ingest:write", body=_BODY, returns=Accepted, status=202,
    errors=_ERRORS,
)  # fmt: skip
def events(ws: Workspace) -> Response:
    """Store events: {"events": [{"title", "event_type", "service"?, "model_id"?, ...}]}."""
    return _stored(ws, json_ingest.decode_events(_json(), ws.now_ms()), ingest.write_events)


@router.route(
    "POST", "/batch", permission="ingest:write", body=_BODY, returns=Accepted, status=202,
    errors=_ERRORS,
)  # fmt: skip
def batch(ws: Workspace) -> Response:
    """Store any of the above in one body; each list is its own durable commit, in this order."""
    found = json_ingest.decode_batch(_json(), ws.now_ms())
    own = ingest.write_metrics(ws, found.metrics.batch)
    ingest.write_inferences(ws, found.inferences.rows)
    ingest.write_labels(ws, found.labels.rows)
    ingest.write_logs(ws, found.logs.rows)
    ingest.write_events(ws, found.events.rows)
    lists = (found.inferences, found.labels, found.logs, found.events)
    accepted = len(found.metrics.batch) - own + sum(len(part.rows) for part in lists)
    rejected = found.rejected + [Rejected(-1, "name", _OWN_NAME, "metrics")] * own
    return _answer(accepted, rejected, found.ignored)


@remote_write_router.route(
    "POST", "/write", permission="ingest:write", body="application/x-protobuf", status=204,
    errors=(413, 415),
)  # fmt: skip
def remote_write(ws: Workspace) -> Response:
    """Store samples sent by Prometheus remote write 1.0 (snappy, protobuf)."""
    content_type = request.headers.get("Content-Type", "")
    if "io.prometheus.write.v2" in content_type:
        raise UnsupportedMedia("remote write 2.0 is not read; send 1.0 (prometheus.WriteRequest)")
    if request.mimetype != "application/x-protobuf":
        raise UnsupportedMedia(f"send application/x-protobuf, not {request.mimetype or 'nothing'}")
    encoding = request.headers.get("Content-Encoding", "snappy").lower()
    if encoding != "snappy":
        raise UnsupportedMedia(f"send Content-Encoding snappy, not {encoding}")
    decoded = within_time(_decoder.decode(request.get_data(cache=False)), ws.now_ms())
    ingest.write_metrics(ws, decoded.batch)
    if decoded.rejected:
        count = decoded.rejected
        raise Malformed(f"{count} samples were refused, the others stored: {decoded.reason}")
    return Response(status=204)


def _json() -> bytes:
    if request.mimetype != "application/json":
        raise UnsupportedMedia(f"send application/json, not {request.mimetype or 'nothing'}")
    return read_body()


def _stored(
    ws: Workspace, found: Items[R], write: Callable[[Workspace, Sequence[R]], Added]
) -> Response:
    write(ws, found.rows)
    return _answer(len(found.rows), found.rejected, found.ignored)


def _answer(accepted: int, rejected: list[Rejected], ignored: list[str]) -> Response:
    """Answer 202 when anything was taken, 422 with every reason when nothing was."""
    if rejected and not accepted:
        items = msgspec.to_builtins(rejected[:_MAX_LISTED])
        raise Invalid("no item could be taken", items=items, rejected_total=len(rejected))
    body = Accepted(accepted, rejected[:_MAX_LISTED], len(rejected), ignored)
    return success(body, 202)
