"""The record store's schema history: forward only, applied once at start under a lock."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from connectors.errors import Refused

HEAD = "r0002"
"""The newest revision; kept here so that an up-to-date start does not import Alembic."""

_LOCK_KEY = 0x41494F4253  # "AIOBS": PostgreSQL advisory locks are numbers


def migrate(connection: sa.Connection) -> None:
    """Bring the schema to `HEAD` in the caller's transaction; a second caller finds it done."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK_KEY)))
    current = _current_revision(connection)
    if current == HEAD:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, HEAD)
    except CommandError as error:
        raise Refused(
            f"the database has schema {current!r}, which this version does not know: "
            "it was written by a newer one"
        ) from error


def _current_revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)
