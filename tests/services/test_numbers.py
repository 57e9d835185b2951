"""The numbers one can ask about: found by words, and each read alone as all are read together."""

from __future__ import annotations

import numpy as np
import pytest
from flask.testing import FlaskClient

from connectors.telemetry import Span
from i18n import speaking
from pages import focus
from services.errors import Malformed
from services.numbers import find_numbers
from services.scene import read_node, read_scene
from services.times import HOUR_MS, Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import Send, scored_rows

WINDOW = Window(NOW_MS - 3 * HOUR_MS, NOW_MS)


@pytest.fixture
def two_models(workspace: Workspace, send: Send) -> None:
    """Two models with rows of their own, and a service that both call."""
    for name, seed in (("risk", 1), ("churn", 2)):
        send(scored_rows(name, count=300, hours=3, seed=seed))
    spans = [
        Span(
            trace_id=f"{i:032x}", span_id=f"{i:016x}", parent_span_id="", name="get",
            service="store", start_ms=NOW_MS - i * 60_000.0, duration_ms=5.0 + i % 3,
            kind="server",
        )
        for i in range(1, 90)
    ]  # fmt: skip
    workspace.events.add_spans(spans)


@pytest.mark.usefixtures("two_models")
def test_a_node_read_alone_has_what_it_has_in_the_scene(workspace: Workspace) -> None:
    whole = read_scene(workspace, WINDOW).metrics
    nodes = {key[0] for key in whole}
    assert {"risk", "churn", "store"} <= nodes
    for node in sorted(nodes):
        alone = read_node(workspace, WINDOW, node)
        assert alone.keys() == {key for key in whole if key[0] == node}
        for key, series in alone.items():
            np.testing.assert_array_equal(series.times_s, whole[key].times_s)
            np.testing.assert_array_equal(series.values, whole[key].values)


def test_tokens_read_and_written_are_two_numbers(workspace: Workspace, send: Send) -> None:
    rows = scored_rows("writer", count=100, hours=2, seed=1)
    send([row | {"input_tokens": 30, "output_tokens": 5} for row in rows])
    metrics = read_scene(workspace, WINDOW).metrics
    sent = np.nansum(metrics["writer", "requests"].values)
    for metric, each in (("input_tokens", 30), ("output_tokens", 5)):
        assert np.nansum(metrics["writer", metric].values) == each * sent > 0


@pytest.mark.usefixtures("two_models")
def test_numbers_are_found_by_words_of_their_names(
    workspace: Workspace, client: FlaskClient
) -> None:
    every = find_numbers(workspace, limit=200, patience_s=60)
    assert every.is_complete and every.total == len(every.rows) > 8
    assert [(one.node, one.metric) for one in every.rows] == sorted(
        (one.node, one.metric) for one in every.rows
    )
    found = find_numbers(workspace, "RISK lat")
    assert [(one.node, one.metric) for one in found.rows] == [("risk", "latency_ms")]
    first = find_numbers(workspace, limit=2)
    assert (first.rows, first.total) == (every.rows[:2], every.total)
    said = client.get("/api/causal/numbers?search=latence risk&lang=fr").get_json()["data"]
    assert [one["label"] for one in said["rows"]] == ["Latence · risk"]
    with pytest.raises(Malformed):
        find_numbers(workspace, limit=0)


@pytest.mark.parametrize(
    ("asked", "label"),
    [("node=a&metric=cost", "Cost · a"), ("node=a&metric=cost&change=0.2", "Cost · a +20%")],
)
def test_what_the_address_asks_about_is_among_the_choices(asked: str, label: str) -> None:
    with speaking("en"):
        assert focus.options((), (), asked) == [{"value": asked, "label": label}]
