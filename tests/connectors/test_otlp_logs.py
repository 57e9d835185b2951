"""OTLP logs and answers: real SDK bytes, both forms, and `Refused` for junk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.common._log_encoder import encode_logs
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest as Request,
)
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import InMemoryLogRecordExporter, SimpleLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from connectors import otlp
from connectors.errors import Refused
from connectors.otlp_logs import decode_logs

NOW = 1_790_000_000_000
TIME_NS = (NOW - 5_000) * 1_000_000

FORMS: list[Any] = [
    lambda r: decode_logs(r.SerializeToString(), NOW),
    lambda r: decode_logs(json.dumps(MessageToDict(r)).encode(), NOW, as_json=True),
]


def sdk_request() -> Request:
    exporter = InMemoryLogRecordExporter()  # type: ignore[no-untyped-call]
    provider = LoggerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_log_record_processor(SimpleLogRecordProcessor(exporter))
    provider.get_logger("t").emit(
        LogRecord(timestamp=TIME_NS, severity_number=SeverityNumber.WARN2, body="disk is full",
                  attributes={"disk": "sda", "free": 0, "model_id": "credit"})
    )  # fmt: skip
    return encode_logs(exporter.get_finished_logs())


@pytest.mark.parametrize("decode", FORMS)
def test_real_sdk_record(decode: Any) -> None:
    (log,) = decode(sdk_request()).logs
    assert (log.timestamp_ms, log.message, log.level) == (NOW - 5_000, "disk is full", "warning")
    assert (log.service, log.model_id, log.trace_id) == ("shop", "credit", None)
    assert log.attributes == {"disk": "sda", "free": 0, "model_id": "credit"}


def request_of(**fields: Any) -> Request:
    request = Request()
    request.resource_logs.add().scope_logs.add().log_records.add(
        **{"time_unix_nano": TIME_NS, **fields}
    )
    return request


@pytest.mark.parametrize("decode", FORMS)
@pytest.mark.parametrize(
    ("number", "text", "level"),
    [(1, "", "trace"), (8, "", "debug"), (9, "", "info"), (16, "", "warning"), (17, "", "error"),
     (24, "", "critical"), (0, "FATAL", "critical"), (0, "Warn", "warning"), (0, "", "info"),
     (0, "odd", "info")],
)  # fmt: skip
def test_levels(decode: Any, number: int, text: str, level: str) -> None:
    request = request_of(severity_number=number, severity_text=text)
    assert decode(request).logs[0].level == level


@pytest.mark.parametrize("decode", FORMS)
def test_ids_structured_bodies_and_missing_times(decode: Any) -> None:
    request = request_of(
        time_unix_nano=0, observed_time_unix_nano=TIME_NS, trace_id=b"t" * 16, span_id=b"s" * 8,
        event_name="user.login",
    )  # fmt: skip
    record = request.resource_logs[0].scope_logs[0].log_records[0]
    kv = record.body.kvlist_value.values.add(key="a")
    kv.value.array_value.values.add(int_value=1)
    (log,) = decode(request).logs
    assert (log.timestamp_ms, log.message) == (NOW - 5_000, '{"a":[1]}')
    assert (log.trace_id, log.span_id) == ((b"t" * 16).hex(), (b"s" * 8).hex())
    assert log.attributes == {"event.name": "user.login"}
    record.ClearField("observed_time_unix_nano")
    assert decode(request).logs[0].timestamp_ms == NOW


@pytest.mark.parametrize("decode", FORMS)
def test_a_retry_has_the_same_ids_and_equal_lines_have_two(decode: Any) -> None:
    request = request_of()
    records = request.resource_logs[0].scope_logs[0].log_records
    records.append(records[0])
    first, second = decode(request).logs
    assert first.log_id != second.log_id
    assert [log.log_id for log in decode(request).logs] == [first.log_id, second.log_id]


def test_both_forms_give_the_same_ids() -> None:
    request = sdk_request()
    assert FORMS[0](request) == FORMS[1](request)


@pytest.mark.parametrize("decode", FORMS)
@pytest.mark.parametrize("time_ms", [5, NOW + 90_000_000])
def test_a_record_out_of_time_is_counted_and_the_good_one_kept(decode: Any, time_ms: int) -> None:
    request = request_of(time_unix_nano=time_ms * 10**6)
    good = request_of().resource_logs[0].scope_logs[0].log_records[0]
    request.resource_logs[0].scope_logs[0].log_records.append(good)
    decoded = decode(request)
    assert (len(decoded.logs), decoded.rejected) == (1, 1)
    assert "1990" in decoded.reason


BODY = sdk_request().SerializeToString()
JSON_BODY = json.dumps(MessageToDict(sdk_request())).encode()


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(BODY) - 1), st.binary(max_size=3))
def test_damaged_bytes_are_refused_never_another_error(at: int, junk: bytes) -> None:
    for body in (BODY[:at], BODY[:at] + junk + BODY[at + len(junk) :], junk):
        try:
            decode_logs(body, NOW)
        except Refused:
            continue


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(JSON_BODY) - 1), st.text(max_size=3))
def test_damaged_json_is_refused_never_another_error(at: int, junk: str) -> None:
    for body in (JSON_BODY[:at], JSON_BODY[:at] + junk.encode(errors="replace") + JSON_BODY[at:]):
        try:
            decode_logs(body, NOW, as_json=True)
        except Refused:
            continue


# Answers

RESPONSES = [
    ("traces", ExportTraceServiceResponse, "rejected_spans", "rejectedSpans"),
    ("metrics", ExportMetricsServiceResponse, "rejected_data_points", "rejectedDataPoints"),
    ("logs", ExportLogsServiceResponse, "rejected_log_records", "rejectedLogRecords"),
]


@pytest.mark.parametrize(("signal", "message", "field", "json_field"), RESPONSES)
@pytest.mark.parametrize(("rejected", "reason"), [(0, ""), (3, "Käse " * 50), (0, "a warning")])
def test_answers_parse_as_their_message(
    signal: Any, message: Any, field: str, json_field: str, rejected: int, reason: str
) -> None:
    parsed = message.FromString(otlp.export_response(signal, rejected, reason, as_json=False))
    assert getattr(parsed.partial_success, field) == rejected
    assert parsed.partial_success.error_message == reason
    body = json.loads(otlp.export_response(signal, rejected, reason, as_json=True))
    if rejected:
        assert body["partialSuccess"] == {json_field: str(rejected), "errorMessage": reason}


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [("application/json", True), ("Application/JSON; charset=utf-8", True),
     ("application/x-protobuf", False)],
)  # fmt: skip
def test_content_types(content_type: str, is_json: bool) -> None:
    assert otlp.is_json(content_type) is is_json


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/grpc"])
def test_other_content_types_are_refused(content_type: str) -> None:
    with pytest.raises(Refused):
        otlp.is_json(content_type)


def test_errors_are_a_status_message() -> None:
    assert otlp.error_response("no", as_json=False) == b"\x12\x02no"
    assert json.loads(otlp.error_response("no", as_json=True)) == {"message": "no"}
