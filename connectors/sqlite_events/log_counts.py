"""How many logs, by level or service: counted per minute as they arrive."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from connectors.errors import Refused
from connectors.sqlite_events.catalog import MINUTE_MS
from connectors.sqlite_events.rows import ARRIVAL_BITS, first_id
from connectors.telemetry import Log

SCHEMA = """
CREATE TABLE IF NOT EXISTS log_minute(
  tenant INTEGER NOT NULL, minute_ms INTEGER NOT NULL, kind TEXT NOT NULL, service TEXT NOT NULL,
  count INTEGER NOT NULL, PRIMARY KEY(tenant, minute_ms, kind, service)) WITHOUT ROWID;
"""

_COLUMNS = {"level": "kind", "service": "service"}

_Found = list[tuple[str, int, int]]  # value, step, count


def count_logs(connection: sqlite3.Connection, tenant: int, stored: Sequence[Log]) -> None:
    """Add newly stored logs to their minutes."""
    cells = Counter(
        (row.timestamp_ms // MINUTE_MS * MINUTE_MS, row.level, row.service) for row in stored
    )
    connection.executemany(
        "INSERT INTO log_minute VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(tenant, *cell, count) for cell, count in cells.items()],
    )


def log_counts(
    connection: sqlite3.Connection,
    tenant: int,
    window: tuple[int, int],
    step_ms: int,
    by: Literal["level", "service"],
    service: str | None = None,
) -> dict[str, NDArray[np.int64]]:
    """Logs per step and level or service: whole minutes from the counts, the rest from rows."""
    start_ms, end_ms = window
    if step_ms <= 0:
        raise Refused(f"step_ms must be positive, got {step_ms}")
    steps = max(0, -((start_ms - end_ms) // step_ms))
    rest_ms = start_ms
    found: _Found = []
    if start_ms % MINUTE_MS == 0 and step_ms % MINUTE_MS == 0:
        rest_ms = max(start_ms, end_ms // MINUTE_MS * MINUTE_MS)
        found += _counted_minutes(
            connection, tenant, (start_ms, rest_ms), step_ms, _COLUMNS[by], service
        )
    found += _counted_rows(
        connection, tenant, (start_ms, rest_ms, end_ms), step_ms, _COLUMNS[by], service
    )
    counts: dict[str, NDArray[np.int64]] = {}
    for value, step, count in found:
        counts.setdefault(value, np.zeros(steps, np.int64))[step] += count
    return counts


def _counted_minutes(
    connection: sqlite3.Connection,
    tenant: int,
    window: tuple[int, int],
    step_ms: int,
    column: str,
    service: str | None,
) -> _Found:
    mine, values = _of_service(service)
    return connection.execute(
        f"SELECT {column}, (minute_ms - ?) / ?, sum(count) FROM log_minute"
        f" WHERE tenant = ? AND minute_ms >= ? AND minute_ms < ?{mine} GROUP BY 1, 2",
        (window[0], step_ms, tenant, *window, *values),
    ).fetchall()


def _of_service(service: str | None) -> tuple[str, tuple[str, ...]]:
    return ("", ()) if service is None else (" AND service = ?", (service,))


def _counted_rows(
    connection: sqlite3.Connection,
    tenant: int,
    window: tuple[int, int, int],
    step_ms: int,
    column: str,
    service: str | None,
) -> _Found:
    """Rows in [rest, end), counted from the index alone; steps are numbered from the start."""
    start_ms, rest_ms, end_ms = window
    if rest_ms >= end_ms:
        return []
    mine, values = _of_service(service)
    return [
        (value, step, count)
        for value in _distinct(connection, tenant, column)
        for step, count in connection.execute(
            f"SELECT ((id >> {ARRIVAL_BITS}) - ?) / ?, count(*) FROM log INDEXED BY log_{column}"
            f" WHERE tenant = ? AND {column} = ? AND id >= ? AND id < ?{mine} GROUP BY 1",
            (start_ms, step_ms, tenant, value, first_id(rest_ms), first_id(end_ms), *values),
        )
    ]


def _distinct(connection: sqlite3.Connection, tenant: int, column: str) -> Iterator[str]:
    """Values of an indexed column, one index seek each."""
    least = f"SELECT min({column}) FROM log INDEXED BY log_{column} WHERE tenant = ?"
    (value,) = connection.execute(least, (tenant,)).fetchone()
    while value is not None:
        yield value
        (value,) = connection.execute(f"{least} AND {column} > ?", (tenant, value)).fetchone()
