"""JSON ingest: one bad item is named, the others pass; junk is `Refused`, never another error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import json_ingest
from connectors.errors import Refused, TooMuch
from connectors.json_items import MAX_ITEMS
from connectors.telemetry import Event, Inference, Label, Series

NOW = 1_790_000_000_000
GOOD = {"inference_id": "a", "model_id": "org/name:v2", "timestamp": NOW}


def inferences(*items: Any) -> bytes:
    return json.dumps({"inferences": items}).encode()


def one(item: dict[str, Any]) -> Inference:
    found = json_ingest.decode_inferences(inferences(item), NOW)
    assert found.rejected == []
    return found.rows[0]


def reason_of(**fields: Any) -> tuple[str, str]:
    found = json_ingest.decode_inferences(inferences({**GOOD, **fields}, GOOD), NOW)
    assert [row.inference_id for row in found.rows] == ["a"], "the good item beside it passes"
    (rejected,) = found.rejected
    assert rejected.index == 0
    return rejected.field, rejected.reason


def test_every_field_arrives() -> None:
    item = {
        **GOOD, "model_version": "3",
        "features": {"x": 1.5, "n": 2, "s": "a", "b": True, "z": None},
        "prediction": "yes", "score": {"yes": 0.75, "no": 0.25}, "interval": [1, 2.5],
        "label": False,
        "embedding": [0.5, 1], "prompt": "p", "context": ["c1", "c2"], "output": "o",
        "samples": ["o1"], "logprobs": [-0.5], "input_tokens": 3, "output_tokens": 4,
        "latency_ms": 12.5, "cost": 0.01, "currency": "EUR", "energy_kwh": 0.001, "region": "eu",
        "user_segment": "new", "error": "timeout", "trace_id": "t", "tags": {"sample": "true"},
    }  # fmt: skip
    row = one(item)
    assert row.features == item["features"]
    assert row.interval == (1.0, 2.5)
    assert row.timestamp_ms == NOW
    for name in set(item) - {"features", "interval", "timestamp"}:
        assert getattr(row, name) == item[name], name


@pytest.mark.parametrize(
    ("timestamp", "expected"),
    [
        ("2026-09-21T14:13:20Z", 1_790_000_000_000),
        ("2026-09-21T16:13:20.123+02:00", 1_790_000_000_123),
        ("2026-09-21T14:13:20.123456789Z", 1_790_000_000_123),
        (1_790_000_000, 1_790_000_000_000),
        (1_790_000_000.25, 1_790_000_000_250),
        (1_790_000_000_123, 1_790_000_000_123),
        (None, NOW),
    ],
)
def test_timestamps_in_every_accepted_form(timestamp: Any, expected: int) -> None:
    assert one({**GOOD, "timestamp": timestamp}).timestamp_ms == expected


@pytest.mark.parametrize(
    ("timestamp", "reason"),
    [
        ("2026-09-21T14:13:20", "time zone"), ("yesterday", "RFC3339"), (True, "Expected"),
        (NOW + 86_400_000, "ahead"), (0, "before 1990"), (-5, "before 1990"), (1e300, "epoch"),
        (1_790_000_000_000_000, "ahead"), ("", "RFC3339"),
    ],
)  # fmt: skip
def test_timestamps_that_make_no_sense_are_named(timestamp: Any, reason: str) -> None:
    field, why = reason_of(timestamp=timestamp)
    assert field == "timestamp"
    assert reason in why


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"inference_id": ""}, "inference_id"), ({"inference_id": 5}, "inference_id"),
        ({"model_id": "x" * 201}, "model_id"), ({"model_id": "a\nb"}, "model_id"),
        ({"score": 1.5}, "score"), ({"score": {"a": -0.1}}, "score[...]"),
        ({"interval": [2, 1]}, "interval"), ({"interval": [1]}, "interval"),
        ({"latency_ms": -1}, "latency_ms"), ({"input_tokens": 1.5}, "input_tokens"),
        ({"features": {"x": [1]}}, "features[...]"), ({"features": [1]}, "features"),
        ({"features": {"x": 10**30}}, "features[...]"), ({"currency": "euro"}, "currency"),
        ({"embedding": [1, "a"]}, "embedding[1]"), ({"prompt": "x" * 200_001}, "prompt"),
        ({"tags": {"a": 1}}, "tags[...]"), ({"prediction": {}}, "prediction"),
    ],
)  # fmt: skip
def test_a_bad_field_is_named(fields: dict[str, Any], field: str) -> None:
    named, why = reason_of(**fields)
    assert named == field
    assert why


def test_a_missing_id_is_named() -> None:
    found = json_ingest.decode_inferences(inferences({"model_id": "m"}, 5, None), NOW)
    assert [(r.index, r.field) for r in found.rejected] == [(0, "inference_id"), (1, ""), (2, "")]


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity"])
def test_numbers_that_are_not_finite_never_pass(number: str) -> None:
    item = json.dumps({**GOOD, "features": {"x": "N"}}).replace('"N"', number)
    try:
        found = json_ingest.decode_inferences(f'{{"inferences":[{item}]}}'.encode(), NOW)
    except Refused:
        return  # not JSON at all
    assert found.rows == []


def test_unknown_fields_are_ignored_and_said_so() -> None:
    found = json_ingest.decode_inferences(inferences({**GOOD, "latency": 5}, GOOD), NOW)
    assert len(found.rows) == 2
    assert found.ignored == ["latency"]


def test_ndjson_skips_blank_lines_and_names_the_bad_one() -> None:
    lines = [json.dumps(GOOD), "", "{not json", json.dumps({**GOOD, "inference_id": "b"}), ""]
    found = json_ingest.decode_inferences("\r\n".join(lines).encode(), NOW, ndjson=True)
    assert [row.inference_id for row in found.rows] == ["a", "b"]
    assert [(r.index, r.reason[:8]) for r in found.rejected] == [(1, "not JSON")]


def test_metrics_become_columns_with_shared_series() -> None:
    items = [
        {"name": "http.latency", "value": 1, "timestamp": NOW, "labels": {"a": "x"}, "unit": "s"},
        {"name": "http.latency", "value": 2.5, "timestamp": NOW + 1, "labels": {"a": "x"}},
        {"name": "b", "value": 0},
        {"name": "1bad", "value": 0}, {"name": "b", "value": "1"}, {"name": "b"},
        {"name": "b", "value": 1, "labels": {"": "x"}},
        {"name": "b", "value": 1, "labels": {"a b": "x"}},
        {"name": "b", "value": 1, "labels": {"__name__": "x"}},
    ]  # fmt: skip
    found = json_ingest.decode_metrics(json.dumps({"metrics": items}).encode(), NOW)
    assert found.batch.series == [Series("http.latency", {"a": "x"}), Series("b")]
    assert found.batch.index.tolist() == [0, 0, 1]
    assert found.batch.timestamps_ms.tolist() == [NOW, NOW + 1, NOW]
    assert found.batch.values.tolist() == [1.0, 2.5, 0.0]
    assert found.units == {"http.latency": "s"}
    assert [r.index for r in found.rejected] == [3, 4, 5, 6, 7, 8]
    assert [r.field for r in found.rejected][:3] == ["name", "value", "value"]


def test_labels() -> None:
    items = [{"inference_id": "a", "label": 1, "timestamp": NOW}, {"inference_id": "a"}]
    found = json_ingest.decode_labels(json.dumps({"labels": items}).encode(), NOW)
    assert found.rows == [Label("a", 1, NOW)]
    assert found.rejected[0].field == "label"


def test_logs_keep_extra_fields_as_attributes_and_a_retry_has_the_same_id() -> None:
    item = {"message": "hi", "level": "WARN", "timestamp": NOW, "user": 5, "attributes": {"a": [1]}}
    body = json.dumps({"logs": [item, {"level": "info"}]}).encode()
    found = json_ingest.decode_logs(body, NOW)
    again = json_ingest.decode_logs(body, NOW + 5000)
    (log,) = found.rows
    assert (log.level, log.attributes) == ("warning", {"user": 5, "a": [1]})
    assert log.log_id == again.rows[0].log_id
    twice = json_ingest.decode_logs(json.dumps({"logs": [item, item]}).encode(), NOW).rows
    assert twice[0].log_id != twice[1].log_id
    assert found.rejected[0].field == "message"


def test_events() -> None:
    item = {"title": "v2 out", "event_type": "deployment", "timestamp": NOW, "end": NOW + 60_000,
            "service": "api", "model_id": "m", "event_id": "e1", "commit": "abc"}  # fmt: skip
    bad = [{"title": "x"}, {"title": "x", "event_type": "Bad Type"}, {**item, "end": NOW - 1}]
    found = json_ingest.decode_events(json.dumps({"events": [item, *bad]}).encode(), NOW)
    assert found.rows == [
        Event("e1", NOW, "v2 out", "deployment", "info", "api", "m", NOW + 60_000, "",
              {"commit": "abc"})
    ]  # fmt: skip
    assert [r.field for r in found.rejected] == ["event_type", "event_type", "end"]


def test_attributes_are_bounded() -> None:
    body = json.dumps({"logs": [{"message": "m", "x": "y" * 70_000}]}).encode()
    assert json_ingest.decode_logs(body, NOW).rejected[0].field == "attributes"


def test_a_batch_names_the_section_of_what_it_rejects() -> None:
    body = {
        "metrics": [{"name": "m", "value": 1}, {"name": "m"}],
        "inferences": [GOOD, {}],
        "labels": [{"inference_id": "a", "label": "x"}],
        "logs": [{"message": "hi"}],
        "events": [{"title": "t"}],
    }
    found = json_ingest.decode_batch(json.dumps(body).encode(), NOW)
    sizes = [len(found.metrics.batch), *(len(p.rows) for p in
             (found.inferences, found.labels, found.logs, found.events))]  # fmt: skip
    assert sizes == [1, 1, 1, 1, 0]
    assert [(r.section, r.index) for r in found.rejected] == [
        ("metrics", 1), ("inferences", 1), ("events", 0)
    ]  # fmt: skip


DECODERS = [
    json_ingest.decode_metrics, json_ingest.decode_inferences, json_ingest.decode_labels,
    json_ingest.decode_logs, json_ingest.decode_events,
]  # fmt: skip


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"null", b"{", b"\xff", b'{"x":[]}', b"1"])
def test_a_body_of_another_shape_is_refused(decode: Any, body: bytes) -> None:
    with pytest.raises(Refused, match="body"):
        decode(body, NOW)


@pytest.mark.parametrize("decode", [*DECODERS, json_ingest.decode_batch])
def test_deep_nesting_is_refused(decode: Any) -> None:
    with pytest.raises(Refused):
        decode(b'{"metrics":' * 1 + b"[" * 100_000, NOW)


def test_too_many_items_are_refused() -> None:
    with pytest.raises(TooMuch):
        json_ingest.decode_labels(json.dumps({"labels": [1] * (MAX_ITEMS + 1)}).encode(), NOW)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*Inference.__struct_fields__, "timestamp", "message", "name"]),
            inner, max_size=5,
        )
    ),
    max_leaves=15,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(json_values, max_size=3))
def test_any_json_is_taken_or_rejected_item_by_item(items: list[Any]) -> None:
    keys = ["metrics", "inferences", "labels", "logs", "events"]
    decode: Any
    for decode, key in zip(DECODERS, keys, strict=True):
        try:
            found: Any = decode(json.dumps({key: items}).encode(), NOW)
        except Refused:
            assert "NaN" in json.dumps(items) or "Infinity" in json.dumps(items)
            continue
        taken = len(found.batch) if key == "metrics" else len(found.rows)
        assert taken + len(found.rejected) == len(items)
