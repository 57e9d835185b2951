"""What security alarms about: secrets that got out, attacks beyond the usual, and critical
vulnerabilities."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from connectors.selector import select
from engines.alerting import rate_jump
from services.incidents import Finding
from services.models import Model
from services.security_late import ATTACKS, FINDINGS, SCANNED, LateMinute, read_late
from services.times import DAY_MS, MINUTE_MS, Window
from services.vulnerabilities import list_critical
from services.workspace import Workspace

NOW_MS = 10 * MINUTE_MS
MIN_SHARE = 0.02
LEAST_BEFORE = 100  # prompts of the day before
MAX_SYSTEMS = 20  # named in the evidence


def leak_rule(ws: Workspace, model: Model) -> Iterator[Finding]:
    """A secret stood in an answer and not in its prompt: one is enough, however late it arrives."""
    end = ws.now_ms()
    window = Window(end - NOW_MS, end)
    leaked = _total(ws, FINDINGS, window, model, kind="secret", direction="output")
    leaked -= _total(
        ws, FINDINGS, window, model, kind="secret", direction="output", outcome="prompt"
    )
    late = [one for one in read_late(ws, model.model_id, window) if one.leaks]
    leaked += sum(one.leaks for one in late)
    if leaked > 0:
        title = f"{model.name} gave out {leaked} secrets within ten minutes"
        evidence: dict[str, object] = {"now": leaked}
        if late:
            evidence |= _told_late(sum(one.leaks for one in late), late)
            title = f"{model.name} gave out {leaked} secrets, as rows that arrived late show"
        yield Finding("secret_leak", "model", model.model_id, "critical", title, evidence)


def attack_rule(ws: Workspace, model: Model, limit: float) -> Iterator[Finding]:
    """More prompts attack the model than over the day before, by evidence and by size; those that
    arrived late count where they arrived and not where they would have been the past."""
    end = ws.now_ms()
    now, past = Window(end - NOW_MS, end), Window(end - NOW_MS - DAY_MS, end - NOW_MS)
    hits, n = _attacks(ws, now, model)
    hits_before, n_before = _attacks(ws, past, model)
    late = read_late(ws, model.model_id, now)
    moved = [one for one in late if one.minute_ms >= past.start_ms]
    n_usual = n_before - sum(one.prompts for one in moved)
    if n_usual < LEAST_BEFORE:
        late = []  # the first history of a model, sent at once, is all that is known of it
    else:
        hits += sum(one.attacks for one in late)
        n += sum(one.prompts for one in late)
        hits_before, n_before = hits_before - sum(one.attacks for one in moved), n_usual
    hits, hits_before = min(hits, n), min(max(0, hits_before), n_before)  # a text may be both
    if n < 20 or n_before < LEAST_BEFORE:
        return
    jump = rate_jump(hits, n, hits_before, n_before)
    if jump.p_value is not None and jump.p_value < limit and jump.now >= MIN_SHARE:
        title = f"{jump.now:.0%} of prompts to {model.name} attack it; {jump.before:.1%} did before"
        evidence: dict[str, object] = {"now": jump.now, "before": jump.before, "n": n}
        attacked = [one for one in late if one.attacks]
        if attacked:
            evidence |= _told_late(sum(one.attacks for one in attacked), attacked)
        yield Finding("attack", "model", model.model_id, "warning", title, evidence)


def _told_late(count: int, late: list[LateMinute]) -> dict[str, object]:
    """Return how much arrived late and of when it is."""
    minutes = [one.minute_ms for one in late]
    return {"late": count, "from_ms": min(minutes), "to_ms": max(minutes) + MINUTE_MS}


def vulnerability_rule(ws: Workspace) -> Iterator[Finding]:
    """A critical vulnerability is open in a system: one finding for all systems that it is in."""
    for name, systems in list_critical(ws).items():
        title = f"Critical vulnerability {name} in {', '.join(systems[:MAX_SYSTEMS])}"
        evidence: dict[str, object] = {"systems": systems[:MAX_SYSTEMS], "n": len(systems)}
        yield Finding("vulnerability", "vulnerability", name, "critical", title, evidence)


def _attacks(ws: Workspace, window: Window, model: Model) -> tuple[int, int]:
    n = _total(ws, SCANNED, window, model, direction="prompt")
    hits = sum(
        _total(ws, FINDINGS, window, model, kind=kind, direction="prompt") for kind in ATTACKS
    )
    return hits, n


def _total(ws: Workspace, name: str, window: Window, model: Model, **labels: str) -> int:
    found = ws.metrics.window(
        select(name, {"model_id": model.model_id, **labels}), window.start_ms, window.end_ms,
        MINUTE_MS, over_time="sum", across="sum",
    )  # fmt: skip
    return int(sum(np.nansum(points.values) for points in found))
