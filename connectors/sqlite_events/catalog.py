"""What the inference file knows of names: columns, streams, days, and keys of ids."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec
import numpy as np

from connectors.errors import Refused
from connectors.sqlite_events.database import Database

DAY_MS = 86_400_000
MINUTE_MS = 60_000
TIME_BITS = 42  # milliseconds up to the year 2109
DAY_BITS = 20
POSITION_BITS = 20
COLUMN_BITS = 24

SCHEMA = """
CREATE TABLE IF NOT EXISTS column_name(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS stream(
  id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, model_id TEXT NOT NULL, version TEXT NOT NULL,
  first_ms INTEGER, last_ms INTEGER, count INTEGER NOT NULL DEFAULT 0,
  is_sample INTEGER NOT NULL DEFAULT 0, UNIQUE(tenant, model_id, version));
CREATE TABLE IF NOT EXISTS chunk(
  id INTEGER PRIMARY KEY AUTOINCREMENT, part INTEGER NOT NULL, rows INTEGER NOT NULL,
  min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL, min_seq INTEGER NOT NULL,
  max_seq INTEGER NOT NULL, tier INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS chunk_part ON chunk(part);
CREATE INDEX IF NOT EXISTS chunk_small ON chunk(part, tier) WHERE tier < 3;
CREATE TABLE IF NOT EXISTS block(id INTEGER PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS ident(
  key INTEGER PRIMARY KEY, part INTEGER NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL,
  label_ms INTEGER, label_check INTEGER);
CREATE TABLE IF NOT EXISTS trace_ref(
  key INTEGER NOT NULL, part INTEGER NOT NULL, seq INTEGER NOT NULL, PRIMARY KEY(key, part, seq)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS label_chunk(
  id INTEGER PRIMARY KEY AUTOINCREMENT, part INTEGER NOT NULL, rows INTEGER NOT NULL,
  tier INTEGER NOT NULL, data BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS label_chunk_part ON label_chunk(part);
CREATE INDEX IF NOT EXISTS label_chunk_small ON label_chunk(part, tier) WHERE tier < 3;
CREATE TABLE IF NOT EXISTS orphan_label(
  key INTEGER PRIMARY KEY, label_ms INTEGER NOT NULL, value BLOB NOT NULL,
  arrived_ms INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS orphan_label_age ON orphan_label(arrived_ms);
CREATE TABLE IF NOT EXISTS touched(
  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, model_id TEXT NOT NULL,
  minute_ms INTEGER NOT NULL, UNIQUE(tenant, model_id, minute_ms));
"""


class Stream(msgspec.Struct, frozen=True):
    """One (tenant, model, version)."""

    id: int
    tenant: str
    model_id: str
    version: str


def check_time(timestamp_ms: int) -> None:
    """Raise `Refused` for a time that no window could ever show."""
    if not 0 <= timestamp_ms < 1 << TIME_BITS:
        raise Refused(f"timestamp_ms {timestamp_ms} is not between the years 1970 and 2109")


def part_of(stream: int, timestamp_ms: int) -> int:
    """The partition of a stream's UTC day: unit of merging and retention."""
    return stream << DAY_BITS | timestamp_ms // DAY_MS


def day_of(part: int) -> int:
    """Days since 1970 of a partition."""
    return part & ((1 << DAY_BITS) - 1)


def keys_of(tenant: str, ids: Iterable[str]) -> list[int]:
    """64-bit keys of ids, different in every tenant."""
    salt = blake2b(tenant.encode(), digest_size=16).digest()
    digests = [
        blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, key=salt).digest()
        for text in ids
    ]
    found: list[int] = np.frombuffer(b"".join(digests), np.int64).tolist()
    return found


class Catalog:
    """Ids of column names and streams: they never change, so each process remembers them.

    New names commit before the rows that use them; a crash between leaves a name without rows.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._columns: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._streams: dict[tuple[str, str, str], Stream] = {}

    def column_ids(self, names: Sequence[str]) -> list[int]:
        """Ids of columns, created where new."""
        missing = [name for name in names if name not in self._columns]
        if missing:

            def create(connection: sqlite3.Connection) -> None:
                for name in missing:
                    connection.execute(
                        "INSERT INTO column_name(name) VALUES (?) ON CONFLICT DO NOTHING", (name,)
                    )
                (last,) = connection.execute("SELECT max(id) FROM column_name").fetchone()
                if last >= 1 << COLUMN_BITS:
                    raise Refused(f"more than {1 << COLUMN_BITS} distinct column names")

            self._database.write(create)
            self._learn_columns()
        return [self._columns[name] for name in names]

    def column_id(self, name: str) -> int | None:
        """Id of a column if any row ever had it."""
        if name not in self._columns:
            self._learn_columns()
        return self._columns.get(name)

    def column_name(self, column: int) -> str:
        """Name of a stored column."""
        if column not in self._names:
            self._learn_columns()
        return self._names[column]

    def _learn_columns(self) -> None:
        known = max(self._names, default=0)
        with self._database.read() as connection:
            rows = connection.execute("SELECT id, name FROM column_name WHERE id > ?", (known,))
            for column, name in rows.fetchall():
                self._names[column] = name
                self._columns[name] = column

    def stream(self, tenant: str, model_id: str, version: str) -> Stream:
        """The stream, created when new."""
        key = (tenant, model_id, version)
        if key not in self._streams:
            self._database.write(
                lambda connection: connection.execute(
                    "INSERT INTO stream(tenant, model_id, version) VALUES (?, ?, ?)"
                    " ON CONFLICT DO NOTHING",
                    key,
                )
            )
            with self._database.read() as connection:
                (found,) = connection.execute(
                    "SELECT id FROM stream WHERE tenant=? AND model_id=? AND version=?", key
                ).fetchone()
            self._streams[key] = Stream(found, tenant, model_id, version)
        return self._streams[key]


def streams_of(
    connection: sqlite3.Connection,
    tenant: str,
    model_id: str | None = None,
    version: str | None = None,
) -> list[Stream]:
    """Streams of a tenant that match."""
    # What is not asked for is left out of the query: `? IS NULL OR` would look through all streams.
    given = {"tenant": tenant, "model_id": model_id, "version": version}
    wanted = {name: value for name, value in given.items() if value is not None}
    where = " AND ".join(f"{name} = :{name}" for name in wanted)
    rows = connection.execute(
        f"SELECT id, tenant, model_id, version FROM stream WHERE {where} ORDER BY id", wanted
    )
    return [Stream(*row) for row in rows]


def stream_by_id(connection: sqlite3.Connection, stream: int) -> Stream:
    """The stream with an id that a partition carries."""
    row = connection.execute(
        "SELECT id, tenant, model_id, version FROM stream WHERE id = ?", (stream,)
    ).fetchone()
    return Stream(*row)


def touch(connection: sqlite3.Connection, tenant: str, pairs: Iterable[tuple[str, int]]) -> None:
    """Note (model_id, minute_ms) pairs as changed; each gets a cursor above all earlier ones."""
    connection.executemany(
        "INSERT OR REPLACE INTO touched(tenant, model_id, minute_ms) VALUES (?, ?, ?)",
        [(tenant, model_id, minute_ms) for model_id, minute_ms in sorted(pairs)],
    )
