"""How a language model writes: tokens a second, time to first token, answers that were refused."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from connectors.selector import select
from engines.reliability import wilson
from engines.result import Insufficient, Interval
from engines.sentence import say
from services.histograms import NO_BUCKETS, bucket_counts, percentiles
from services.identity import permitted
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

FIRST_TOKEN = "gen_ai_server_time_to_first_token"
"""OpenTelemetry's histogram `gen_ai.server.time_to_first_token`, in seconds."""
MAX_ROWS = 5_000
MIN_ANSWERS = 10
REFUSALS = frozenset({"blocked", "block", "denied", "deny", "refused"})
_COLUMNS = ("output_tokens", "latency_ms", "error", "tags")


class Percentiles(msgspec.Struct, frozen=True):
    """Median and the slow end of something measured, over n answers."""

    p50: float
    p95: float
    n: int


class Refused(msgspec.Struct, frozen=True):
    """Answers that a guardrail refused, of all, where guardrails say anything at all."""

    refused: int
    n: int
    share: float
    interval: Interval


class Generation(msgspec.Struct, frozen=True):
    """What passed in a window; `tokens_per_s.p95` is the speed that 95 of 100 answers exceed."""

    window: Window
    computed_at_ms: int
    tokens_per_s: Percentiles | Insufficient
    first_token_ms: Percentiles | Insufficient
    refused: Refused | Insufficient


@permitted("metrics:read")
def get_generation(
    ws: Workspace, window: Window, model_id: str, *, version: str | None = None
) -> Generation:
    """Return speed, time to first token and refusals of a model's newest answers in a window."""
    rows = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=_COLUMNS, version=version, limit=MAX_ROWS
    )
    return Generation(
        window, ws.now_ms(), _speed(rows), _first_token(ws, window, model_id), _refusals(rows)
    )


def _speed(rows: InferenceColumns) -> Percentiles | Insufficient:
    tokens = _floats(rows.columns.get("output_tokens"), len(rows))
    taken_s = _floats(rows.columns.get("latency_ms"), len(rows)) / 1_000
    answered = np.isfinite(tokens) & (tokens > 0) & (taken_s > 0)
    n = int(answered.sum())
    if n < MIN_ANSWERS:
        reason = say(
            "reasons.few_token_counts",
            "tokens a second need {needed, number} answers with `output_tokens` and `latency_ms`, "
            "got {got, number}",
            needed=MIN_ANSWERS,
            got=n,
        )
        return Insufficient(reason, needed=MIN_ANSWERS, got=n)
    p50, slow = np.percentile(tokens[answered] / taken_s[answered], [50, 5])
    return Percentiles(float(p50), float(slow), n)


def _refusals(rows: InferenceColumns) -> Refused | Insufficient:
    tags = rows.columns.get("tags", np.array([], dtype=object))
    verdicts = [
        str(one["guardrail"]).lower()
        for one in tags
        if isinstance(one, dict) and "guardrail" in one
    ]
    if not verdicts:
        return Insufficient(
            say(
                "reasons.no_guardrail_tag",
                "no answer says what a guardrail decided: send the tag `guardrail`",
            )
        )
    # Many guardrails speak only when they step in: an answer without their tag was not refused.
    refused, n = sum(verdict in REFUSALS for verdict in verdicts), len(rows)
    found = wilson(refused, n, 0.95)
    return Refused(refused, n, refused / n, Interval(found.low, found.high, found.level))


def _first_token(ws: Workspace, window: Window, model_id: str) -> Percentiles | Insufficient:
    step = max(MINUTE_MS, window.length_ms // 1_000 // MINUTE_MS * MINUTE_MS)
    first = select(FIRST_TOKEN, {"gen_ai_request_model": model_id})
    _, bounds, steps = bucket_counts(ws, first, window, step).get((), NO_BUCKETS)
    counts = steps.sum(axis=0, keepdims=True)
    n = int(counts[0, -1]) if counts.size else 0
    if n < MIN_ANSWERS:
        reason = say(
            "reasons.no_first_token",
            "send the OpenTelemetry histogram `gen_ai.server.time_to_first_token` with "
            "`gen_ai.request.model`: {needed, number} answers are needed, got {got, number}",
            needed=MIN_ANSWERS,
            got=n,
        )
        return Insufficient(reason, needed=MIN_ANSWERS, got=n)
    p50, p95 = (float(percentiles(q, bounds, counts)[0]) * 1_000 for q in (0.5, 0.95))
    return Percentiles(p50, p95, n)


def _floats(values: Any, size: int) -> NDArray[np.float64]:  # a column of the store, or None
    if values is None:
        return np.full(size, np.nan)
    return np.asarray(values, dtype=np.float64)
