"""What is done about outputs that tiers 0 and 1 leave undecided: the encoder, then the judge."""

from __future__ import annotations

import hashlib

import msgspec

from engines import hallucination as engine
from engines.hallucination import HallucinationResult
from engines.hallucination.encoder import encoder_missing
from engines.hallucination.result import JudgeUse
from engines.sentence import say
from services.judging import JudgeDesk
from services.workspace import Workspace

EXPECTED_SHARE = 0.1
"""Share of outputs in production expected to be unsupported: a policy. The combiner was trained on
data where 68 % were, and would otherwise doubt most correct paraphrases."""
_KEPT_S = 86_400.0


def is_open(result: HallucinationResult) -> bool:
    """Say whether a later tier could still decide a sentence of this result."""
    return result.basis == "context" and any(
        s.verdict == "undecided" and s.checkable for s in result.sentences
    )


class Deeper:
    """Tiers 2 and 3 for one run over a model's outputs, with bounded effort."""

    def __init__(self, ws: Workspace, desk: JudgeDesk | None, *, max_encoded: int) -> None:
        self._ws = ws
        self._desk = desk
        self._missing = encoder_missing()
        self._left = 0 if self._missing else max_encoded
        self._waiting = 0
        self._judged = 0
        self._refused: dict[str, None] = {}

    @classmethod
    def on_record(cls, ws: Workspace) -> Deeper:
        """Return one that uses what earlier runs found and computes nothing: for pages."""
        desk = None if ws.judging is None else JudgeDesk(ws, ws.judging, 0)
        return cls(ws, desk, max_encoded=0)

    def decide(
        self, result: HallucinationResult, output: str, context: list[str]
    ) -> HallucinationResult:
        """Return the result after the tiers that it still needs and that there is effort for."""
        if not is_open(result):
            return result
        if self._missing is None:
            encoded = self._encode(result, output, context)
            if encoded is None:
                return result
            result = encoded
        if self._desk is None or not is_open(result):
            return result
        result = self._desk.decide(result, context)
        if result.judge is not None:
            self._judged += result.judge.n_judged
            self._refused |= dict.fromkeys(result.judge.refused)
        return result

    def _encode(
        self, result: HallucinationResult, output: str, context: list[str]
    ) -> HallucinationResult | None:
        """Return what the encoder finds, None when the run's effort is used up."""
        key = f"{self._ws.tenant}/encoded/{_fingerprint(result, output, context)}"
        kept = self._ws.cache.get(key, HallucinationResult)
        if kept is not None:
            return kept
        if self._left < 1:
            self._waiting += 1
            return None
        self._left -= 1
        found = engine.detect(output, context, prevalence=EXPECTED_SHARE, max_tier=2)
        self._ws.cache.put(key, found, HallucinationResult, fresh_s=_KEPT_S)
        return found

    def notes(self) -> tuple[str, ...]:
        """Return what the reader must know of the effort."""
        found: list[str] = [self._missing] if self._missing else []
        if self._waiting:
            found.append(
                say(
                    "findings.encoder_waits",
                    "Undecided outputs that wait for the encoder's next run: {n, number}.",
                    n=self._waiting,
                )
            )
        return tuple(found)

    def judge_use(self) -> JudgeUse | None:
        """Return the account of the judge for the whole run; None when none is set up."""
        desk = self._desk
        if desk is None:
            return None
        return desk.use(desk.n_asked, desk.n_kept, self._judged, tuple(self._refused)[:10])


def _fingerprint(result: HallucinationResult, output: str, context: list[str]) -> str:
    """Return a hash of what the encoder's result depends on."""
    text = msgspec.json.encode([result.model_version, output, context])
    return hashlib.sha256(text).hexdigest()
