"""The audit chain in SQL, beside the records whose changes it tells and in their transaction."""

from __future__ import annotations

from typing import Any

import msgspec
import sqlalchemy as sa

from connectors.errors import Conflict, Refused
from connectors.leases import upsert
from connectors.protocols.audit import AuditEntry, AuditHead, AuditQuery
from connectors.record_tables import audit_entries, audit_heads, audit_nodes

_MAX_PAGE = 10_000
_COLUMNS = ("actor", "action", "kind", "resource")


class SqlAuditLog:
    """`AuditLog` of one tenant on an open connection.

    What a transaction appends goes to the database in one statement a table: when it ends
    (`flush`), or before it reads.
    """

    def __init__(self, connection: sa.Connection, tenant: str) -> None:
        self._connection = connection
        self._tenant = tenant
        self._tip: tuple[int, bytes | None] | None = None
        self._entries: list[AuditEntry] = []
        self._nodes: dict[tuple[int, int], bytes] = {}

    def tip(self) -> tuple[int, bytes | None]:
        if self._tip is None:
            newest = (
                sa.select(audit_entries.c.seq, audit_entries.c.hash)
                .where(audit_entries.c.tenant == self._tenant)
                .order_by(audit_entries.c.seq.desc())
                .limit(1)
            )
            row = self._connection.execute(newest).first()
            self._tip = (0, None) if row is None else (row.seq + 1, bytes(row.hash))
        return self._tip

    def append(self, entry: AuditEntry, nodes: list[tuple[int, int, bytes]]) -> None:
        self._entries.append(entry)
        self._nodes |= {(level, index): value for level, index, value in nodes}
        self._tip = (entry.seq + 1, entry.hash)

    def flush(self) -> None:
        """Write what was appended; raises `Conflict` where another wrote the same places."""
        entries, self._entries = self._entries, []
        nodes, self._nodes = self._nodes, {}
        if not entries:
            return
        rows = [{"tenant": self._tenant, **msgspec.structs.asdict(entry)} for entry in entries]
        grown = [
            {"tenant": self._tenant, "level": level, "place": index, "hash": value}
            for (level, index), value in nodes.items()
        ]
        try:
            self._connection.execute(sa.insert(audit_entries), rows)
            self._connection.execute(sa.insert(audit_nodes), grown)
        except sa.exc.IntegrityError as error:
            raise Conflict(f"entry {entries[0].seq} of the audit chain exists already") from error

    def node(self, level: int, index: int) -> bytes:
        if (level, index) in self._nodes:
            return self._nodes[level, index]
        wanted = sa.select(audit_nodes.c.hash).where(
            audit_nodes.c.tenant == self._tenant,
            audit_nodes.c.level == level,
            audit_nodes.c.place == index,
        )
        found = self._connection.execute(wanted).scalar()
        if found is None:
            raise Refused(f"the audit tree has no subtree {index} of level {level}")
        return bytes(found)

    def nodes(self, level: int, first: int, limit: int) -> list[bytes]:
        self.flush()
        wanted = (
            sa.select(audit_nodes.c.hash)
            .where(
                audit_nodes.c.tenant == self._tenant,
                audit_nodes.c.level == level,
                audit_nodes.c.place >= first,
            )
            .order_by(audit_nodes.c.place)
            .limit(limit)
        )
        return [_bytes(value) for value in self._connection.execute(wanted).scalars()]

    def get(self, seq: int) -> AuditEntry | None:
        self.flush()
        row = self._connection.execute(
            sa.select(audit_entries).where(
                audit_entries.c.tenant == self._tenant, audit_entries.c.seq == seq
            )
        ).first()
        return None if row is None else _entry(row)

    def entries(self, first: int, limit: int) -> list[AuditEntry]:
        self.flush()
        wanted = (
            sa.select(audit_entries)
            .where(audit_entries.c.tenant == self._tenant, audit_entries.c.seq >= first)
            .order_by(audit_entries.c.seq)
            .limit(limit)
        )
        return [_entry(row) for row in self._connection.execute(wanted)]

    def find(
        self, query: AuditQuery, *, before: int | None = None, limit: int = 100
    ) -> list[AuditEntry]:
        if not 1 <= limit <= _MAX_PAGE:
            raise Refused(f"limit must be between 1 and {_MAX_PAGE}, got {limit}")
        self.flush()
        wanted = sa.select(audit_entries).where(*self._where(query))
        if before is not None:
            wanted = wanted.where(audit_entries.c.seq < before)
        newest = wanted.order_by(audit_entries.c.seq.desc()).limit(limit)
        return [_entry(row) for row in self._connection.execute(newest)]

    def count(self, query: AuditQuery) -> int:
        self.flush()
        counted = sa.select(sa.func.count()).select_from(audit_entries).where(*self._where(query))
        return int(self._connection.execute(counted).scalar() or 0)

    def put_head(self, head: AuditHead) -> None:
        row = {"root": head.root, "note": head.note, "at_ms": head.at_ms}
        insert = upsert(self._connection.engine, audit_heads).values(
            tenant=self._tenant, size=head.size, **row
        )
        self._connection.execute(
            insert.on_conflict_do_update(index_elements=list(audit_heads.primary_key), set_=row)
        )

    def head(self, at_most: int | None = None) -> AuditHead | None:
        wanted = sa.select(audit_heads).where(audit_heads.c.tenant == self._tenant)
        if at_most is not None:
            wanted = wanted.where(audit_heads.c.size <= at_most)
        row = self._connection.execute(wanted.order_by(audit_heads.c.size.desc()).limit(1)).first()
        return None if row is None else _head(row)

    def heads(self) -> list[AuditHead]:
        wanted = sa.select(audit_heads).where(audit_heads.c.tenant == self._tenant)
        return [_head(row) for row in self._connection.execute(wanted.order_by(audit_heads.c.size))]

    def _where(self, query: AuditQuery) -> list[sa.ColumnElement[bool]]:
        conditions: list[sa.ColumnElement[bool]] = [audit_entries.c.tenant == self._tenant]
        for name in _COLUMNS:
            if value := getattr(query, name):
                conditions.append(audit_entries.c[name] == value)
        if query.start_ms is not None:
            conditions.append(audit_entries.c.at_ms >= query.start_ms)
        if query.end_ms is not None:
            conditions.append(audit_entries.c.at_ms < query.end_ms)
        return conditions


def _head(row: sa.Row[Any]) -> AuditHead:
    return AuditHead(row.size, bytes(row.root), row.note, row.at_ms)


def _entry(row: sa.Row[Any]) -> AuditEntry:
    return AuditEntry(
        row.seq, _bytes(row.body), _bytes(row.hash), row.at_ms, row.actor, row.action, row.kind,
        row.resource,
    )  # fmt: skip


def _bytes(value: Any) -> bytes:
    """Return a column's bytes; text is what SQLite holds where somebody else wrote to the file."""
    return value.encode() if isinstance(value, str) else bytes(value)
