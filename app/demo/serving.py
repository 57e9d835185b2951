"""Serves requests as the fleet's models do: what customers ask, what is answered, what it costs."""

from __future__ import annotations

import time
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.demo.assistant import MISTAKE_SHARE, Answer, Assistant
from app.demo.incidents import Weather
from app.demo.pathway import plan
from app.demo.predictors import Predictor
from app.demo.visitors import visit

REGIONS = ("eu-west-1", "eu-central-1", "us-east-1")
SEGMENTS = ("consumer", "business")
LABELLED_SHARE = 0.8
PRICE_IN, PRICE_OUT = 0.5e-6, 1.5e-6  # US dollars a token
KWH_A_TOKEN = 2.0e-7
TEXT_MODELS = ("support-assistant", "ticket-summary")
OLD_MISTAKE_SHARE = 0.14
"""Of the assistant's version before its last deployment: what the new one improved on."""
MS_A_TOKEN = 4.0
GUARD_LOG_MS = 2.5  # a median of 12 ms

Row = dict[str, Any]  # an Inference as JSON
NO_CASE = 1 << 62


def case_of(inference_id: str) -> int:
    """Return the case that a request was about; one beyond all where the id names none.

    >>> case_of("wine-grader-1795908470312-17-9cc0d768")
    17
    """
    parts = inference_id.rsplit("-", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdecimal() else NO_CASE


def becomes_known(inference_id: str) -> bool:
    """Return whether the truth of a request becomes known: of four in five, by its id.

    >>> round(sum(becomes_known(f"m-1-2-{n:x}") for n in range(10_000)) / 10_000, 1)
    0.8
    """
    return zlib.crc32(inference_id.encode()) < LABELLED_SHARE * (1 << 32)


@dataclass(slots=True)
class Served:
    """One answered request: the inference to send, its way through the services, a later label."""

    row: Row
    hop: Any  # app.demo.pathway.Hop
    label: Any = None  # as the label route takes it
    is_supported: bool | None = None  # whether a text answer holds; what its reader notices


@dataclass(slots=True)
class Desk:
    """Answers requests for every model of the fleet."""

    predictors: list[Predictor]
    rng: np.random.Generator
    assistant: Assistant = field(default_factory=Assistant)
    deployed_s: float = 0.0  # when the assistant's present version took over

    def predict(
        self, model: Predictor, times_s: NDArray[np.float64], wrong: list[Weather]
    ) -> list[Served]:
        """Answer one request at each time, under the weather of that time."""
        picked = np.array([self._pick(model, now) for now in wrong])
        rows = model.rows[picked].copy()
        for i, now in enumerate(wrong):
            if now.dead_sensor and model.model_id == "tumour-screening":
                rows[i, 1] = rows[i, 6] = 0.0
        answers = model.answer(rows)
        served = []
        for i, (at, now) in enumerate(zip(times_s, wrong, strict=True)):
            model_ms = float(self.rng.choice(model.latencies_ms))
            hop = plan(self.rng, "tabular", model.model_id, model_ms, now)
            row = self._row(
                model.model_id, model.version, float(at), hop.total_ms, hop.failed,
                case=f"{picked[i]}-",
            )  # fmt: skip
            row |= {"cost": model.cost, "currency": "USD", "energy_kwh": model.energy_kwh}
            row["features"] = dict(zip(model.feature_names, rows[i].tolist(), strict=True))
            if not hop.failed:
                row |= answers[i]
            known = not hop.failed and becomes_known(row["inference_id"])
            served.append(Served(row, hop, model.label(int(picked[i])) if known else None))
        return served

    def write(self, model_id: str, at_s: float, now: Weather) -> Served:
        """Answer one text request."""
        started = time.perf_counter()
        is_old = model_id == "support-assistant" and at_s < self.deployed_s
        answer, verdict = self._compose(model_id, now, is_old), ""
        if model_id == "support-assistant":
            answer, verdict = visit(self.rng, answer)
        worked_ms = (time.perf_counter() - started) * 1_000
        tokens = answer.output_tokens
        hop = plan(self.rng, "text", model_id, worked_ms + tokens * MS_A_TOKEN, now)
        version = "2026-09" if is_old else "2026-10"
        row = self._row(model_id, version, at_s, hop.total_ms, failed=False)
        row |= {
            "prompt": answer.prompt,
            "context": answer.context,
            "output": answer.output,
            "input_tokens": answer.input_tokens,
            "output_tokens": tokens,
            "cost": answer.input_tokens * PRICE_IN + tokens * PRICE_OUT,
            "currency": "USD",
            "energy_kwh": tokens * KWH_A_TOKEN,
        }
        if verdict:
            took_ms = round(float(self.rng.lognormal(GUARD_LOG_MS, 0.4)), 1)
            row["tags"] |= {"guardrail": verdict, "guardrail_ms": str(took_ms)}
        return Served(row, hop, is_supported=answer.is_supported)

    def _compose(self, model_id: str, now: Weather, is_old: bool) -> Answer:
        if model_id == "support-assistant":
            share = OLD_MISTAKE_SHARE if is_old else MISTAKE_SHARE
            can_search = not now.retrieval_down
            return self.assistant.ask(self.rng, mistake_share=share, has_retrieval=can_search)
        answer = self.assistant.summarise(self.rng)
        longer = " ".join([answer.output] * now.token_factor)
        return Answer(answer.prompt, answer.context, longer, answer.is_supported)

    def _pick(self, model: Predictor, now: Weather) -> int:
        """Choose whom the request is about; a shifted population is the upper third by one
        feature."""
        if now.shifted_population and model.model_id == "visit-risk":
            order = np.argsort(model.rows[:, 6], kind="stable")
            return int(order[self.rng.integers(2 * len(order) // 3, len(order))])
        return int(self.rng.integers(len(model.rows)))

    def _row(
        self, model_id: str, version: str, at_s: float, latency_ms: float, failed: bool,
        case: str = "",
    ) -> Row:  # fmt: skip
        serial = self.rng.integers(1 << 62)
        row: Row = {
            "inference_id": f"{model_id}-{int(at_s * 1_000)}-{case}{serial:x}",
            "model_id": model_id,
            "model_version": version,
            "timestamp": at_s,
            "latency_ms": round(latency_ms, 3),
            "region": REGIONS[self.rng.integers(len(REGIONS))],
            "user_segment": SEGMENTS[self.rng.integers(len(SEGMENTS))],
            "tags": {"sample": "true"},
        }
        if failed:
            row["error"] = "feature store timed out"
        return row
