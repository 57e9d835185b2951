"""Every event back end passes this suite unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from connectors.errors import Refused
from connectors.protocols import EventBackend, EventQuery
from connectors.telemetry import Analysis, Event, Inference, Label, Log
from tests.connectors.event_backends import BACKENDS, DAY_MS, T0, span

ALWAYS = (T0 - 400 * DAY_MS, T0 + 400 * DAY_MS)


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventBackend]:
    opened = BACKENDS[request.param](tmp_path)
    yield opened
    opened.close()


def query(**filters: object) -> EventQuery:
    return EventQuery(*ALWAYS, **filters)  # type: ignore[arg-type]


def inference(i: int, **fields: object) -> Inference:
    fields = {"model_id": "m", "timestamp_ms": T0 + i * 1_000, **fields}
    return Inference(inference_id=f"i{i}", **fields)  # type: ignore[arg-type]


def log(i: int, message: str = "hello", **fields: object) -> Log:
    return Log(log_id=f"l{i}", timestamp_ms=T0 + i * 1_000, message=message, **fields)  # type: ignore[arg-type]


FULL = Inference(
    inference_id="full",
    model_id="org/name:v2",
    timestamp_ms=T0,
    model_version="7",
    features={"a": 1, "b": 2.5, "c": "red", "d": True, "e": None},
    prediction="yes",
    score={"yes": 0.75, "no": 0.25},
    interval=(0.5, 1.5),
    label="no",
    embedding=[0.25, 0.5],
    prompt="why?",
    context=["because", "of that"],
    output="so",
    samples=["so", "no"],
    logprobs=[-0.5],
    input_tokens=3,
    output_tokens=1,
    latency_ms=12.5,
    cost=0.001,
    currency="EUR",
    energy_kwh=0.1,
    region="eu",
    user_segment="new",
    error="late",
    trace_id="abc",
    tags={"sample": "true"},
)


def test_an_inference_comes_back_as_it_was_sent(backend: EventBackend) -> None:
    store = backend.scoped("t")
    rows = [
        FULL,
        inference(1),
        inference(2, features={}, score=0.5),
        inference(3, features={"z": 1}),
    ]
    store.add_inferences(rows)
    assert [store.inference(row.inference_id) for row in rows] == rows


def test_a_retried_batch_is_counted_and_changes_nothing(backend: EventBackend) -> None:
    store = backend.scoped("t")
    rows = [inference(i) for i in range(5)]
    assert store.add_inferences([*rows, rows[0]]).duplicates == 1
    again = store.add_inferences([*rows, inference(9)])
    assert (again.stored, again.duplicates) == (1, 5)
    assert len(store.inference_columns("m", *ALWAYS)) == 6


def test_an_id_is_new_in_another_tenant(backend: EventBackend) -> None:
    backend.scoped("t").add_inferences([inference(1)])
    other = backend.scoped("u")
    assert other.inference("i1") is None
    assert other.add_inferences([inference(1)]).stored == 1


def test_columns_are_float_for_numbers_and_objects_for_the_rest(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences(
        [
            inference(2, features={"n": 2, "s": "b", "mixed": "x"}, score=0.5, prompt="long"),
            inference(1, features={"n": None, "mixed": 3}, score={"yes": 0.75}),
        ]
    )
    found = store.inference_columns("m", *ALWAYS)
    assert found.inference_ids.tolist() == ["i1", "i2"]
    np.testing.assert_array_equal(found.columns["feature:n"], [np.nan, 2.0])
    np.testing.assert_array_equal(found.columns["score:yes"], [0.75, np.nan])
    assert found.columns["feature:s"].tolist() == [None, "b"]
    assert found.columns["feature:mixed"].tolist() == [3, "x"]
    assert "prompt" not in found.columns


def test_named_columns_are_always_there(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences([inference(1, prompt="p")])
    found = store.inference_columns("m", *ALWAYS, columns=["prompt", "feature:none"])
    assert found.columns["prompt"].tolist() == ["p"]
    assert np.isnan(found.columns["feature:none"]).all()


def test_a_limit_keeps_the_newest_rows(backend: EventBackend) -> None:
    store = backend.scoped("t")
    for i in (5, 1, 4, 2, 3):
        store.add_inferences([inference(i)])
    found = store.inference_columns("m", *ALWAYS, limit=2)
    assert found.inference_ids.tolist() == ["i4", "i5"]


def test_the_latest_label_wins_before_and_after_its_inference(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_labels([Label("i1", "early", T0), Label("i2", "old", T0 + 90_000)])
    store.add_inferences([inference(1), inference(2), inference(3, label="own")])
    late = [Label("i2", "stale", T0 + 80_000), Label("i3", "late", T0 + 99_000)]
    assert store.add_labels(late).stored == 1
    assert store.add_labels(late).duplicates == 2
    found = store.inference_columns("m", *ALWAYS, columns=["label", "label_timestamp_ms"])
    assert found.columns["label"].tolist() == ["early", "old", "late"]
    assert found.columns["label_timestamp_ms"].tolist() == [T0, T0 + 90_000, T0 + 99_000]
    one = store.inference("i3")
    assert one is not None and one.label == "late"


def test_touched_minutes_report_late_labels_once_per_cursor(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences([inference(1), inference(70)])
    first, cursor = store.touched_minutes(0)
    assert first == [("m", T0), ("m", T0 + 60_000)]
    assert store.touched_minutes(cursor) == ([], cursor)
    store.add_labels([Label("i70", 1, T0 + DAY_MS)])
    assert store.touched_minutes(cursor)[0] == [("m", T0 + 60_000)]


def test_touched_minutes_lose_nothing_at_their_limit(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences([inference(i * 60) for i in range(10)])
    seen, cursor = [], 0
    for _ in range(5):
        pairs, cursor = store.touched_minutes(cursor, 3)
        seen += pairs
    assert seen == [("m", T0 + i * 60_000) for i in range(10)]


def test_models_seen_knows_samples_and_versions(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences([FULL, inference(1), inference(2)])
    seen = {(row.model_id, row.version): row for row in store.models_seen()}
    assert seen["org/name:v2", "7"].is_sample
    assert not seen["m", ""].is_sample
    assert (seen["m", ""].first_ms, seen["m", ""].last_ms) == (T0 + 1_000, T0 + 2_000)
    assert seen["m", ""].count == 2
    assert store.models_seen("m") == [seen["m", ""]] and store.models_seen("none") == []


def test_the_first_inference_of_a_model_and_of_any_is_known(backend: EventBackend) -> None:
    store = backend.scoped("t")
    assert store.first_seen_ms() is None
    store.add_inferences([inference(2), inference(1), FULL])
    assert store.first_seen_ms("m") == T0 + 1_000
    assert store.first_seen_ms() == min(row.first_ms for row in store.models_seen())
    assert store.first_seen_ms("none") is None
    assert backend.scoped("other").first_seen_ms() is None


def test_pages_continue_where_they_ended_while_rows_arrive(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_logs([log(i) for i in range(10)])
    store.add_inferences([inference(i) for i in range(10)])
    firsts = [store.logs(query(limit=4)), store.inferences(query(limit=4))]
    store.add_logs([log(100)])
    store.add_inferences([inference(200)])
    rest = [
        store.logs(query(limit=40, cursor=firsts[0].cursor)),
        store.inferences(query(limit=40, cursor=firsts[1].cursor)),
    ]
    assert [r.log_id for r in firsts[0].rows + rest[0].rows] == [f"l{9 - i}" for i in range(10)]
    assert [r.inference_id for r in firsts[1].rows + rest[1].rows] == [
        f"i{9 - i}" for i in range(10)
    ]
    assert [page.cursor for page in rest] == [None, None]


def test_a_foreign_cursor_is_refused(backend: EventBackend) -> None:
    store = backend.scoped("t")
    for cursor in ("", "x", "-1", "1:2:3", "9" * 30):
        with pytest.raises(Refused):
            store.logs(query(cursor=cursor))
        with pytest.raises(Refused):
            store.inferences(query(cursor=cursor))


def test_filters_of_logs_compose(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_logs(
        [
            log(1, level="error", service="a"),
            log(2, level="info", service="a"),
            log(3, level="error"),
        ]
    )
    assert [r.log_id for r in store.logs(query(kind="error", service="a")).rows] == ["l1"]
    assert [r.log_id for r in store.logs(query(only_errors=True)).rows] == ["l3", "l1"]


def test_a_trace_leads_to_its_spans_logs_and_inferences(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_spans([span("b", "db", "a", start_ms=T0 + 2.0), span("a", "web", start_ms=T0 + 1.0)])
    store.add_logs([log(1, trace_id="trace"), log(2, trace_id="other")])
    store.add_inferences([inference(1, trace_id="trace"), inference(2, trace_id="other")])
    assert [s.span_id for s in store.trace("trace")] == ["a", "b"]
    assert [s.span_id for s in store.spans(query(trace_id="trace", service="db")).rows] == ["b"]
    assert [r.log_id for r in store.logs(query(trace_id="trace")).rows] == ["l1"]
    found = store.inferences(query(trace_id="trace")).rows
    assert [r.inference_id for r in found] == ["i1"]
    assert store.trace("none") == []


def test_logs_of_one_service_are_counted(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_logs([log(1, service="a"), log(2, service="b"), log(3, service="a", level="error")])
    for start in (T0 // 60_000 * 60_000, T0 - 1):
        found = store.log_counts(start, start + 120_000, 60_000, service="a")
        assert {level: int(n.sum()) for level, n in found.items()} == {"info": 1, "error": 1}


def test_inferences_filter_by_model_and_version(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences(
        [inference(1), inference(2, model_version="2"), inference(3, model_id="n"), FULL]
    )
    found = [
        [r.inference_id for r in store.inferences(query(**filters)).rows]
        for filters in ({"model_id": "m"}, {"version": "2"}, {"only_errors": True})
    ]
    assert found == [["i2", "i1"], ["i2"], ["full"]]


@pytest.mark.parametrize("indexed", [False, True])
def test_words_are_found_before_and_after_indexing(backend: EventBackend, indexed: bool) -> None:
    store = backend.scoped("t")
    store.add_logs([log(1, "Connection refused"), log(2, "connection reset"), log(3, "café")])
    store.add_events([Event("e", T0, "Deployed the model", "deployment", description="v2 live")])
    store.add_spans([span("s", "web", name="POST /predict", status_message="Timed out")])
    store.add_inferences([inference(1, prompt="Where is it?"), inference(2, output="It is there")])
    if indexed:
        backend.maintain(T0)
    assert [r.log_id for r in store.logs(query(text="CONNECTION refused")).rows] == ["l1"]
    assert [r.log_id for r in store.logs(query(text="cafe")).rows] == ["l3"]
    assert len(store.events(query(text="live deployed")).rows) == 1
    assert len(store.spans(query(text="timed")).rows) == 1
    assert [r.inference_id for r in store.inferences(query(text="it is")).rows] == ["i2", "i1"]


@pytest.mark.parametrize(
    "text",
    ['"', "(", "a AND", "NEAR(", "*", "words:x", "-", "\x00", "\ud800", "' OR 1=1", "a" * 9999],
)
def test_odd_search_text_finds_nothing_and_never_raises(backend: EventBackend, text: str) -> None:
    store = backend.scoped("t")
    store.add_logs([log(1)])
    store.add_inferences([inference(1, prompt="hello")])
    backend.maintain(T0)
    assert store.logs(query(text=text)).rows == []
    assert store.inferences(query(text=text)).rows == []


def test_log_counts_fill_steps(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_logs(
        [log(0, level="info"), log(1, level="info"), log(61, level="error", service="a")]
    )
    counts = store.log_counts(T0, T0 + 90_000, 60_000)
    assert {k: v.tolist() for k, v in counts.items()} == {"info": [2, 0], "error": [0, 1]}
    assert set(store.log_counts(T0, T0 + 90_000, 60_000, by="service")) == {"", "a"}


def test_analyses_are_newest_first_and_replace_at_equal_time(backend: EventBackend) -> None:
    store = backend.scoped("t")
    for at, body in ((1, b"a"), (2, b"b"), (2, b"c")):
        store.put_analysis(Analysis("drift", "m", T0 + at, body))
    assert [a.body for a in store.analyses("drift", "m", *ALWAYS)] == [b"c", b"a"]
    assert backend.scoped("u").analyses("drift", "m", *ALWAYS) == []


def test_what_is_older_than_the_retention_goes(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences([inference(1), inference(2, timestamp_ms=T0 + 40 * DAY_MS)])
    store.add_logs([log(1), log(2 + 40 * 86_400)])
    store.add_labels([Label("i1", 1, T0)])
    backend.maintain(T0)
    for _ in range(5):
        backend.maintain(T0 + 41 * DAY_MS)
    assert store.inference_columns("m", *ALWAYS).inference_ids.tolist() == ["i2"]
    assert len(store.logs(query()).rows) == 1
    assert store.logs(query(text="hello")).rows[0].log_id == f"l{2 + 40 * 86_400}"
    assert store.add_inferences([inference(1)]).stored == 1


def test_nothing_of_a_refused_batch_is_kept(backend: EventBackend) -> None:
    store = backend.scoped("t")
    with pytest.raises(Refused):
        store.add_inferences([inference(1), inference(2, timestamp_ms=-5)])
    with pytest.raises(Refused):
        store.add_logs([log(1), Log("x", 1 << 50, "far")])
    assert store.inference("i1") is None
    assert store.logs(query()).rows == []


def test_integers_beyond_64_bits_keep_their_size(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_inferences([inference(1, features={"big": 2**70, "small": -(10**400)})])
    store.add_labels([Label("i1", 2**80, T0), Label("i2", 2**80, T0)])
    store.add_logs([log(1, attributes={"deep": [{"n": 2**70}]})])
    found = store.inference_columns("m", *ALWAYS)
    assert found.columns["feature:big"].tolist() == [2.0**70]
    assert found.columns["label"].tolist() == [2.0**80]
    assert store.logs(query()).rows[0].attributes == {"deep": [{"n": 2.0**70}]}


def test_health_says_what_is_stored(backend: EventBackend) -> None:
    health = backend.health()
    assert health.ok and health.stats
