"""What is older than the retention goes, in small steps, and its space goes back."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from connectors.sqlite_events import blocks, columns, text
from connectors.sqlite_events.catalog import DAY_BITS, DAY_MS, keys_of, stream_by_id
from connectors.sqlite_events.chunks import Chunk, block
from connectors.sqlite_events.merging import delete_blocks
from connectors.sqlite_events.rows import TABLES, Table, first_id
from connectors.sqlite_events.traces import expire_traces

_STEP_ROWS = 2_000


def expire_inferences(connection: sqlite3.Connection, horizon_ms: int) -> bool:
    """Delete one chunk of a day that ended before the horizon; whether there was one."""
    spans = [
        (stream << DAY_BITS, (stream << DAY_BITS) + max(horizon_ms // DAY_MS, 0))
        for (stream,) in connection.execute("SELECT id FROM stream").fetchall()
    ]
    row = next(filter(None, (_old_chunk(connection, span) for span in spans)), None)
    if row is None:
        _expire_marks(connection, spans, horizon_ms)
        return False
    chunk = Chunk(*row)
    tenant = stream_by_id(connection, chunk.stream).tenant
    for name, table in ((columns.ID, "ident"), ("trace_id", "trace_ref")):
        keys = set(keys_of(tenant, _texts(connection, chunk, name)))
        extra = f" AND part = {chunk.part}" if table == "trace_ref" else ""
        connection.executemany(
            f"DELETE FROM {table} WHERE key = ?{extra}", [(key,) for key in sorted(keys)]
        )
    delete_blocks(connection, chunk.id)
    connection.execute("DELETE FROM chunk WHERE id = ?", (chunk.id,))
    return True


def _old_chunk(connection: sqlite3.Connection, span: tuple[int, int]) -> tuple[int, ...] | None:
    found: tuple[int, ...] | None = connection.execute(
        "SELECT id, part, rows, min_ms, max_ms, min_seq, max_seq FROM chunk"
        " WHERE part >= ? AND part < ? LIMIT 1",
        span,
    ).fetchone()
    return found


def _expire_marks(
    connection: sqlite3.Connection, spans: Sequence[tuple[int, int]], horizon_ms: int
) -> None:
    """Labels of expired days, labels that never met their inference, and minutes long read."""
    connection.executemany("DELETE FROM label_chunk WHERE part >= ? AND part < ?", spans)
    connection.execute("DELETE FROM orphan_label WHERE arrived_ms < ?", (horizon_ms,))
    connection.execute(
        "DELETE FROM touched WHERE id IN (SELECT id FROM touched ORDER BY id LIMIT ?)"
        " AND minute_ms < ?",
        (_STEP_ROWS, horizon_ms - DAY_MS),
    )


def _texts(connection: sqlite3.Connection, chunk: Chunk, name: str) -> list[str]:
    row = connection.execute("SELECT id FROM column_name WHERE name = ?", (name,)).fetchone()
    data = None if row is None else block(connection, chunk.id, row[0])
    if data is None:
        return []
    return [value for value in blocks.exact(data, chunk.rows) if value is not None]


def expire_rows(connection: sqlite3.Connection, horizon_ms: int) -> bool:
    """Delete a step of rows from before the horizon; whether more may remain."""
    more = [_expire_table(connection, table, horizon_ms) for table in TABLES]
    for (tenant,) in connection.execute("SELECT id FROM tenant").fetchall():
        for table in ("edge", "log_minute"):
            connection.execute(
                f"DELETE FROM {table} WHERE tenant = ? AND minute_ms < ?", (tenant, horizon_ms)
            )
        expire_traces(connection, tenant, horizon_ms)
    connection.execute("DELETE FROM analysis WHERE computed_at_ms < ?", (horizon_ms,))
    return any(more)


def _expire_table(connection: sqlite3.Connection, table: Table, horizon_ms: int) -> bool:
    found = connection.execute(
        f"SELECT id, body FROM {table.name} WHERE id < ? ORDER BY id LIMIT ?",
        (first_id(horizon_ms), _STEP_ROWS),
    ).fetchall()
    if found:
        text.forget(connection, table, found)
        connection.execute(
            f"DELETE FROM {table.name} WHERE id BETWEEN ? AND ?", (found[0][0], found[-1][0])
        )
    return len(found) == _STEP_ROWS
