"""/v1/traces, /v1/metrics, /v1/logs: OpenTelemetry over HTTP, protobuf or JSON."""

from __future__ import annotations

from flask import Response, request

from app.api.routing import Router, read_body
from connectors.decoded import within_time
from connectors.errors import Refused
from connectors.otlp import JSON, PROTOBUF, Signal, export_response, is_json
from connectors.otlp_logs import decode_logs
from connectors.otlp_metrics import OtlpMetricsDecoder
from connectors.otlp_metrics_json import decode_metrics_json
from connectors.otlp_traces import decode_traces
from services import ingest
from services.errors import UnsupportedMedia
from services.workspace import Workspace

router = Router("otlp", "/v1")
_BODY = f"{PROTOBUF} or {JSON}"
_metrics = OtlpMetricsDecoder()


@router.route("POST", "/traces", permission="ingest:write", body=_BODY, errors=(413, 415))
def traces(ws: Workspace) -> Response:
    """Store spans; GenAI and OpenInference spans become inferences as well."""
    as_json = _is_json()
    found = decode_traces(read_body(), ws.now_ms(), as_json=as_json)
    ingest.write_spans(ws, found.spans)
    ingest.write_inferences(ws, found.inferences)
    return _answer("traces", found.rejected, found.reason, as_json)


@router.route("POST", "/metrics", permission="ingest:write", body=_BODY, errors=(413, 415))
def metrics(ws: Workspace) -> Response:
    """Store sums, gauges and explicit histograms."""
    as_json = _is_json()
    body = read_body()
    found = decode_metrics_json(body) if as_json else _metrics.decode(body)
    found = within_time(found, ws.now_ms())
    own = ingest.write_metrics(ws, found.batch)
    reason = found.reason or ("names that begin with aiobs_ belong to the hub" if own else "")
    return _answer("metrics", found.rejected + own, reason, as_json)


@router.route("POST", "/logs", permission="ingest:write", body=_BODY, errors=(413, 415))
def logs(ws: Workspace) -> Response:
    """Store log records."""
    as_json = _is_json()
    found = decode_logs(read_body(), ws.now_ms(), as_json=as_json)
    ingest.write_logs(ws, found.logs)
    return _answer("logs", found.rejected, found.reason, as_json)


def _is_json() -> bool:
    try:
        return is_json(request.headers.get("Content-Type", ""))
    except Refused as error:
        raise UnsupportedMedia(str(error)) from error


def _answer(signal: Signal, rejected: int, reason: str, as_json: bool) -> Response:
    body = export_response(signal, rejected, reason, as_json=as_json)
    return Response(body, 200, mimetype=JSON if as_json else PROTOBUF)
