"""Texts that arrive after the ten minutes that alerts look at: what a scan found new in minutes
that are over, kept at the moment of its arrival with the minutes that it is of."""

from __future__ import annotations

import msgspec
import numpy as np

from connectors.selector import select
from connectors.telemetry import Analysis
from services.identity import permitted
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

KIND = "security_late"
FINDINGS = "aiobs_security_findings_total"
SCANNED = "aiobs_security_scanned_total"
LEAKED_BOTH = "aiobs_security_leaked_both_total"
"""Answers that leaked personal data and a secret: one answer is one leak."""
LATE_MS = 8 * MINUTE_MS
"""Kept from this age on: until the rules look at a minute it may leave their ten, and they take of
what was kept only the minutes that their window does not hold."""
ATTACKS = ("prompt_injection", "jailbreak")
_MOST = 10_000

Counted = dict[int, float]  # minute -> count


class LateMinute(msgspec.Struct, frozen=True):
    """What arrived late of one minute: prompts read, attacks in them, answers that leaked."""

    minute_ms: int
    prompts: int
    attacks: int
    leaks: int


@permitted("analysis:run")
def keep_late(ws: Workspace, model_id: str, counts: dict[int, tuple[int, int, int]]) -> None:
    """Keep what is new of minutes that are nearly over or long over; `counts` are prompts, attacks
    and leaks of each minute as they are now. Call before the new samples are written.

    A crash in between counts twice what is new, and so alarms; the other order would keep silent.
    """
    now = ws.now_ms()
    old = {minute: n for minute, n in counts.items() if minute < now - LATE_MS}
    if not old:
        return
    known = _known(ws, model_id, Window(min(old), max(old) + MINUTE_MS))
    found = []
    for minute, numbers in sorted(old.items()):
        pairs = zip(numbers, known, strict=True)
        new = [max(0, n - round(before.get(minute, 0.0))) for n, before in pairs]
        if any(new):
            found.append(LateMinute(minute, *new))
    if found:
        # A scan reads an hour at a time, and several hours may fall into one millisecond.
        found += _read(ws, model_id, now, now + 1)
        ws.events.put_analysis(Analysis(KIND, model_id, now, msgspec.json.encode(found)))


@permitted("security:read")
def read_late(ws: Workspace, model_id: str, arrived: Window) -> list[LateMinute]:
    """Return what arrived within a window of minutes from before it; a minute may stand twice."""
    oldest = arrived.start_ms // MINUTE_MS * MINUTE_MS  # a window of samples begins with a minute
    found = _read(ws, model_id, arrived.start_ms, arrived.end_ms + 1)
    return [one for one in found if one.minute_ms < oldest]


def _read(ws: Workspace, model_id: str, start_ms: int, end_ms: int) -> list[LateMinute]:
    return [
        one
        for document in ws.events.analyses(KIND, model_id, start_ms, end_ms, limit=_MOST)
        for one in msgspec.json.decode(document.body, type=list[LateMinute])
    ]


def _known(ws: Workspace, model_id: str, window: Window) -> tuple[Counted, Counted, Counted]:
    """Return prompts, attacks and leaks a minute as they were counted before."""
    model = {"model_id": model_id}
    prompts = _counts(ws, SCANNED, model | {"direction": "prompt"}, window)
    attacks: Counted = {}
    for kind in ATTACKS:
        mine = _counts(ws, FINDINGS, model | {"direction": "prompt", "kind": kind}, window)
        attacks |= {at: attacks.get(at, 0.0) + n for at, n in mine.items()}
    secrets = model | {"direction": "output", "kind": "secret"}
    leaks = _counts(ws, FINDINGS, secrets, window)
    echoed = _counts(ws, FINDINGS, secrets | {"outcome": "prompt"}, window)
    return prompts, attacks, {at: n - echoed.get(at, 0.0) for at, n in leaks.items()}


def _counts(ws: Workspace, name: str, labels: dict[str, str], window: Window) -> Counted:
    found = ws.metrics.window(
        select(name, labels), window.start_ms, window.end_ms, MINUTE_MS, over_time="sum",
        across="sum",
    )  # fmt: skip
    return {
        int(at): float(n)
        for points in found
        for at, n in zip(points.timestamps_ms.tolist(), points.values.tolist(), strict=True)
        if np.isfinite(n)
    }
