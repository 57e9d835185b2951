"""The embedded event store: two SQLite files, several processes, acknowledged means on disk.

``inferences.db`` keeps inferences as column chunks per model, version and day; ``rows.db`` keeps
logs, spans, events, analyses, the text index and the service edges. How and how fast:
`docs/methods/storage_events.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from connectors.errors import ConnectorError
from connectors.protocols import StoreHealth
from connectors.sqlite_events import catalog, edges, log_counts, retention, rows, text, traces
from connectors.sqlite_events.database import Database
from connectors.sqlite_events.merging import merge_step
from connectors.sqlite_events.store import SqliteEventStore

__all__ = ["SqliteEventBackend", "SqliteEventStore"]

_STEP_S = 0.5  # a call of `maintain` starts no new step after this time
_TEXT_ROWS = 1_000  # rows indexed per write transaction
_VACUUM_PAGES = 2_000


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class SqliteEventBackend:
    """An `EventBackend` in a folder; every process opens its own."""

    def __init__(
        self, folder: Path, *, retention_days: int, clock: Callable[[], int] = _now_ms
    ) -> None:
        self._retention_days = retention_days
        self._clock = clock
        self._inferences = Database(folder / "inferences.db", catalog.SCHEMA, cache_mib=64)
        schema = rows.SCHEMA + edges.SCHEMA + traces.SCHEMA + log_counts.SCHEMA
        self._rows = Database(folder / "rows.db", schema)
        self._catalog = catalog.Catalog(self._inferences)
        self._words = text.Words()

    def scoped(self, tenant: str) -> SqliteEventStore:
        return SqliteEventStore(
            tenant, (self._inferences, self._catalog), self._rows, self._words, self._clock
        )

    def maintain(self, now_ms: int) -> None:
        """Merge chunks, index text, settle edges and expire, in short transactions."""
        until = time.monotonic() + _STEP_S
        horizon_ms = now_ms - self._retention_days * catalog.DAY_MS
        busy = True
        while busy and time.monotonic() < until:
            busy = merge_step(self._inferences, self._catalog, now_ms)
            busy |= self._inferences.write(
                lambda connection: retention.expire_inferences(connection, horizon_ms)
            )
            busy |= self._rows.write(
                lambda connection: retention.expire_rows(connection, horizon_ms)
            )
            busy |= self._settle(now_ms)
        self._inferences.tidy(_VACUUM_PAGES)
        self._rows.tidy(_VACUUM_PAGES)

    def _settle(self, now_ms: int) -> bool:
        """One step of the text index and of spans whose parent never came."""
        busy = self._rows.write(
            lambda connection: edges.count_entries(connection, now_ms, _TEXT_ROWS)
        )
        for table in rows.TABLES:
            busy = max(busy, self._rows.write(partial(text.fill, table=table, limit=_TEXT_ROWS)))
        return busy >= _TEXT_ROWS

    def health(self) -> StoreHealth:
        """Whether both files answer, and how large they are."""
        try:
            stats = {
                "inferences_bytes": float(self._inferences.size_bytes()),
                "rows_bytes": float(self._rows.size_bytes()),
            }
            with self._inferences.read() as connection:
                (stats["chunks"],) = connection.execute("SELECT count(*) FROM chunk").fetchone()
            with self._rows.read() as connection:
                for table in rows.TABLES:
                    (stats[f"{table.name}s_awaiting_index"],) = connection.execute(
                        f"SELECT count(*) FROM {table.name}_pending"
                    ).fetchone()
        except ConnectorError as error:
            return StoreHealth(name="sqlite_events", ok=False, detail=str(error))
        return StoreHealth(name="sqlite_events", ok=True, stats=stats)

    def close(self) -> None:
        self._inferences.close()
        self._rows.close()
        self._words.close()
