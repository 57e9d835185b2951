"""Speed of answers, time to first token and refusals, against hand counts."""

from __future__ import annotations

import numpy as np
import pytest

from connectors.telemetry import MetricBatch, Series
from engines.result import Insufficient
from services.generation import FIRST_TOKEN, Percentiles, Refused, get_generation
from services.times import Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Row, Send

HOUR = Window(NOW_MS - HOUR_MS, NOW_MS)


def answers(n: int = 40) -> list[Row]:
    """Answers of 100 tokens in 1 s and in 2 s by turns; every fourth was blocked."""
    return [
        {
            "inference_id": f"g{i}", "model_id": "bot", "timestamp": NOW_MS / 1_000 - 60 - i,
            "output": "So.", "output_tokens": 100, "latency_ms": 1_000.0 * (1 + i % 2),
            "tags": {"guardrail": "blocked" if i % 4 == 0 else "allowed"},
        }
        for i in range(n)
    ]  # fmt: skip


def first_tokens(ws: Workspace, *, delta: bool) -> None:
    """Thirty answers below 0.1 s and ten between 0.1 s and 0.2 s, in two exports."""
    labels = {"gen_ai_request_model": "bot"} | ({"temporality": "delta"} if delta else {})
    series = [
        Series(f"{FIRST_TOKEN}_bucket", {**labels, "le": le}) for le in ("0.1", "0.2", "+Inf")
    ]
    exports = (
        [[15.0, 20.0, 20.0]] * 2 if delta else [[0.0] * 3, [15.0, 20.0, 20.0], [30.0, 40.0, 40.0]]
    )
    for k, counts in enumerate(exports):
        at = NOW_MS - (10 - k) * 60_000 - 30_000
        ws.metrics.append(
            MetricBatch(
                series, np.arange(3, dtype=np.int32), np.full(3, at, dtype=np.int64),
                np.array(counts),
            )
        )  # fmt: skip


def test_tokens_a_second_are_tokens_over_the_whole_latency(
    workspace: Workspace, send: Send
) -> None:
    send(answers())
    found = get_generation(workspace, HOUR, "bot").tokens_per_s
    assert found == Percentiles(pytest.approx(75.0), pytest.approx(50.0), 40)


def test_a_refusal_is_what_a_guardrail_refused(workspace: Workspace, send: Send) -> None:
    rows = answers()
    for row in rows[1::2]:
        del row["tags"]  # a guardrail that speaks only when it steps in
    send(rows)
    found = get_generation(workspace, HOUR, "bot").refused
    assert isinstance(found, Refused)
    assert (found.refused, found.n, found.share) == (10, 40, 0.25)


@pytest.mark.parametrize("delta", [True, False])
def test_time_to_first_token_comes_from_the_buckets(
    workspace: Workspace, send: Send, delta: bool
) -> None:
    send(answers())
    first_tokens(workspace, delta=delta)
    found = get_generation(workspace, HOUR, "bot").first_token_ms
    assert isinstance(found, Percentiles)
    # Rank 20 of 40 lies two thirds into the first bucket, rank 38 eight tenths into the second.
    assert (found.p50, found.p95, found.n) == (pytest.approx(200 / 3), pytest.approx(180.0), 40)


def test_nothing_sent_is_said_with_what_to_send(workspace: Workspace, send: Send) -> None:
    send([{"inference_id": "1", "model_id": "bot", "timestamp": NOW_MS / 1_000 - 60}])
    found = get_generation(workspace, HOUR, "bot")
    lacks = (found.tokens_per_s, found.first_token_ms, found.refused)
    assert all(isinstance(lack, Insufficient) for lack in lacks)
    assert "gen_ai.server.time_to_first_token" in str(found.first_token_ms.reason)  # type: ignore[union-attr]
