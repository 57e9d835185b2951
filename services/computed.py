"""What every computed answer carries: when, over which window, how many rows, by which method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from engines.errors import EngineError, InsufficientData
from engines.result import Insufficient
from engines.sentence import say
from services.times import Window
from services.workspace import Workspace

R = TypeVar("R")

FRESH_S = 120.0
STALE_S = 600.0
"""A result is served as it is for two minutes, in which the scheduler has renewed it where anything
came; then for ten more while one caller refreshes it."""


class Computed(msgspec.Struct, Generic[R], frozen=True):
    """A result, or the reason why there is none; exactly one of the two is set."""

    model_id: str
    computed_at_ms: int
    window: Window
    reference: Window | None
    n_reference: int
    n_current: int
    method: str
    result: R | None
    insufficient: Insufficient | None


def attempt(compute: Callable[[], R | Insufficient]) -> tuple[R | None, Insufficient | None]:
    """Return the result of `compute`, or why the data do not allow one."""
    try:
        answer = compute()
    except InsufficientData as error:
        return None, Insufficient.of(error)
    if isinstance(answer, Insufficient):
        return None, answer
    return answer, None


def unusable(error: EngineError) -> Insufficient:
    """Return the lack behind an input that an engine refuses; what was wrong with it is data."""
    return Insufficient(
        say("reasons.unusable", "these numbers cannot be used: {detail}", detail=str(error))
    )


def latest(ws: Workspace, family: str, model_id: str, kind: type[R], refresh: Callable[[], R]) -> R:
    """Return the newest result of a family: cached, else refreshed by one caller for all."""
    return ws.cached(f"{family}/{model_id}", kind, refresh, fresh_s=FRESH_S, stale_s=STALE_S)


def remember(ws: Workspace, family: str, model_id: str, value: R, kind: type[R]) -> R:
    """Keep a fresh result where `latest` looks for it."""
    ws.cache.put(f"{ws.tenant}/{family}/{model_id}", value, kind, fresh_s=FRESH_S, stale_s=STALE_S)
    return value
