"""The judge of undecided sentences: a daily budget per tenant, and no answer paid for twice."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from connectors.errors import ConnectorError
from engines.hallucination import HallucinationResult
from engines.hallucination.judge import Budget, JudgeRequest, judge
from engines.hallucination.result import JudgeUse
from engines.sentence import Sentence, say
from services.identity import permitted
from services.times import DAY_MS
from services.workspace import Judging, Workspace

log = logging.getLogger("aiobs.judge")

MAX_REQUEST_CHARACTERS = 60_000
MAX_WAIT_MS = 60_000
"""A run starts no question after this long: jobs share their lane."""
KEPT_DAYS = 30
"""An answer on record is used for this long; an output seldom comes back later."""
NO_JUDGE = "No judge is set up: AIOBS_JUDGE_URL and AIOBS_JUDGE_MODEL are empty."
_SPENT, _ANSWER = "judge_spent", "judge_answer"


class _Refusal(Exception):
    """No answer was obtained; `why` is for the reader of the result."""

    def __init__(self, why: Sentence) -> None:
        super().__init__(why)
        self.why = why


class JudgeDesk:
    """Puts questions to the judge for one run: at most `max_calls`, until one fails.

    With `max_calls` 0 it reads the answers on record and asks nothing.
    """

    def __init__(self, ws: Workspace, judging: Judging, max_calls: int) -> None:
        self._ws = ws
        self._judging = judging
        self._left_here = max_calls
        self._until_ms = ws.now_ms() + MAX_WAIT_MS
        self._closed: Sentence | None = None
        self.n_asked = 0
        self.n_kept = 0

    def ask(self, request: JudgeRequest) -> str:
        """Return the answer on record, else a new one that is paid for and put on record."""
        text = "\n".join((self._judging.model.model, request.system, request.user))
        identity = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
        kept = self._ws.records.get(_ANSWER, identity)
        if kept is not None:
            self.n_kept += 1
            return str(kept.body["answer"])
        self._pay(request)
        self.n_asked += 1
        try:
            answer = self._judging.model.ask(
                request.system, request.user, max_output_tokens=request.max_output_tokens
            )
        except ConnectorError as error:
            # An outage is waited for once.
            self._closed = say("findings.judge_closed", "Not asked: {why}.", why=str(error))
            log.warning("judge: %s", error)
            why = say("findings.judge_failed", "No judgement: {why}.", why=str(error))
            raise _Refusal(why) from None
        body = {"answer": answer, "day": _day(self._ws)}
        self._ws.records.put(_ANSWER, identity, body)
        return answer

    def _pay(self, request: JudgeRequest) -> None:
        """Take one call from today's budget before it is made, so that no process overspends."""
        if self._closed:
            raise _Refusal(self._closed)
        if self._left_here < 1 or self._ws.now_ms() > self._until_ms:
            raise _Refusal(
                say(
                    "findings.judge_run_full",
                    "Not asked: this run has asked as often or waited as long as it may.",
                )
            )
        if request.characters > MAX_REQUEST_CHARACTERS:
            raise _Refusal(
                say(
                    "findings.judge_too_long",
                    "Not asked: more than {most, number} characters to send.",
                    most=MAX_REQUEST_CHARACTERS,
                )
            )
        day = _day(self._ws)
        with self._ws.records.transaction() as tx:
            record = tx.get(_SPENT, day)
            left = _left(self._judging, record.body if record else {})
            if not left.can_afford(request):
                raise _Refusal(
                    say(
                        "findings.judge_spent",
                        "Not asked: today's budget for the judge is spent.",
                    )
                )
            rest = left.after(request)
            tx.put(_SPENT, day, {
                "calls": self._judging.daily_calls - rest.calls,
                "characters": self._judging.daily_characters - rest.characters,
            })  # fmt: skip
        self._left_here -= 1
        if record is None:
            _forget(self._ws)

    def decide(
        self, result: HallucinationResult, context: str | Sequence[str]
    ) -> HallucinationResult:
        """Return the result with its undecided sentences judged and what that took."""
        asked, kept, judged = self.n_asked, self.n_kept, 0
        refused: tuple[str, ...] = ()
        try:
            done = judge(result, context, self.ask, budget=_PER_OUTPUT)
            result, judged, refused = done.result, done.n_judged, done.refused
        except _Refusal as refusal:
            refused = (refusal.why,)
        use = self.use(self.n_asked - asked, self.n_kept - kept, judged, refused)
        return replace(result, judge=use)

    def use(self, n_asked: int, n_kept: int, n_judged: int, refused: Sequence[str]) -> JudgeUse:
        """Return an account with what the tenant may still spend today."""
        record = self._ws.records.get(_SPENT, _day(self._ws))
        left = _left(self._judging, record.body if record else {})
        return JudgeUse(
            model=self._judging.model.model,
            n_asked=n_asked,
            n_kept=n_kept,
            n_judged=n_judged,
            refused=tuple(refused),
            calls_left=left.calls,
            characters_left=left.characters,
        )


_PER_OUTPUT = Budget(1, MAX_REQUEST_CHARACTERS * 10)
"""One call per output; its size is checked where it is paid for."""


@permitted("analysis:run")
def open_desk(ws: Workspace, *, max_calls: int) -> JudgeDesk | None:
    """Return a desk for at most `max_calls` new questions, which cost the tenant's budget.

    None when no judge is set up.
    """
    return None if ws.judging is None else JudgeDesk(ws, ws.judging, max_calls)


def without_judge(result: HallucinationResult) -> HallucinationResult:
    """Return the result with the reason why nobody judged it."""
    return replace(result, judge=JudgeUse("", 0, 0, 0, (NO_JUDGE,), 0, 0))


def _day(ws: Workspace) -> str:
    """Return the UTC day as text that sorts: days since 1970, five digits."""
    return f"{ws.now_ms() // DAY_MS:05d}"


def _left(judging: Judging, spent: dict[str, int]) -> Budget:
    """Return what is left; a budget lowered since the morning leaves nothing, not less."""
    return Budget(
        max(0, judging.daily_calls - spent.get("calls", 0)),
        max(0, judging.daily_characters - spent.get("characters", 0)),
    )


def _forget(ws: Workspace) -> None:
    """Delete the answers and accounts of days gone by; called with a day's first question."""
    keep = min(KEPT_DAYS, ws.running.retention_days or KEPT_DAYS)
    oldest = f"{ws.now_ms() // DAY_MS - keep:05d}"
    for account in ws.records.list(_SPENT):
        if account.id < oldest:
            while old := ws.records.list(_ANSWER, where={"day": account.id}):
                for answer in old:
                    ws.records.delete(_ANSWER, answer.id)
            ws.records.delete(_SPENT, account.id)
