"""Who calls whom, counted per minute as spans arrive, in any order of parent and child."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import numpy as np

from connectors.protocols import ServiceEdge
from connectors.sqlite_events.catalog import MINUTE_MS
from connectors.sqlite_events.rows import SPANS, decode, span_key
from connectors.telemetry import Span

SCHEMA = """
CREATE TABLE IF NOT EXISTS edge(
  tenant INTEGER NOT NULL, minute_ms INTEGER NOT NULL, caller TEXT NOT NULL, callee TEXT NOT NULL,
  calls INTEGER NOT NULL, errors INTEGER NOT NULL, duration_ms REAL NOT NULL,
  client_ms REAL NOT NULL, PRIMARY KEY(tenant, minute_ms, caller, callee)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS awaiting_parent(
  tenant INTEGER NOT NULL, parent TEXT NOT NULL, child TEXT NOT NULL, arrived_ms INTEGER NOT NULL,
  PRIMARY KEY(tenant, parent, child)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS awaiting_parent_age ON awaiting_parent(arrived_ms);
"""

PARENT_PATIENCE_MS = 10 * MINUTE_MS
"""After this time a span whose parent never came counts as an entry: its caller sends no spans."""

_CALLING = frozenset({"client", "producer"})

_BY_MINUTE = (
    "SELECT caller, callee, minute_ms, calls, errors, duration_ms, client_ms FROM edge"
    " WHERE tenant = ? AND minute_ms >= ? AND minute_ms < ? ORDER BY minute_ms"
)
_BY_STEP = (
    "SELECT caller, callee, ?1 + (minute_ms - ?1) / ?2 * ?2 AS step, SUM(calls), SUM(errors),"
    " SUM(duration_ms), SUM(client_ms) FROM edge"
    " WHERE tenant = ?3 AND minute_ms >= ?4 AND minute_ms < ?5"
    " GROUP BY caller, callee, step ORDER BY step"
)

_Cell = tuple[int, str, str]  # minute, caller, callee
_Sums = dict[_Cell, list[float]]


def count_spans(
    connection: sqlite3.Connection, tenant: int, stored: Sequence[Span], now_ms: int
) -> None:
    """Add newly stored spans to the edges: as children of known parents, and as parents."""
    here = {span_key(span.trace_id, span.span_id): span for span in stored}
    sums: _Sums = {}
    waiting = []
    for key, span in here.items():
        if not span.parent_span_id:
            _add_entry(sums, span)
            continue
        parent_key = span_key(span.trace_id, span.parent_span_id)
        parent = here.get(parent_key) or _stored_span(connection, tenant, parent_key)
        if parent is None:
            waiting.append((tenant, parent_key, key, now_ms))
        else:
            _add_call(sums, parent, span)
    for key, span in here.items():
        for child in _take_waiting(connection, tenant, key):
            _add_call(sums, span, child)
    connection.executemany("INSERT INTO awaiting_parent VALUES (?, ?, ?, ?)", waiting)
    _write(connection, tenant, sums)


def count_entries(connection: sqlite3.Connection, now_ms: int, limit: int) -> int:
    """Count spans as entries whose parent has not come in time; how many were settled."""
    found = connection.execute(
        "SELECT tenant, parent, child FROM awaiting_parent WHERE arrived_ms < ? LIMIT ?",
        (now_ms - PARENT_PATIENCE_MS, limit),
    ).fetchall()
    by_tenant: dict[int, _Sums] = {}
    for tenant, _, child in found:
        span = _stored_span(connection, tenant, child)
        if span is not None:
            _add_entry(by_tenant.setdefault(tenant, {}), span)
    for tenant, sums in by_tenant.items():
        _write(connection, tenant, sums)
    connection.executemany(
        "DELETE FROM awaiting_parent WHERE tenant = ? AND parent = ? AND child = ?", found
    )
    return len(found)


def service_edges(
    connection: sqlite3.Connection,
    tenant: int,
    start_ms: int,
    end_ms: int,
    step_ms: int | None = MINUTE_MS,
) -> list[ServiceEdge]:
    """Edges with a call in the window's minutes, in order of caller and callee."""
    start_ms = start_ms // MINUTE_MS * MINUTE_MS
    span = (tenant, start_ms, end_ms)
    if step_ms == MINUTE_MS:
        found = connection.execute(_BY_MINUTE, span)
    else:
        found = connection.execute(_BY_STEP, (start_ms, step_ms or end_ms - start_ms, *span))
    edges: dict[tuple[str, str], list[tuple[float, ...]]] = {}
    for caller, callee, *numbers in found:
        edges.setdefault((caller, callee), []).append(tuple(numbers))
    made = []
    for (caller, callee), rows in sorted(edges.items()):
        columns = np.array(rows, np.float64).T
        made.append(ServiceEdge(caller, callee, columns[0].astype(np.int64), *columns[1:]))
    return made


def _stored_span(connection: sqlite3.Connection, tenant: int, key: str) -> Span | None:
    row = connection.execute(
        "SELECT body FROM span WHERE tenant = ? AND key = ?", (tenant, key)
    ).fetchone()
    return None if row is None else decode(SPANS, row[0])


def _take_waiting(connection: sqlite3.Connection, tenant: int, key: str) -> Iterable[Span]:
    found = connection.execute(
        "SELECT child FROM awaiting_parent WHERE tenant = ? AND parent = ?", (tenant, key)
    ).fetchall()
    if not found:
        return []
    connection.execute("DELETE FROM awaiting_parent WHERE tenant = ? AND parent = ?", (tenant, key))
    children = [_stored_span(connection, tenant, child) for (child,) in found]
    return [child for child in children if child is not None]


def _add_entry(sums: _Sums, span: Span) -> None:
    # A root that itself calls out is where the work starts: nobody called it.
    if span.kind not in _CALLING:
        _add(sums, "", span, span.duration_ms)


def _add_call(sums: _Sums, parent: Span, child: Span) -> None:
    if parent.service != child.service:
        seen_ms = parent.duration_ms if parent.kind in _CALLING else child.duration_ms
        _add(sums, parent.service, child, seen_ms)


def _add(sums: _Sums, caller: str, span: Span, seen_ms: float) -> None:
    minute_ms = int(span.start_ms // MINUTE_MS) * MINUTE_MS
    cell = sums.setdefault((minute_ms, caller, span.service), [0, 0, 0.0, 0.0])
    cell[0] += 1
    cell[1] += span.is_error
    cell[2] += span.duration_ms
    cell[3] += seen_ms


def _write(connection: sqlite3.Connection, tenant: int, sums: _Sums) -> None:
    connection.executemany(
        "INSERT INTO edge VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET calls = calls + excluded.calls,"
        " errors = errors + excluded.errors, duration_ms = duration_ms + excluded.duration_ms,"
        " client_ms = client_ms + excluded.client_ms",
        [(tenant, *cell, *numbers) for cell, numbers in sums.items()],
    )
