"""One row a trace, kept as its spans arrive in any order: what lists and sorts of traces read."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.errors import Refused
from connectors.protocols import Page, TraceHead, TraceQuery
from connectors.telemetry import Span

SCHEMA = """
CREATE TABLE IF NOT EXISTS trace(
  tenant INTEGER NOT NULL, trace_id TEXT NOT NULL, start_ms REAL NOT NULL, end_ms REAL NOT NULL,
  root_rank INTEGER NOT NULL, root_ms REAL NOT NULL, name TEXT NOT NULL, service TEXT NOT NULL,
  model_id TEXT, spans INTEGER NOT NULL, errors INTEGER NOT NULL,
  PRIMARY KEY(tenant, trace_id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS trace_start ON trace(tenant, start_ms);
CREATE INDEX IF NOT EXISTS trace_error ON trace(tenant, start_ms) WHERE errors > 0;
"""

# Until the root comes, the earliest span that has arrived names the trace.
_IS_BETTER = (
    "(excluded.root_rank, excluded.root_ms, excluded.name) < (root_rank, root_ms, trace.name)"
)
_UPSERT = f"""
INSERT INTO trace VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  name = CASE WHEN {_IS_BETTER} THEN excluded.name ELSE name END,
  service = CASE WHEN {_IS_BETTER} THEN excluded.service ELSE service END,
  root_rank = min(root_rank, excluded.root_rank),
  root_ms = CASE WHEN {_IS_BETTER} THEN excluded.root_ms ELSE root_ms END,
  start_ms = min(start_ms, excluded.start_ms), end_ms = max(end_ms, excluded.end_ms),
  model_id = coalesce(model_id, excluded.model_id),
  spans = spans + excluded.spans, errors = errors + excluded.errors
"""
_HEAD = "SELECT trace_id, name, service, start_ms, end_ms - start_ms, spans, errors, model_id"


def count_traces(connection: sqlite3.Connection, tenant: int, stored: Sequence[Span]) -> None:
    """Add newly stored spans to their traces."""
    members: dict[str, list[Span]] = {}
    for span in stored:
        members.setdefault(span.trace_id, []).append(span)
    connection.executemany(_UPSERT, [(tenant, *_row(spans)) for spans in members.values()])


def _row(spans: Sequence[Span]) -> tuple[Any, ...]:
    root = min(spans, key=lambda s: (bool(s.parent_span_id), s.start_ms, s.name))
    return (
        root.trace_id,
        min(s.start_ms for s in spans),
        max(s.start_ms + s.duration_ms for s in spans),
        int(bool(root.parent_span_id)),
        root.start_ms,
        root.name,
        root.service,
        next((s.model_id for s in spans if s.model_id), None),
        len(spans),
        sum(s.is_error for s in spans),
    )


def trace_page(connection: sqlite3.Connection, tenant: int, query: TraceQuery) -> Page:
    """Traces that began in the window, newest or slowest first."""
    sort = "start_ms" if query.order == "newest" else "end_ms - start_ms"
    terms = ["tenant = ? AND start_ms >= ? AND start_ms < ?"]
    values: list[Any] = [tenant, query.start_ms, query.end_ms]
    if query.only_errors:
        terms.append("errors > 0")
    if query.min_duration_ms is not None:
        terms.append("end_ms - start_ms >= ?")
        values.append(query.min_duration_ms)
    for column, value in (("service", query.service), ("model_id", query.model_id)):
        if value is not None:
            terms.append(
                "EXISTS (SELECT 1 FROM span INDEXED BY span_trace WHERE span.tenant = trace.tenant"
                f" AND span.trace_id = trace.trace_id AND span.{column} = ?)"
            )
            values.append(value)
    if query.cursor is not None:
        terms.append(f"({sort}, trace_id) < (?, ?)")
        values += _parse_cursor(query.cursor)
    index = "trace_error" if query.only_errors else "trace_start"
    found = connection.execute(
        f"{_HEAD} FROM trace INDEXED BY {index} WHERE {' AND '.join(terms)}"
        f" ORDER BY {sort} DESC, trace_id DESC LIMIT ?",
        (*values, max(query.limit, 0) + 1),
    ).fetchall()
    rows = [TraceHead(*row) for row in found[: max(query.limit, 0)]]
    if len(found) <= len(rows) or not rows:
        return Page(rows, None)
    last = rows[-1].start_ms if query.order == "newest" else rows[-1].duration_ms
    return Page(rows, msgspec.json.encode([last, rows[-1].trace_id]).hex())


def _parse_cursor(cursor: str) -> tuple[float, str]:
    try:
        return msgspec.json.decode(bytes.fromhex(cursor[:1_000]), type=tuple[float, str])
    except (ValueError, msgspec.DecodeError):
        raise Refused(f"cursor {cursor[:64]!r} was not issued here") from None


def expire_traces(connection: sqlite3.Connection, tenant: int, horizon_ms: int) -> None:
    """Forget traces whose spans are gone."""
    connection.execute(
        "DELETE FROM trace WHERE tenant = ? AND start_ms < ? AND end_ms < ?",
        (tenant, horizon_ms, horizon_ms),
    )
