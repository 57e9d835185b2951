"""Traces in one line each and calls between services, over every event back end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.errors import Refused
from connectors.protocols import EventBackend, EventStore, TraceHead, TraceQuery
from tests.connectors.event_backends import BACKENDS, T0, span


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EventBackend]:
    opened = BACKENDS[request.param](tmp_path)
    yield opened
    opened.close()


def listed(store: EventStore, **filters: object) -> list[str]:
    asked = {"start_ms": T0 - 1_000, "end_ms": T0 + 100_000} | filters
    return [head.trace_id for head in store.traces(TraceQuery(**asked)).rows]  # type: ignore[arg-type]


def some_traces(store: EventStore) -> None:
    """Three traces: `slow` (its root comes last), `bad` (one error) and `late`."""
    store.add_spans([
        span("s2", "db", "s1", trace_id="slow", start_ms=T0 + 10.0, duration_ms=400.0, name="sql"),
        span("b1", "web", trace_id="bad", start_ms=T0 + 20.0, duration_ms=5.0, name="GET /",
             is_error=True, model_id="m"),
    ])  # fmt: skip
    store.add_spans([
        span("s1", "web", trace_id="slow", start_ms=T0 + 5.0, duration_ms=500.0, name="POST /"),
        span("l1", "api", trace_id="late", start_ms=T0 + 30.0, duration_ms=50.0, name="tick"),
    ])  # fmt: skip


def test_a_trace_in_one_line_is_named_by_its_root(backend: EventBackend) -> None:
    store = backend.scoped("t")
    some_traces(store)
    found = {head.trace_id: head for head in store.traces(TraceQuery(T0, T0 + 1_000)).rows}
    assert found["slow"] == TraceHead("slow", "POST /", "web", T0 + 5.0, 500.0, 2, 0)
    assert found["bad"] == TraceHead("bad", "GET /", "web", T0 + 20.0, 5.0, 1, 1, "m")
    assert backend.scoped("other").traces(TraceQuery(T0, T0 + 1_000)).rows == []


def test_a_span_sent_twice_is_counted_once_in_its_trace(backend: EventBackend) -> None:
    store = backend.scoped("t")
    some_traces(store)
    some_traces(store)
    assert [head.spans for head in store.traces(TraceQuery(T0, T0 + 1_000)).rows] == [1, 1, 2]


def test_traces_are_sorted_and_filtered(backend: EventBackend) -> None:
    store = backend.scoped("t")
    some_traces(store)
    assert listed(store) == ["late", "bad", "slow"]
    assert listed(store, order="slowest") == ["slow", "late", "bad"]
    assert listed(store, only_errors=True) == ["bad"]
    assert listed(store, min_duration_ms=50.0) == ["late", "slow"]
    assert listed(store, service="db") == ["slow"]
    assert listed(store, model_id="m") == ["bad"]
    assert listed(store, end_ms=T0 + 20) == ["slow"]


@pytest.mark.parametrize("order", ["newest", "slowest"])
def test_pages_of_traces_continue_where_they_ended(backend: EventBackend, order: Any) -> None:
    store = backend.scoped("t")
    store.add_spans([
        span(f"s{i}", "web", trace_id=f"t{i}", start_ms=T0 + i // 2, duration_ms=float(i // 3))
        for i in range(10)
    ])  # fmt: skip
    whole = listed(store, order=order)
    seen, cursor = [], None
    while True:
        page = store.traces(TraceQuery(T0, T0 + 1_000, order=order, limit=3, cursor=cursor))
        seen += [head.trace_id for head in page.rows]
        cursor = page.cursor
        if cursor is None:
            break
    assert seen == whole and len(set(whole)) == 10
    for wrong in ("", "x", "00", "5b5d"):
        with pytest.raises(Refused):
            store.traces(TraceQuery(T0, T0 + 1, cursor=wrong))


@pytest.mark.parametrize("order", ["parent first", "child first", "one batch"])
def test_edges_do_not_depend_on_the_order_of_spans(backend: EventBackend, order: str) -> None:
    store = backend.scoped("t")
    root = span("1", "app", kind="server", duration_ms=30.0)
    call = span("2", "app", "1", kind="client", duration_ms=20.0)
    served = span("3", "db", "2", kind="server", is_error=True)
    batches = {
        "parent first": [[root], [call], [served]],
        "child first": [[served], [call], [root]],
        "one batch": [[served, root, call]],
    }
    for batch in batches[order]:
        store.add_spans(batch)
        store.add_spans(batch)
    found = {(e.caller, e.callee): e for e in store.service_edges(T0, T0 + 60_000)}
    assert set(found) == {("", "app"), ("app", "db")}
    edge = found["app", "db"]
    assert (edge.minute_ms.tolist(), edge.calls.tolist(), edge.errors.tolist()) == ([T0], [1], [1])
    assert (edge.duration_ms.tolist(), edge.client_ms.tolist()) == ([10.0], [20.0])


def test_edges_add_up_over_longer_steps(backend: EventBackend) -> None:
    store = backend.scoped("t")
    for minute in (0, 1, 5):
        root = span(f"{minute}", "app", kind="server", duration_ms=10.0)
        moved = msgspec.structs.replace(root, start_ms=root.start_ms + minute * 60_000)
        store.add_spans([moved])
    window = (T0, T0 + 6 * 60_000)
    [single] = store.service_edges(*window)
    [stepped] = store.service_edges(*window, step_ms=180_000)
    [whole] = store.service_edges(*window, step_ms=None)
    assert single.calls.tolist() == [1, 1, 1]
    assert (stepped.minute_ms.tolist(), stepped.calls.tolist()) == ([T0, T0 + 180_000], [2, 1])
    assert (whole.minute_ms.tolist(), whole.duration_ms.tolist()) == ([T0], [30.0])


def test_a_span_whose_parent_never_comes_counts_as_an_entry(backend: EventBackend) -> None:
    store = backend.scoped("t")
    store.add_spans([span("9", "app", "unseen", kind="server")])
    assert store.service_edges(T0, T0 + 60_000) == []
    backend.maintain(T0 + 3_600_000)
    assert [e.caller for e in store.service_edges(T0, T0 + 60_000)] == [""]
