"""Leases and run claims in SQL: one statement each, so any number of processes may compete."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from connectors.protocols import Lease
from connectors.record_tables import leases, run_horizons, runs
from connectors.sql_engine import translated

RUNS_KEPT_MS = 30 * 86_400_000


def upsert(engine: sa.Engine, table: sa.Table) -> Any:  # the two dialects' Insert share no type
    """Return the dialect's INSERT that understands ON CONFLICT."""
    if engine.dialect.name == "postgresql":
        from sqlalchemy.dialects.postgresql import insert as postgres_insert

        return postgres_insert(table)
    from sqlalchemy.dialects.sqlite import insert as sqlite_insert

    return sqlite_insert(table)


def database_now_ms(engine: sa.Engine) -> sa.ColumnElement[int]:
    """Return the database's own clock: hubs on several machines then agree on expiry."""
    if engine.dialect.name == "postgresql":
        return sa.literal_column("(extract(epoch FROM clock_timestamp()) * 1000)::bigint")
    return sa.literal_column("CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)")


class SqlLock:
    """`Lock` over the leases table. A row stays after release, so tokens never repeat."""

    def __init__(self, engine: sa.Engine, write: sa.Engine) -> None:
        self._engine = engine
        self._write = write

    def acquire(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        now = database_now_ms(self._engine)
        insert = upsert(self._engine, leases).values(
            name=name, owner=owner, token=1, expires_at_ms=now + int(ttl_s * 1000)
        )
        held = leases.c.expires_at_ms > now
        mine = leases.c.owner == owner
        statement = insert.on_conflict_do_update(
            index_elements=[leases.c.name],
            set_={
                "token": sa.case((sa.and_(mine, held), leases.c.token), else_=leases.c.token + 1),
                "owner": owner,
                "expires_at_ms": insert.excluded.expires_at_ms,
            },
            where=sa.or_(mine, sa.not_(held)),
        ).returning(leases.c.token, leases.c.expires_at_ms)
        with translated(), self._write.begin() as connection:
            row = connection.execute(statement).first()
        return None if row is None else Lease(name, owner, row.token, row.expires_at_ms)

    def release(self, lease: Lease) -> bool:
        statement = (
            sa.update(leases)
            .where(
                leases.c.name == lease.name,
                leases.c.token == lease.token,
                leases.c.owner == lease.owner,
                leases.c.expires_at_ms > database_now_ms(self._engine),
            )
            .values(expires_at_ms=0)
        )
        with translated(), self._write.begin() as connection:
            return connection.execute(statement).rowcount == 1


def claim(write: sa.Engine, job: str, scheduled_at_ms: int, owner: str) -> bool:
    """Insert the run; True when it was not there and is not older than what was forgotten."""
    forgotten = sa.exists().where(
        run_horizons.c.job == job, run_horizons.c.before_ms > scheduled_at_ms
    )
    row = sa.select(
        sa.literal(job, sa.Text),
        sa.literal(scheduled_at_ms, sa.BigInteger),
        sa.literal(owner, sa.Text),
        database_now_ms(write),
    ).where(sa.not_(forgotten))
    names = ["job", "scheduled_at_ms", "owner", "claimed_at_ms"]
    insert = upsert(write, runs).from_select(names, row).on_conflict_do_nothing()
    with translated(), write.begin() as connection:
        return connection.execute(insert.returning(runs.c.job)).first() is not None


def forget_runs(write: sa.Engine, before_ms: int) -> int:
    """Delete runs scheduled before a time, and remember per job that they are gone."""
    old = (
        sa.select(runs.c.job, (sa.func.max(runs.c.scheduled_at_ms) + 1).label("before_ms"))
        .where(runs.c.scheduled_at_ms < before_ms)
        .group_by(runs.c.job)
    )
    insert = upsert(write, run_horizons).from_select(["job", "before_ms"], old)
    horizon = insert.on_conflict_do_update(
        index_elements=[run_horizons.c.job], set_={"before_ms": insert.excluded.before_ms}
    )
    with translated(), write.begin() as connection:
        connection.execute(horizon)
        removed = connection.execute(sa.delete(runs).where(runs.c.scheduled_at_ms < before_ms))
        return removed.rowcount
