"""Whether a model's outputs are supported by what they were given: per output and as a rate."""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import Any, Literal

import msgspec
import numpy as np

from engines import hallucination as engine
from engines.hallucination import HallucinationResult
from engines.hallucination.result import JudgeUse
from engines.result import Insufficient, Interval
from engines.sentence import say
from services.computed import Computed, attempt, latest, remember
from services.errors import Invalid
from services.history import keep, store_numbers
from services.identity import permitted
from services.judging import JudgeDesk, open_desk, without_judge
from services.models import get_model
from services.sides import choose_current
from services.undecided import EXPECTED_SHARE, Deeper, is_open
from services.workspace import Workspace

_COLUMNS = ("output", "context", "prompt", "samples")
MAX_OUTPUTS = 300
"""Newest outputs checked at each refresh; at 300 a rate is known within 6 points."""
MAX_EXAMPLES = 25
MAX_TO_ANALYZE = 100
MAX_ENCODED = 20
"""Undecided outputs that one run sends through the encoder, at about 0.06 CPU s each; results are
kept, so the next refresh goes on with the next ones."""
MAX_JUDGED = 5
"""Questions to the judge in one refresh of a model; the daily budget of the tenant comes on top."""
_Z90 = 1.6449


class Example(msgspec.Struct, frozen=True):
    """One checked output, riskiest first, with what was found in it."""

    inference_id: str
    timestamp_ms: int
    prompt: str | None
    output: str
    context: list[str]
    result: HallucinationResult


class ModelHallucination(msgspec.Struct, frozen=True):
    """Risk of a model over a window: means over outputs, with intervals, and the worst cases."""

    risk_level: Literal["low", "medium", "high"]
    hallucination_risk: float
    risk_interval: Interval
    grounding_score: float
    factuality_index: float | None
    high_risk_share: float
    checked: int
    unchecked: int
    examples: tuple[Example, ...]
    sentences_by_tier: dict[str, int] = {}  # decided sentences by the tier that decided
    undecided: int = 0  # checkable sentences that no tier decided
    notes: tuple[str, ...] = ()
    judge: JudgeUse | None = None


HallucinationAnswer = Computed[ModelHallucination]


class ToAnalyze(msgspec.Struct, frozen=True):
    """An output to check now."""

    output: str
    context: str | list[str] | None = None
    samples: list[str] | None = None
    logprobs: list[tuple[str, dict[str, float]]] | None = None
    prompt: str | None = None
    task: Literal["dialogue", "claim", "page", "summary"] | None = None
    prevalence: float | None = None
    judge: bool = False


@permitted("content:read")
def analyze_outputs(ws: Workspace, items: list[ToAnalyze]) -> list[HallucinationResult]:
    """Check outputs that a caller hands in; of them only a judge's answers are stored.

    The judge costs the tenant's budget, so asking for it needs `analysis:run`.
    """
    if not 1 <= len(items) <= MAX_TO_ANALYZE:
        raise Invalid(f"send 1 to {MAX_TO_ANALYZE} outputs, got {len(items)}")
    asks = any(item.judge for item in items)
    desk = open_desk(ws, max_calls=MAX_TO_ANALYZE) if asks else None
    left = MAX_ENCODED
    found = []
    for item in items:
        result = _analyze(item, max_tier=1)
        if left and is_open(result):
            left -= 1
            result = _analyze(item, max_tier=2)
        if item.judge:
            result = _judge(item, result, desk)
        found.append(result)
    return found


def _analyze(item: ToAnalyze, *, max_tier: int) -> HallucinationResult:
    return engine.detect(
        item.output,
        item.context,
        samples=item.samples,
        logprobs=item.logprobs,
        prompt=item.prompt,
        task=item.task,
        prevalence=_share(item.prevalence),
        max_tier=max_tier,
    )


def _judge(
    item: ToAnalyze, result: HallucinationResult, desk: JudgeDesk | None
) -> HallucinationResult:
    if desk is None:
        return without_judge(result)
    return desk.decide(result, item.context or "")


def _share(given: float | None) -> float:
    if given is None:
        return EXPECTED_SHARE
    if not 0 < given < 1:
        raise Invalid(f"prevalence is a share between 0 and 1, got {given}")
    return given


@permitted("models:read")
def get_hallucination(ws: Workspace, model_id: str) -> HallucinationAnswer:
    """Return the latest rates of a model; the outputs behind them need `content:read`."""
    answer = _latest(ws, model_id)
    if answer.result is None:
        return answer
    bare = msgspec.structs.replace(answer.result, examples=())
    return msgspec.structs.replace(answer, result=bare)


@permitted("content:read")
def get_hallucination_examples(ws: Workspace, model_id: str) -> HallucinationAnswer:
    """Return the latest result of a model with its riskiest outputs, marked."""
    return _latest(ws, model_id)


def _latest(ws: Workspace, model_id: str) -> HallucinationAnswer:
    get_model(ws, model_id)
    return latest(
        ws,
        "hallucination",
        model_id,
        HallucinationAnswer,
        lambda: _compute(ws, model_id, Deeper.on_record(ws)),
    )


@permitted("analysis:run")
def detect_hallucination(
    ws: Workspace, model_id: str, *, go_deeper: bool = True
) -> HallucinationAnswer:
    """Check the newest outputs now, keep the result and its history, and return it.

    Without `go_deeper` nothing new is sent to the encoder or the judge.
    """
    deeper = Deeper.on_record(ws)
    if go_deeper:
        desk = open_desk(ws, max_calls=MAX_JUDGED)
        deeper = Deeper(ws, desk, max_encoded=MAX_ENCODED)
    answer = _compute(ws, model_id, deeper)
    found = answer.result
    if found is not None:
        numbers: list[tuple[str, dict[str, str], float]] = [
            ("aiobs_hallucination_risk", {}, found.hallucination_risk),
            ("aiobs_grounding_score", {}, found.grounding_score),
        ]
        store_numbers(ws, model_id, answer.computed_at_ms, numbers)
        keep(ws, "hallucination", model_id, answer.computed_at_ms, answer)
    return remember(ws, "hallucination", model_id, answer, HallucinationAnswer)


def _compute(ws: Workspace, model_id: str, deeper: Deeper) -> HallucinationAnswer:
    rows, window = choose_current(ws, model_id, _COLUMNS, limit=MAX_OUTPUTS)
    result, insufficient = attempt(
        lambda: _check(rows.inference_ids, rows.timestamps_ms, rows.columns, deeper)
    )
    return Computed(
        model_id=model_id,
        computed_at_ms=ws.now_ms(),
        window=window,
        reference=None,
        n_reference=0,
        n_current=len(rows),
        method=say("methods.grounding", "lexical rules and trained combiner on the newest outputs"),
        result=result,
        insufficient=insufficient,
    )


def _check(
    ids: Any,  # object array of text
    times: Any,  # int64 array
    columns: dict[str, Any],  # object arrays
    deeper: Deeper,
) -> ModelHallucination | Insufficient:
    outputs = columns.get("output", ())
    contexts = columns.get("context", [None] * len(outputs))
    examples: list[Example] = []
    for i in reversed(range(len(outputs))):  # newest first: they take the effort there is
        output = outputs[i]
        if output and contexts[i]:
            found = _detect(output, tuple(contexts[i]))
            found = deeper.decide(found, output, list(contexts[i]))
            if found.probability is not None:
                prompt = columns["prompt"][i] if "prompt" in columns else None
                examples.append(
                    Example(ids[i], int(times[i]), prompt, output, list(contexts[i]), found)
                )
    if not examples:
        return Insufficient(
            say(
                "reasons.no_passages",
                "no output came with the passages it was given: send `output` and `context`",
            )
        )
    summary = _summarise(examples, len(outputs) - len(examples))
    return msgspec.structs.replace(summary, notes=deeper.notes(), judge=deeper.judge_use())


@lru_cache(maxsize=2_000)
def _detect(output: str, context: tuple[str, ...]) -> HallucinationResult:
    """Check one output once: neighbouring refreshes share most of their outputs."""
    return engine.detect(output, list(context), prevalence=EXPECTED_SHARE)


def _summarise(examples: list[Example], unchecked: int) -> ModelHallucination:
    risk = np.array([e.result.probability for e in examples], dtype=float)
    n = len(risk)
    mean = float(risk.mean())
    spread = float(risk.std(ddof=1)) if n > 1 else 0.5
    # A handful of equal scores has no spread of its own: never narrower than a fair coin's share.
    half = _Z90 * max(spread, 0.5 / math.sqrt(n)) / math.sqrt(n)
    factual = [f for e in examples if (f := e.result.factuality_index) is not None]
    order = sorted(examples, key=lambda e: (-(e.result.probability or 0.0), e.inference_id))
    checkable = [s for e in examples for s in e.result.sentences if s.checkable]
    tiers = Counter(str(s.tier) for s in checkable if s.verdict != "undecided")
    level: Literal["low", "medium", "high"] = (
        "low" if mean <= 0.35 else "medium" if mean < 0.65 else "high"
    )
    return ModelHallucination(
        risk_level=level,
        hallucination_risk=mean,
        risk_interval=Interval(max(0.0, mean - half), min(1.0, mean + half), 0.9),
        grounding_score=1 - mean,
        factuality_index=float(np.mean(factual)) if factual else None,
        high_risk_share=float(np.mean([e.result.risk_level == "high" for e in examples])),
        checked=n,
        unchecked=unchecked,
        examples=tuple(order[:MAX_EXAMPLES]),
        sentences_by_tier=dict(sorted(tiers.items())),
        undecided=len(checkable) - tiers.total(),
    )
