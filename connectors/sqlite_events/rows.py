"""Logs, spans and events: one table each, ordered by time through the row id itself.

A row id is ``time_ms << 21 | arrival number mod 2^21``: the table is clustered by time, every
secondary index yields its rows in time order, and a cursor is one integer that stays valid while
rows arrive.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from connectors.errors import Refused
from connectors.protocols import Added, EventQuery, Page
from connectors.sqlite_events.catalog import TIME_BITS, check_time
from connectors.sqlite_events.packing import pack
from connectors.telemetry import Event, Log, Span

ARRIVAL_BITS = 21
_ERRORS = frozenset({"error", "fatal", "critical", "emergency", "alert"})

Row = Log | Span | Event


class Table(msgspec.Struct, frozen=True):
    """What differs between the three tables."""

    name: str
    type: type[Any]
    columns: Callable[[Any], tuple[Any, ...]]  # time, key, kind, service, model, trace, is_error
    words: Callable[[Any], str]


def _log_columns(row: Log) -> tuple[Any, ...]:
    is_error = row.level.lower() in _ERRORS
    key = row.log_id
    return row.timestamp_ms, key, row.level, row.service, row.model_id, row.trace_id, is_error


def span_key(trace_id: str, span_id: str) -> str:
    """The identity of a span within its tenant."""
    return f"{trace_id}\x1f{span_id}"


def _span_columns(row: Span) -> tuple[Any, ...]:
    if not row.start_ms == row.start_ms or abs(row.start_ms) == float("inf"):
        raise Refused(f"start_ms {row.start_ms} is not a time")
    key = span_key(row.trace_id, row.span_id)
    start_ms = int(row.start_ms // 1)
    return start_ms, key, row.name, row.service, row.model_id, row.trace_id, row.is_error


def _event_columns(row: Event) -> tuple[Any, ...]:
    is_error = row.severity.lower() in _ERRORS
    key = row.event_id
    return row.timestamp_ms, key, row.event_type, row.service, row.model_id, None, is_error


LOGS = Table("log", Log, _log_columns, lambda row: row.message)
SPANS = Table("span", Span, _span_columns, lambda row: f"{row.name} {row.status_message}")
EVENTS = Table("event", Event, _event_columns, lambda row: f"{row.title} {row.description}")
TABLES = (LOGS, SPANS, EVENTS)

_TABLE = """
CREATE TABLE IF NOT EXISTS {name}(
  id INTEGER PRIMARY KEY, tenant INTEGER NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL,
  service TEXT, model_id TEXT, trace_id TEXT, is_error INTEGER NOT NULL, body BLOB NOT NULL);
CREATE UNIQUE INDEX IF NOT EXISTS {name}_key ON {name}(tenant, key);
CREATE INDEX IF NOT EXISTS {name}_time ON {name}(tenant);
CREATE INDEX IF NOT EXISTS {name}_kind ON {name}(tenant, kind);
CREATE INDEX IF NOT EXISTS {name}_service ON {name}(tenant, service);
CREATE INDEX IF NOT EXISTS {name}_model ON {name}(tenant, model_id) WHERE model_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS {name}_trace ON {name}(tenant, trace_id) WHERE trace_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS {name}_error ON {name}(tenant) WHERE is_error;
CREATE TABLE IF NOT EXISTS {name}_pending(id INTEGER PRIMARY KEY);
CREATE VIRTUAL TABLE IF NOT EXISTS {name}_text USING fts5(
  words, content='', detail=none, columnsize=0, tokenize='unicode61 remove_diacritics 2');
"""

SCHEMA = """
CREATE TABLE IF NOT EXISTS tenant(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS arrival(one INTEGER PRIMARY KEY CHECK (one = 1), next INTEGER NOT NULL);
INSERT OR IGNORE INTO arrival VALUES (1, 0);
CREATE TABLE IF NOT EXISTS analysis(
  tenant INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  computed_at_ms INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY(tenant, kind, subject, computed_at_ms)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS analysis_age ON analysis(computed_at_ms);
""" + "".join(_TABLE.format(name=table.name) for table in TABLES)


def insert(
    connection: sqlite3.Connection, table: Table, tenant: int, rows: Sequence[Any]
) -> list[Any]:
    """Write rows whose key is new; those rows, in order."""
    (arrival,) = connection.execute(
        "UPDATE arrival SET next = next + ? RETURNING next", (len(rows),)
    ).fetchone()
    arrival -= len(rows)
    mask = (1 << ARRIVAL_BITS) - 1
    sql = (
        f"INSERT INTO {table.name} VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(tenant, key) DO NOTHING"
    )
    stored, pending = [], []
    for number, row in enumerate(rows, arrival):
        time_ms, *fields = table.columns(row)
        row_id = time_ms << ARRIVAL_BITS | number & mask
        if connection.execute(sql, (row_id, tenant, *fields, pack(row))).rowcount:
            stored.append(row)
            pending.append((row_id,))
    connection.executemany(f"INSERT INTO {table.name}_pending VALUES (?)", pending)
    return stored


def check_rows(table: Table, rows: Sequence[Any]) -> None:
    """Raise `Refused` for a row that could never be found again."""
    for row in rows:
        check_time(table.columns(row)[0])


def added(rows: Sequence[Any], stored: int) -> Added:
    """The counts of a batch."""
    return Added(stored=stored, duplicates=len(rows) - stored)


def first_id(time_ms: int) -> int:
    """The least row id a time can have."""
    return min(max(time_ms, 0), 1 << TIME_BITS) << ARRIVAL_BITS


def where(table: Table, tenant: int, query: EventQuery) -> tuple[str, str, list[Any]]:
    """The index that fits the filters best, the condition, and its values (alias ``r``)."""
    low, high = first_id(query.start_ms), first_id(query.end_ms)
    cursor = parse_cursor(query.cursor)
    if cursor is not None:
        high = min(high, cursor)
    terms = ["r.tenant = ? AND r.id >= ? AND r.id < ?"]
    values: list[Any] = [tenant, low, high]
    index = "time"
    filters: list[tuple[str, str | None]] = [
        ("service", query.service),
        ("kind", query.kind),
        ("model_id", query.model_id),
        ("trace_id", query.trace_id),
    ]
    if query.only_errors:
        terms.append("r.is_error")
        index = "error"
    for column, value in filters:
        if value is not None:
            terms.append(f"r.{column} = ?")
            values.append(value)
            index = column.removesuffix("_id")
    return f"{table.name}_{index}", " AND ".join(terms), values


def parse_cursor(cursor: str | None) -> int | None:
    """The id of the last row shown."""
    if cursor is None:
        return None
    if not cursor.isdecimal() or len(cursor) > 19 or int(cursor) >= 1 << 63:
        raise Refused(f"cursor {cursor[:64]!r} was not issued here")
    return int(cursor)


def page(connection: sqlite3.Connection, table: Table, tenant: int, query: EventQuery) -> Page:
    """Rows newest first."""
    index, condition, values = where(table, tenant, query)
    found = connection.execute(
        f"SELECT r.id, r.body FROM {table.name} r INDEXED BY {index} WHERE {condition}"
        " ORDER BY r.id DESC LIMIT ?",
        (*values, max(query.limit, 0) + 1),
    ).fetchall()
    return page_of(table, found, query.limit)


def page_of(table: Table, found: Sequence[tuple[int, bytes]], limit: int) -> Page:
    """The first `limit` of the rows found, and a cursor where there are more."""
    limit = max(limit, 0)
    shown = found[:limit]
    more = len(found) > limit and bool(shown)
    return Page(
        rows=[decode(table, body) for _, body in shown],
        cursor=str(shown[-1][0]) if more else None,
    )


def decode(table: Table, body: bytes) -> Any:
    """A stored row."""
    return msgspec.msgpack.decode(body, type=table.type)


def trace(connection: sqlite3.Connection, tenant: int, trace_id: str) -> list[Span]:
    """The spans of a trace in order of start."""
    found = connection.execute(
        "SELECT body FROM span INDEXED BY span_trace WHERE tenant = ? AND trace_id = ?",
        (tenant, trace_id),
    )
    spans: list[Span] = [decode(SPANS, body) for (body,) in found]
    return sorted(spans, key=lambda span: (span.start_ms, span.span_id))
