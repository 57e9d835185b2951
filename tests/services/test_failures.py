"""Failing traces are gathered where the failure began."""

from __future__ import annotations

from connectors.telemetry import Span
from services.failures import list_failures
from services.times import Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Row, Send

HOUR = Window(NOW_MS - HOUR_MS, NOW_MS)


def trace(name: str, failing: str, minutes_ago: float = 5) -> list[Span]:
    """A gateway calls a model that reads a store; the failure runs up from `failing`."""
    path = ["gateway", "model", "store"]
    depth = path.index(failing)
    start = NOW_MS - minutes_ago * 60_000
    return [
        Span(
            trace_id=name, span_id=f"{name}{k}", parent_span_id=f"{name}{k - 1}" if k else "",
            name="call", service=service, start_ms=start + k, duration_ms=100.0 - 2 * k,
            kind="server", is_error=k <= depth, status_message="timeout" if k == depth else "",
        )
        for k, service in enumerate(path)
    ]  # fmt: skip


def test_a_failure_is_counted_where_it_began(workspace: Workspace) -> None:
    for k in range(3):
        workspace.events.add_spans(trace(f"a{k}", "store", 5 + k))
    workspace.events.add_spans(trace("b0", "gateway", 1))
    found = list_failures(workspace, HOUR)
    assert [(p.service, p.traces) for p in found.places] == [("store", 3), ("gateway", 1)]
    store = found.places[0]
    assert (store.trace_id, store.message, store.duration_ms) == ("a0", "timeout", 100.0)


def test_a_model_sees_the_traces_of_its_failed_requests(workspace: Workspace, send: Send) -> None:
    workspace.events.add_spans(trace("mine", "model"))
    workspace.events.add_spans(trace("other", "store"))
    row: Row = {
        "inference_id": "1", "model_id": "m", "timestamp": NOW_MS / 1_000 - 300,
        "error": "timeout", "trace_id": "mine",
    }  # fmt: skip
    send([row])
    assert [p.trace_id for p in list_failures(workspace, HOUR, "m").places] == ["mine"]


def test_nothing_fails_on_an_empty_hub(workspace: Workspace) -> None:
    assert list_failures(workspace, HOUR).places == []
