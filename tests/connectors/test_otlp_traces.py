"""OTLP traces and model calls: real SDK bytes, three dialects, and `Refused` for junk."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest as Request,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from connectors import genai
from connectors.errors import Refused
from connectors.otlp_traces import DecodedTraces, decode_traces
from connectors.telemetry import Inference, SpanEvent

NOW = 1_790_000_000_000
START_NS = (NOW - 5_000) * 1_000_000


def to_json(request: Request) -> bytes:
    return json.dumps(MessageToDict(request)).encode()  # ids in base64


def to_spec_json(request: Request) -> bytes:
    body = MessageToDict(request)
    for rs in body.get("resourceSpans", []):
        for ss in rs.get("scopeSpans", []):
            for span, original in zip(
                ss["spans"], request.resource_spans[0].scope_spans[0].spans, strict=True
            ):
                span["traceId"] = original.trace_id.hex().upper()
                span["spanId"] = original.span_id.hex()
                span["parentSpanId"] = original.parent_span_id.hex()
                span["kind"] = int(original.kind)
    return json.dumps(body).encode()


FORMS: list[Any] = [
    lambda r: decode_traces(r.SerializeToString(), NOW),
    lambda r: decode_traces(to_json(r), NOW, as_json=True),
    lambda r: decode_traces(to_spec_json(r), NOW, as_json=True),
]


def sdk_request() -> tuple[Request, list[Any]]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource({"service.name": "shop", "sample": "true"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    parent = tracer.start_span("GET /buy", kind=SpanKind.SERVER, start_time=START_NS)
    from opentelemetry.trace import set_span_in_context

    child = tracer.start_span(
        "pay", set_span_in_context(parent), kind=SpanKind.CLIENT, start_time=START_NS + 10**6,
        attributes={"n": 5, "ok": True, "x": 0.5, "s": "Käse", "list": ["a", "b"], "neg": -1},
    )  # fmt: skip
    child.set_status(StatusCode.ERROR, "card refused")
    child.record_exception(ValueError("no funds"), timestamp=START_NS + 2 * 10**6)
    child.end(START_NS + 3 * 10**6)
    parent.end(START_NS + 4_500_000)
    spans = list(exporter.get_finished_spans())
    return encode_spans(spans), spans


@pytest.mark.parametrize("decode", FORMS)
def test_real_sdk_spans(decode: Any) -> None:
    request, sdk_spans = sdk_request()
    decoded: DecodedTraces = decode(request)
    child, parent = decoded.spans
    context = sdk_spans[0].context
    assert child.trace_id == f"{context.trace_id:032x}"
    assert child.span_id == f"{context.span_id:016x}"
    assert child.parent_span_id == parent.span_id
    assert (parent.parent_span_id, parent.kind, child.kind) == ("", "server", "client")
    assert (child.service, child.name) == ("shop", "pay")
    assert (child.start_ms, child.duration_ms) == (START_NS / 1e6 + 1, 2.0)
    assert parent.duration_ms == 4.5
    assert (child.is_error, child.status_message, parent.is_error) == (True, "card refused", False)
    wanted = {"n": 5, "ok": True, "x": 0.5, "s": "Käse", "list": ["a", "b"], "neg": -1}
    assert {name: child.attributes[name] for name in wanted} == wanted
    assert child.attributes["exception.message"] == "no funds"
    assert (decoded.inferences, decoded.rejected) == ([], 0)


def span_with(attributes: dict[str, Any], **fields: Any) -> Request:
    request = Request()
    rs = request.resource_spans.add()
    rs.resource.attributes.add(key="service.name").value.string_value = "bot"
    span = rs.scope_spans.add().spans.add(
        trace_id=bytes(range(16)), span_id=bytes(range(1, 9)), name="chat",
        start_time_unix_nano=START_NS, end_time_unix_nano=START_NS + 250_000_000,
    )  # fmt: skip
    for name, value in fields.items():
        setattr(span, name, value)
    fill(span.attributes, attributes)
    return request


def fill(target: Any, attributes: dict[str, Any]) -> None:
    kinds = {bool: "bool_value", int: "int_value", float: "double_value", str: "string_value"}
    for key, value in attributes.items():
        setattr(target.add(key=key).value, kinds[type(value)], value)


def only(request: Request) -> Inference:
    by_form = [decode(request).inferences for decode in FORMS]
    assert by_form[0] == by_form[1] == by_form[2]
    (inference,) = by_form[0]
    return inference  # type: ignore[no-any-return]


CURRENT = {
    "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-5", "gen_ai.response.model": "gpt-5-2026-01",
    "gen_ai.usage.input_tokens": 12, "gen_ai.usage.output_tokens": 34,
    "gen_ai.conversation.id": "c1",
    "gen_ai.input.messages": json.dumps(
        [{"role": "user", "parts": [{"type": "text", "content": "Why?"}]}]
    ),
    "gen_ai.output.messages": json.dumps(
        [{"role": "assistant", "parts": [{"type": "text", "content": "Because."}]}]
    ),
}  # fmt: skip


def test_the_current_convention() -> None:
    row = only(span_with(CURRENT))
    assert row.inference_id == "000102030405060708090a0b0c0d0e0f:0102030405060708"
    assert (row.model_id, row.model_version) == ("gpt-5", "gpt-5-2026-01")
    assert (row.prompt, row.output) == ("Why?", "Because.")
    assert (row.input_tokens, row.output_tokens, row.latency_ms) == (12, 34, 250.0)
    assert (row.cost, row.currency, row.error) == (None, None, None)
    assert row.timestamp_ms == NOW - 5_000
    assert row.tags == {
        "operation": "chat", "provider": "openai", "conversation": "c1", "service": "bot",
    }  # fmt: skip


def test_the_old_names() -> None:
    row = only(span_with({
        "gen_ai.system": "anthropic", "gen_ai.request.model": "claude",
        "gen_ai.usage.prompt_tokens": 1, "gen_ai.usage.completion_tokens": 2,
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi",
        "gen_ai.completion.0.content": "Hello", "gen_ai.usage.cost": 0.25,
    }))  # fmt: skip
    assert (row.prompt, row.output) == ("Hi", "Hello")
    assert (row.input_tokens, row.output_tokens) == (1, 2)
    assert (row.cost, row.currency) == (0.25, "USD")
    assert row.tags == {"provider": "anthropic", "service": "bot"}


@pytest.mark.parametrize("decode", FORMS)
def test_events_keep_their_time_and_what_is_not_the_spans_own(decode: Any) -> None:
    request = span_with({"a": 1})
    span = request.resource_spans[0].scope_spans[0].spans[0]
    begun = span.start_time_unix_nano
    retry = span.events.add(name="retry", time_unix_nano=begun + 2_500_000)
    fill(retry.attributes, {"attempt": 2})
    failed = span.events.add(name="exception", time_unix_nano=begun + 3_000_000)
    fill(failed.attributes, {"exception.type": "Timeout"})
    (found,) = decode(request).spans
    assert found.events == (SpanEvent("retry", 2.5, {"attempt": 2}), SpanEvent("exception", 3.0))
    assert found.attributes["exception.type"] == "Timeout"


def test_content_in_span_events() -> None:
    request = span_with({"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"})
    span = request.resource_spans[0].scope_spans[0].spans[0]
    event = span.events.add(name="gen_ai.content.prompt", time_unix_nano=START_NS)
    fill(event.attributes, {"gen_ai.prompt": "from an event"})
    assert only(request).prompt == "from an event"


def test_openinference() -> None:
    row = only(span_with({
        "openinference.span.kind": "LLM", "llm.model_name": "gpt-5", "llm.provider": "azure",
        "llm.token_count.prompt": 5, "llm.token_count.completion": 6, "llm.cost.total": 0.5,
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "Be brief.",
        "llm.input_messages.1.message.content": "Why?",
        "llm.output_messages.0.message.content": "So.",
        "input.value": '{"messages": []}', "session.id": "s1", "user.id": "u1",
    }))  # fmt: skip
    assert (row.model_id, row.prompt, row.output) == ("gpt-5", "Be brief.\nWhy?", "So.")
    assert (row.input_tokens, row.output_tokens, row.cost) == (5, 6, 0.5)
    assert row.tags == {
        "provider": "azure", "conversation": "s1", "user": "u1", "service": "bot"
    }  # fmt: skip


def test_langfuse() -> None:
    row = only(span_with({
        "langfuse.observation.type": "generation", "langfuse.observation.model.name": "gpt-5",
        "langfuse.observation.input": '[{"role":"user","content":"Why?"}]',
        "langfuse.observation.output": '{"role":"assistant","content":"So."}',
        "langfuse.observation.usage_details": '{"input": 7, "output": 8}',
        "langfuse.observation.cost_details": '{"total": 0.125}',
    }))  # fmt: skip
    assert (row.prompt, row.output, row.cost) == ("Why?", "So.", 0.125)
    assert (row.input_tokens, row.output_tokens) == (7, 8)


def test_an_id_of_the_senders_own_and_a_failed_call() -> None:
    request = span_with({**CURRENT, "inference_id": "mine", "error.type": "timeout"})
    request.resource_spans[0].scope_spans[0].spans[0].status.code = 2
    row = only(request)
    assert (row.inference_id, row.error) == ("mine", "timeout")


@pytest.mark.parametrize(
    "attributes",
    [
        {"openinference.span.kind": "CHAIN", "llm.model_name": "m"},
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "t"},
        {"gen_ai.operation.name": "invoke_agent", "gen_ai.request.model": "m"},
        {"gen_ai.operation.name": "chat"},
        {"langfuse.observation.type": "span"},
        {"http.method": "GET"},
        {"model_id": "credit"},
    ],
)
def test_other_spans_are_no_inferences(attributes: dict[str, Any]) -> None:
    for decode in FORMS:
        decoded = decode(span_with(attributes))
        assert (len(decoded.spans), decoded.inferences) == (1, [])


def test_a_span_names_the_model_it_is_about() -> None:
    decoded = decode_traces(span_with({"model_id": "credit"}).SerializeToString(), NOW)
    assert decoded.spans[0].model_id == "credit"


@pytest.mark.parametrize(
    "documents",
    [
        {"openinference.span.kind": "RETRIEVER",
         "retrieval.documents.0.document.content": "one",
         "retrieval.documents.1.document.content": "two"},
        {"gen_ai.operation.name": "retrieval",
         "gen_ai.retrieval.documents": '[{"content": "one"}, {"text": "two"}, {"id": 3}]'},
    ],
)  # fmt: skip
def test_what_was_retrieved_in_the_trace_becomes_context(
    documents: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = span_with(CURRENT)
    retriever = request.resource_spans[0].scope_spans[0].spans.add(
        trace_id=bytes(range(16)), span_id=b"retrieve", name="retrieve",
        start_time_unix_nano=START_NS - 10**8, end_time_unix_nano=START_NS,
    )  # fmt: skip
    fill(retriever.attributes, documents)
    assert only(request).context == ["one", "two"]
    with monkeypatch.context() as patch:
        patch.setattr(genai, "_MAX_GIVEN", 5)
        assert only(request).context is None
    retriever.start_time_unix_nano = START_NS + 10**8
    retriever.end_time_unix_nano = START_NS + 2 * 10**8
    assert only(request).context is None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"trace_id": b""}, "trace id"), ({"trace_id": bytes(16)}, "trace id"),
        ({"span_id": b"123"}, "span id"), ({"span_id": bytes(8)}, "span id"),
        ({"start_time_unix_nano": 0}, "1990"), ({"end_time_unix_nano": 5}, "ends before"),
        ({"start_time_unix_nano": (NOW + 90_000_000) * 10**6,
          "end_time_unix_nano": (NOW + 90_000_001) * 10**6}, "ahead"),
    ],
)  # fmt: skip
def test_a_bad_span_is_counted_and_the_good_one_kept(fields: dict[str, Any], reason: str) -> None:
    request = span_with({}, **fields)
    good = span_with({}).resource_spans[0].scope_spans[0].spans[0]
    request.resource_spans[0].scope_spans[0].spans.append(good)
    for decode in FORMS:
        decoded = decode(request)
        assert len(decoded.spans) == 1
        assert decoded.rejected == 1
        assert reason in decoded.reason


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=200)
plain_values = texts | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(texts, plain_values, max_size=6))
def test_any_attributes_come_back(attributes: dict[str, Any]) -> None:
    decoded = decode_traces(span_with(attributes).SerializeToString(), NOW)
    assert decoded.spans[0].attributes == attributes


names = st.sampled_from([*CURRENT, "openinference.span.kind", "llm.model_name", "input.value",
    "langfuse.observation.type", "gen_ai.retrieval.documents", "llm.cost.total", "error.type",
    "langfuse.observation.usage_details", "retrieval.documents.0.document.content"])  # fmt: skip
json_texts = st.sampled_from(
    ["[", "{}", "[[[[]]]]", '{"content":{"parts":[1]}}', "LLM", "generation"]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(names, plain_values | json_texts, max_size=6))
def test_no_attribute_breaks_the_mapping(attributes: dict[str, Any]) -> None:
    for row in decode_traces(span_with(attributes).SerializeToString(), NOW).inferences:
        assert row.model_id
        assert row.model_id.isprintable()
        assert row.cost is None or row.cost >= 0


BODY = sdk_request()[0].SerializeToString()
JSON_BODY = to_json(sdk_request()[0])


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(BODY) - 1), st.binary(max_size=3))
def test_damaged_bytes_are_refused_never_another_error(at: int, junk: bytes) -> None:
    for body in (BODY[:at], BODY[:at] + junk + BODY[at + len(junk) :], junk):
        try:
            decode_traces(body, NOW)
        except Refused:
            continue


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(JSON_BODY) - 1), st.text(max_size=3))
def test_damaged_json_is_refused_never_another_error(at: int, junk: str) -> None:
    for body in (JSON_BODY[:at], JSON_BODY[:at] + junk.encode(errors="replace") + JSON_BODY[at:]):
        try:
            decode_traces(body, NOW, as_json=True)
        except Refused:
            continue


@pytest.mark.parametrize("depth", [30, 200, 5_000])
def test_deep_values_are_refused_or_rejected(depth: int) -> None:
    value = '{"arrayValue":{"values":[' * depth + '{"intValue":1}' + "]}}" * depth
    request = json.loads(to_spec_json(span_with({})))
    body = json.dumps(request).replace('"spanId"', '"attributes":[{"key":"a","value":V}],"spanId"')
    try:
        decoded = decode_traces(body.replace("V}", value + "}").encode(), NOW, as_json=True)
    except Refused:
        return
    assert decoded.rejected == 1
