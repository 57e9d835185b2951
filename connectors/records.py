"""State of the hub in SQL: documents with revisions, blobs, leases and claimed runs.

One table of JSON documents serves every kind of state, so a new noun needs no migration. All writes
of a tenant are serialised (SQLite: one writer; PostgreSQL: an advisory lock per tenant), so a
transaction that reads and then writes sees nobody in between.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import msgspec
import sqlalchemy as sa

from connectors.audit_log import SqlAuditLog
from connectors.errors import Conflict, ConnectorError, Refused
from connectors.leases import RUNS_KEPT_MS, SqlLock, claim, forget_runs, upsert
from connectors.migrations import migrate
from connectors.protocols import Lock, Record, StoreHealth
from connectors.record_tables import blobs, documents
from connectors.sql_engine import BUSY_S, open_engine, translated
from connectors.turns import Turns

_MAX_KEY = 500
_MAX_LIST = 10_000
_FORGET_EVERY_S = 3_600.0


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class SqlRecordBackend:
    """`RecordBackend` on SQLite or PostgreSQL; one per process, safe for threads."""

    def __init__(self, url: str) -> None:
        self._engine = open_engine(url)
        self._write = self._engine.execution_options(writes=True)
        self._open = threading.local()
        is_sqlite = self._engine.dialect.name == "sqlite"
        self._begin = Turns(self._write, BUSY_S).transaction if is_sqlite else self._write.begin
        self._forget_at = time.monotonic() + _FORGET_EVERY_S
        try:
            with translated(), self._write.begin() as connection:
                migrate(connection)
        except ConnectorError:
            self.close()
            raise

    def scoped(self, tenant: str) -> SqlRecordStore:
        """Return one tenant's store; ``""`` is the installation itself."""
        if tenant:
            _check_key("tenant", tenant)
        return SqlRecordStore(self._engine, self._write, self._begin, self._open, tenant)

    def lock(self) -> Lock:
        return SqlLock(self._engine, self._write)

    def claim_run(self, job: str, scheduled_at_ms: int, owner: str) -> bool:
        claimed = claim(self._write, job, scheduled_at_ms, owner)
        if claimed and time.monotonic() >= self._forget_at:
            self._forget_at = time.monotonic() + _FORGET_EVERY_S
            forget_runs(self._write, _now_ms() - RUNS_KEPT_MS)
        return claimed

    def health(self) -> StoreHealth:
        name = f"records ({self._engine.dialect.name})"
        started = time.perf_counter()
        try:
            with translated(), self._engine.connect() as connection:
                connection.execute(sa.select(sa.literal(1)))
        except ConnectorError as error:
            return StoreHealth(name, False, str(error))
        return StoreHealth(name, True, "", {"answer_ms": (time.perf_counter() - started) * 1000})

    def close(self) -> None:
        self._engine.dispose()


class SqlRecordStore:
    """`RecordStore` of one tenant: each single call is its own transaction."""

    def __init__(
        self,
        engine: sa.Engine,
        write: sa.Engine,
        begin: Callable[[], AbstractContextManager[sa.Connection]],
        open_here: threading.local,
        tenant: str,
    ) -> None:
        self._engine = engine
        self._write = write
        self._begin = begin
        self._open = open_here
        self._tenant = tenant

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        if getattr(self._open, "tenant", None) is not None:
            # SQLite has one writer: a second transaction would wait for its own thread.
            raise RuntimeError("a record transaction is already open in this thread: use it")
        self._open.tenant = self._tenant
        try:
            with translated(), self._begin() as connection:
                _serialise(connection, self._tenant)
                transaction = SqlTransaction(connection, self._tenant)
                yield transaction
                transaction.flush()
        finally:
            self._open.tenant = None

    @contextmanager
    def read_chain(self) -> Iterator[SqlAuditLog]:
        with translated(), self._engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
            yield SqlAuditLog(connection, self._tenant)

    def get(self, kind: str, id: str) -> Record | None:
        with translated(), self._engine.connect() as connection:
            return SqlTransaction(connection, self._tenant).get(kind, id)

    def list(
        self,
        kind: str,
        *,
        where: dict[str, str] | None = None,
        limit: int = 1_000,
        after_id: str | None = None,
    ) -> list[Record]:
        with translated(), self._engine.connect() as connection:
            return SqlTransaction(connection, self._tenant).list(
                kind, where=where, limit=limit, after_id=after_id
            )

    def put(
        self, kind: str, id: str, body: dict[str, Any], *, expected_revision: int | None = None
    ) -> Record:
        with self.transaction() as transaction:
            return transaction.put(kind, id, body, expected_revision=expected_revision)

    def delete(self, kind: str, id: str) -> bool:
        with self.transaction() as transaction:
            return transaction.delete(kind, id)

    def put_blob(self, kind: str, id: str, content: bytes) -> None:
        row = {"content": content, "updated_at_ms": _now_ms()}
        insert = upsert(self._engine, blobs).values(tenant=self._tenant, **_key(kind, id), **row)
        statement = insert.on_conflict_do_update(index_elements=list(blobs.primary_key), set_=row)
        with translated(), self._write.begin() as connection:
            connection.execute(statement)

    def get_blob(self, kind: str, id: str) -> bytes | None:
        statement = sa.select(blobs.c.content).where(*self._blob(kind, id))
        with translated(), self._engine.connect() as connection:
            content = connection.execute(statement).scalar()
        return None if content is None else bytes(content)

    def delete_blob(self, kind: str, id: str) -> bool:
        with translated(), self._write.begin() as connection:
            gone = connection.execute(sa.delete(blobs).where(*self._blob(kind, id)))
            return gone.rowcount == 1

    def _blob(self, kind: str, id: str) -> tuple[sa.ColumnElement[bool], ...]:
        key = _key(kind, id)
        return (
            blobs.c.tenant == self._tenant,
            blobs.c.kind == key["kind"],
            blobs.c.id == key["id"],
        )


class SqlTransaction:
    """`RecordTransaction` on an open connection; committed by `SqlRecordStore.transaction`."""

    def __init__(self, connection: sa.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant
        self._chains: dict[str, SqlAuditLog] = {}

    def get(self, kind: str, id: str) -> Record | None:
        row = self._connection.execute(sa.select(documents).where(*self._where(kind, id))).first()
        return None if row is None else _record(row)

    def put(
        self, kind: str, id: str, body: dict[str, Any], *, expected_revision: int | None = None
    ) -> Record:
        now = _now_ms()
        new = {"body": _encode(body), "updated_at_ms": now}
        grown = {**new, "revision": documents.c.revision + 1}
        statement: Any  # Insert or Update, both with RETURNING
        if expected_revision is not None and expected_revision > 0:
            statement = (
                sa.update(documents)
                .where(*self._where(kind, id), documents.c.revision == expected_revision)
                .values(grown)
            )
        else:
            statement = upsert(self._connection.engine, documents).values(
                tenant=self._tenant, **_key(kind, id), revision=1, created_at_ms=now, **new
            )
            keys = list(documents.primary_key)
            if expected_revision is None:
                statement = statement.on_conflict_do_update(index_elements=keys, set_=grown)
            else:
                statement = statement.on_conflict_do_nothing(index_elements=keys)
        row = self._connection.execute(statement.returning(*documents.c)).first()
        if row is None:
            wanted = f"revision {expected_revision}" if expected_revision else "absence"
            raise Conflict(f"{kind} {id!r} was changed by somebody else: expected {wanted}")
        return _record(row)

    def delete(self, kind: str, id: str) -> bool:
        gone = self._connection.execute(sa.delete(documents).where(*self._where(kind, id)))
        return gone.rowcount == 1

    def list(
        self,
        kind: str,
        *,
        where: dict[str, str] | None = None,
        limit: int = 1_000,
        after_id: str | None = None,
    ) -> list[Record]:
        if not 1 <= limit <= _MAX_LIST:
            raise Refused(f"limit must be between 1 and {_MAX_LIST}, got {limit}")
        statement = (
            sa.select(documents)
            .where(documents.c.tenant == self._tenant, documents.c.kind == kind)
            .order_by(documents.c.id)
            .limit(limit)
        )
        if after_id is not None:
            statement = statement.where(documents.c.id > after_id)
        for field, value in (where or {}).items():
            statement = statement.where(self._field_equals(field, value))
        return [_record(row) for row in self._connection.execute(statement)]

    def chain(self, tenant: str) -> SqlAuditLog:
        if tenant not in self._chains:
            if tenant != self._tenant:
                _serialise(self._connection, tenant)
            self._chains[tenant] = SqlAuditLog(self._connection, tenant)
        return self._chains[tenant]

    def flush(self) -> None:
        """Write what was told to audit chains."""
        for chain in self._chains.values():
            chain.flush()

    def _where(self, kind: str, id: str) -> tuple[sa.ColumnElement[bool], ...]:
        key = _key(kind, id)
        return (
            documents.c.tenant == self._tenant,
            documents.c.kind == key["kind"],
            documents.c.id == key["id"],
        )

    def _field_equals(self, field: str, value: str) -> sa.ColumnElement[bool]:
        if not field.isidentifier():
            raise Refused(f"where takes names of top-level fields, got {field!r}")
        if self._connection.dialect.name == "postgresql":
            body = sa.cast(documents.c.body, sa.JSON)
            is_text = sa.func.json_typeof(body[field]) == "string"
            # CASE: PostgreSQL may evaluate AND in any order, and text() of a list is no match.
            return sa.case((is_text, body[field].as_string() == value), else_=sa.false())
        return sa.func.json_extract(documents.c.body, f'$."{field}"') == value


def _key(kind: str, id: str) -> dict[str, str]:
    _check_key("kind", kind)
    _check_key("id", id)
    return {"kind": kind, "id": id}


def _check_key(what: str, text: str) -> None:
    # NUL and lone surrogates do not survive a database; better refused than changed.
    if not 1 <= len(text) <= _MAX_KEY:
        raise Refused(f"{what} must have 1 to {_MAX_KEY} characters, got {len(text)}")
    if "\x00" in text or not text.isascii() and text.encode(errors="replace").decode() != text:
        raise Refused(f"{what} must be printable text")


def _encode(body: dict[str, Any]) -> str:
    # The standard encoder: it refuses NaN, where faster ones write null in its place.
    try:
        text = json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Refused(f"a record's body must be JSON: {error}") from error
    return text


def _record(row: sa.Row[Any]) -> Record:
    body = msgspec.json.decode(row.body, type=dict[str, Any])
    return Record(row.kind, row.id, row.revision, body, row.created_at_ms, row.updated_at_ms)


def _serialise(connection: sa.Connection, tenant: str) -> None:
    """Let no other transaction write for this tenant; SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_advisory_key(tenant))))


def _advisory_key(tenant: str) -> int:
    digest = hashlib.blake2b(tenant.encode(), digest_size=8, person=b"aiobs-records").digest()
    return int.from_bytes(digest, "big", signed=True)
