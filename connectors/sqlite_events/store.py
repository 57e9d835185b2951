"""The events of one tenant."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import (
    Added,
    EventQuery,
    InferenceColumns,
    ModelSeen,
    Page,
    ServiceEdge,
    TraceQuery,
)
from connectors.sqlite_events import edges, records, rows, text, traces
from connectors.sqlite_events.catalog import Catalog
from connectors.sqlite_events.database import Database
from connectors.sqlite_events.inferences import add_inferences
from connectors.sqlite_events.labels import add_labels
from connectors.sqlite_events.log_counts import count_logs, log_counts
from connectors.sqlite_events.window import inference_columns
from connectors.telemetry import Analysis, Event, Inference, Label, Log, Span


class SqliteEventStore:
    """An `EventStore` over the two files of `SqliteEventBackend`."""

    def __init__(
        self,
        tenant: str,
        inferences: tuple[Database, Catalog],
        rows_file: Database,
        words: text.Words,
        now_ms: Callable[[], int],
    ) -> None:
        self._tenant = tenant
        self._inferences, self._catalog = inferences
        self._rows = rows_file
        self._words = words
        self._now_ms = now_ms
        self._tenant_id: int | None = None

    def add_inferences(self, rows: Sequence[Inference]) -> Added:
        return add_inferences(self._inferences, self._catalog, self._tenant, rows)

    def add_labels(self, rows: Sequence[Label]) -> Added:
        return add_labels(self._inferences, self._tenant, rows, self._now_ms())

    def add_logs(self, batch: Sequence[Log]) -> Added:
        return self._add(rows.LOGS, batch)

    def add_spans(self, batch: Sequence[Span]) -> Added:
        return self._add(rows.SPANS, batch)

    def add_events(self, batch: Sequence[Event]) -> Added:
        return self._add(rows.EVENTS, batch)

    def models_seen(self, model_id: str | None = None) -> list[ModelSeen]:
        where, given = self._streams(model_id)
        with self._inferences.read() as connection:
            found = connection.execute(
                "SELECT model_id, version, first_ms, last_ms, count, is_sample FROM stream"
                f" WHERE {where} ORDER BY model_id, version",
                given,
            )
            return [
                ModelSeen(model_id, version, first_ms, last_ms, count, bool(is_sample))
                for model_id, version, first_ms, last_ms, count, is_sample in found
            ]

    def first_seen_ms(self, model_id: str | None = None) -> int | None:
        where, given = self._streams(model_id)
        with self._inferences.read() as connection:
            query = f"SELECT min(first_ms) FROM stream WHERE {where}"
            (first_ms,) = connection.execute(query, given).fetchone()
        return None if first_ms is None else int(first_ms)

    def _streams(self, model_id: str | None) -> tuple[str, tuple[str, ...]]:
        """Return the condition on the streams of a model, or of all, and its values."""
        if model_id is None:
            return "tenant = ? AND count > 0", (self._tenant,)
        return "tenant = ? AND model_id = ? AND count > 0", (self._tenant, model_id)

    def inference_columns(
        self,
        model_id: str,
        start_ms: int,
        end_ms: int,
        *,
        columns: Sequence[str] | None = None,
        version: str | None = None,
        limit: int | None = None,
    ) -> InferenceColumns:
        window = (start_ms, end_ms)
        return inference_columns(
            self._inferences, self._catalog, self._tenant, model_id, window, columns, version, limit
        )

    def inference(self, inference_id: str) -> Inference | None:
        return records.one_inference(self._inferences, self._catalog, self._tenant, inference_id)

    def inferences(self, query: EventQuery) -> Page:
        keep: records.TextFilter | None = None
        if query.text and query.text.strip():
            wanted = self._words.of(query.text)
            if not wanted:
                return Page(rows=[], cursor=None)

            def keep(texts: Sequence[str]) -> NDArray[np.bool_]:
                return self._words.matching(texts, wanted)

        return records.inference_page(self._inferences, self._catalog, self._tenant, query, keep)

    def touched_minutes(
        self, since_cursor: int, limit: int = 10_000
    ) -> tuple[list[tuple[str, int]], int]:
        with self._inferences.read() as connection:
            found = connection.execute(
                "SELECT id, model_id, minute_ms FROM touched WHERE tenant = ? AND id > ?"
                " ORDER BY id LIMIT ?",
                (self._tenant, since_cursor, max(limit, 0)),
            ).fetchall()
        cursor = found[-1][0] if found else since_cursor
        return [(model_id, minute_ms) for _, model_id, minute_ms in found], cursor

    def logs(self, query: EventQuery) -> Page:
        return self._page(rows.LOGS, query)

    def spans(self, query: EventQuery) -> Page:
        return self._page(rows.SPANS, query)

    def events(self, query: EventQuery) -> Page:
        return self._page(rows.EVENTS, query)

    def trace(self, trace_id: str) -> list[Span]:
        with self._rows.read() as connection:
            return rows.trace(connection, self._tenant_of(connection), trace_id)

    def traces(self, query: TraceQuery) -> Page:
        with self._rows.read() as connection:
            return traces.trace_page(connection, self._tenant_of(connection), query)

    def service_edges(
        self, start_ms: int, end_ms: int, *, step_ms: int | None = 60_000
    ) -> list[ServiceEdge]:
        with self._rows.read() as connection:
            tenant = self._tenant_of(connection)
            return edges.service_edges(connection, tenant, start_ms, end_ms, step_ms)

    def log_counts(
        self,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        by: Literal["level", "service"] = "level",
        service: str | None = None,
    ) -> dict[str, NDArray[np.int64]]:
        with self._rows.read() as connection:
            tenant = self._tenant_of(connection)
            return log_counts(connection, tenant, (start_ms, end_ms), step_ms, by, service)

    def put_analysis(self, analysis: Analysis) -> None:
        tenant = self._own_tenant()
        self._rows.write(
            lambda connection: connection.execute(
                "INSERT OR REPLACE INTO analysis VALUES (?, ?, ?, ?, ?)",
                (
                    tenant,
                    analysis.kind,
                    analysis.subject,
                    analysis.computed_at_ms,
                    analysis.body,
                ),
            )
        )

    def analyses(
        self, kind: str, subject: str, start_ms: int, end_ms: int, *, limit: int = 100
    ) -> list[Analysis]:
        with self._rows.read() as connection:
            found = connection.execute(
                "SELECT kind, subject, computed_at_ms, body FROM analysis WHERE tenant = ?"
                " AND kind = ? AND subject = ? AND computed_at_ms >= ? AND computed_at_ms < ?"
                " ORDER BY computed_at_ms DESC LIMIT ?",
                (self._tenant_of(connection), kind, subject, start_ms, end_ms, max(limit, 0)),
            )
            return [Analysis(*row) for row in found]

    def _add(self, table: rows.Table, batch: Sequence[Any]) -> Added:
        rows.check_rows(table, batch)
        if not batch:
            return Added(stored=0, duplicates=0)
        tenant, now_ms = self._own_tenant(), self._now_ms()

        def store(connection: sqlite3.Connection) -> int:
            stored = rows.insert(connection, table, tenant, batch)
            if table is rows.SPANS:
                edges.count_spans(connection, tenant, stored, now_ms)
                traces.count_traces(connection, tenant, stored)
            elif table is rows.LOGS:
                count_logs(connection, tenant, stored)
            return len(stored)

        return rows.added(batch, self._rows.write(store))

    def _page(self, table: rows.Table, query: EventQuery) -> Page:
        with self._rows.read() as connection:
            tenant = self._tenant_of(connection)
            if query.text and query.text.strip():
                return text.search(connection, table, tenant, query, self._words)
            return rows.page(connection, table, tenant, query)

    def _tenant_of(self, connection: sqlite3.Connection) -> int:
        """The tenant's number, or one that no row has while it has written nothing."""
        if self._tenant_id is None:
            row = connection.execute(
                "SELECT id FROM tenant WHERE name = ?", (self._tenant,)
            ).fetchone()
            if row is None:
                return 0
            self._tenant_id = row[0]
        return self._tenant_id

    def _own_tenant(self) -> int:
        if self._tenant_id is None:
            self._rows.write(
                lambda connection: connection.execute(
                    "INSERT INTO tenant(name) VALUES (?) ON CONFLICT DO NOTHING", (self._tenant,)
                )
            )
            with self._rows.read() as connection:
                return self._tenant_of(connection)
        return self._tenant_id
