"""Open the SQL database behind the record store: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event, exc

from connectors.errors import Conflict, ConnectorError, Refused, Unavailable

BUSY_S = 15.0
_BUSY_TIMEOUT_MS = int(1_000 * BUSY_S)
_CONNECT_TIMEOUT_S = 5


def open_engine(url: str) -> sa.Engine:
    """Return an engine for ``sqlite:///file`` or ``postgresql://...``; anything else is refused."""
    try:
        parsed = sa.make_url(url)
    except exc.ArgumentError as error:
        raise Refused(
            "a records URL looks like sqlite:///file or postgresql://host/name"
        ) from error
    if parsed.drivername == "sqlite":
        return _open_sqlite(parsed)
    if parsed.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        own = parsed.query.get("options", "")  # such as -csearch_path=hub
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_pre_ping=True,
            pool_size=8,
            max_overflow=8,
            connect_args={
                "connect_timeout": _CONNECT_TIMEOUT_S,
                "options": f"-c lock_timeout={_BUSY_TIMEOUT_MS} {own}".strip(),
            },
        )
    raise Refused(f"records live in SQLite or PostgreSQL, not in {parsed.drivername!r}")


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's errors into the connectors' own; messages carry no address or secret."""
    try:
        yield
    except ConnectorError:
        raise
    except exc.DBAPIError as error:
        raise _translate(error) from error
    except exc.SQLAlchemyError as error:
        raise Unavailable(
            f"the record database is not usable now ({type(error).__name__})"
        ) from error


def _translate(error: exc.DBAPIError) -> ConnectorError:
    state = getattr(error.orig, "sqlstate", None)
    if state in ("40001", "40P01"):  # serialization failure, deadlock
        return Conflict("another transaction changed the same records first; try again")
    if isinstance(error, exc.DataError | exc.IntegrityError | exc.ProgrammingError):
        return Refused(f"the record database refused the statement ({type(error.orig).__name__})")
    reason = "is busy" if "locked" in str(error.orig) else "does not answer or cannot store now"
    return Unavailable(f"the record database {reason} ({type(error.orig).__name__})")


def _open_sqlite(url: sa.URL) -> sa.Engine:
    if not url.database or url.database == ":memory:":
        raise Refused("records need a file: threads and processes would each see their own memory")
    path = Path(url.database)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Key hashes live here: readable by the owner alone, side files inherit the mode.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise Unavailable(f"cannot open the record database: {error.strerror}") from error
    engine = sa.create_engine(url, pool_size=8, max_overflow=8)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:  # the driver's own connection object
    connection.isolation_level = None  # we say BEGIN ourselves, so that DDL rolls back too
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    # A deferred transaction that reads first fails with "locked" when it comes to write.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
