"""Error messages of a window, counted by template: what the services themselves say went wrong."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import EventQuery
from connectors.telemetry import Log
from engines.causal import LogTemplate, Series
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

LEVELS = ("error", "critical")
SLICE = 10
"""Minutes read at once while they hold few lines."""
SLICE_ROWS = 200
MINUTE_ROWS = SLICE_ROWS // SLICE
"""Newest lines read of a minute where there are many; they stand for all of its lines."""
MAX_TEMPLATES = 50
MAX_CHARS = 200
_VARIABLE = re.compile(
    r"\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|0x[0-9a-f]+|[0-9a-f]{8,}|\d+(?:\.\d+)?)\b",
    re.IGNORECASE,
)


def template_of(row: Log) -> str:
    """Return a message without its variable parts, after the type of its exception if it has one.

    >>> template_of(Log("1", 0, "order 17 failed", attributes={"exception.type": "KeyError"}))
    'KeyError: order # failed'
    """
    kind = row.attributes.get("exception.type")
    message = _VARIABLE.sub("#", row.message or str(row.attributes.get("exception.message", "")))
    return (f"{kind}: {message}" if kind else message)[:MAX_CHARS]


def read_messages(
    ws: Workspace, window: Window, minutes: NDArray[np.int64]
) -> tuple[LogTemplate, ...]:
    """Return the most frequent error templates of each service, counted by the minute.

    Where a minute has more lines than are read, each line read counts for several, so that a storm
    of messages does not hide what was written before it.
    """
    if len(minutes) == 0:
        return ()
    counts: dict[tuple[str, str], NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(minutes)))
    start = int(minutes[0])
    for level in LEVELS:
        for row, weight in _lines(ws, level, start, len(minutes)):
            if row.service:
                counts[row.service, template_of(row)][(row.timestamp_ms - start) // MINUTE_MS] += (
                    weight
                )
    most = sorted(counts.items(), key=lambda item: (-item[1].sum(), item[0]))[:MAX_TEMPLATES]
    return tuple(
        LogTemplate(service, template, Series(minutes / 1_000.0, at))
        for (service, template), at in most
    )


def _lines(ws: Workspace, level: str, start_ms: int, n: int) -> Iterator[tuple[Log, float]]:
    """Yield lines with how many each stands for."""
    end = start_ms + n * MINUTE_MS
    totals = ws.events.log_counts(start_ms, end, MINUTE_MS).get(level)
    if totals is None:
        return
    for first in range(0, n, SLICE):
        last = min(first + SLICE, n)
        total = int(totals[first:last].sum())
        pieces = (
            [(first, last)] if total <= SLICE_ROWS else [(i, i + 1) for i in range(first, last)]
        )
        limit = SLICE_ROWS if total <= SLICE_ROWS else MINUTE_ROWS
        for a, b in pieces:
            written = int(totals[a:b].sum())
            if written == 0:
                continue
            span = (start_ms + a * MINUTE_MS, start_ms + b * MINUTE_MS)
            rows = ws.events.logs(EventQuery(*span, kind=level, limit=limit)).rows
            yield from ((row, max(1.0, written / len(rows))) for row in rows)
