"""Words in messages: an FTS5 index filled off the write path, its tail searched as it stands."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import EventQuery, Page
from connectors.sqlite_events.rows import Table, decode, page_of, where

_TAIL_STEP = 1_000  # rows of the un-indexed tail looked at in one go


class Words:
    """Tokenises and matches exactly as the stored index does: with FTS5 itself, in memory."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._memory = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._memory.execute(
            "CREATE VIRTUAL TABLE text USING fts5(words, content='', detail=none, columnsize=0,"
            " tokenize='unicode61 remove_diacritics 2')"
        )
        self._memory.execute("CREATE VIRTUAL TABLE word USING fts5vocab(text, row)")

    def of(self, text: str) -> list[str]:
        """The distinct words of a text a person typed; operators and quotes are not special."""
        with self._lock:
            self._fill([text])
            return [row[0] for row in self._memory.execute("SELECT term FROM word")]

    def matching(self, texts: Sequence[str], words: Sequence[str]) -> NDArray[np.bool_]:
        """Which texts hold every word."""
        kept = np.zeros(len(texts), bool)
        with self._lock:
            self._fill(texts)
            for (row,) in self._memory.execute(
                "SELECT rowid FROM text WHERE text MATCH ?", (expression(words),)
            ):
                kept[row] = True
        return kept

    def _fill(self, texts: Sequence[str]) -> None:
        self._memory.execute("BEGIN")
        self._memory.execute("INSERT INTO text(text) VALUES ('delete-all')")
        self._memory.executemany(
            "INSERT INTO text(rowid, words) VALUES (?, ?)",
            [(i, storable(text)) for i, text in enumerate(texts)],
        )
        self._memory.execute("COMMIT")

    def close(self) -> None:
        """Free the memory."""
        self._memory.close()


def storable(text: str) -> str:
    """A text that SQLite takes whole: no lone surrogates, no NUL that would end it."""
    return text.encode("utf-8", "replace").decode().replace("\x00", " ")


def expression(words: Sequence[str]) -> str:
    """An FTS5 query for rows with every word."""
    return " ".join('"' + word.replace('"', '""') + '"' for word in words)


def fill(connection: sqlite3.Connection, table: Table, limit: int) -> int:
    """Index up to `limit` waiting rows; how many there were."""
    found = connection.execute(
        f"SELECT p.id, r.body FROM {table.name}_pending p"
        f" LEFT JOIN {table.name} r ON r.id = p.id ORDER BY p.id LIMIT ?",
        (limit,),
    ).fetchall()
    if not found:
        return 0
    connection.executemany(
        f"INSERT INTO {table.name}_text(rowid, words) VALUES (?, ?)",
        [(i, storable(table.words(decode(table, body)))) for i, body in found if body is not None],
    )
    connection.execute(f"DELETE FROM {table.name}_pending WHERE id <= ?", (found[-1][0],))
    return len(found)


def forget(connection: sqlite3.Connection, table: Table, rows: Sequence[tuple[int, bytes]]) -> None:
    """Take rows out of the index before they are deleted."""
    name = table.name
    pending = {
        row[0]
        for row in connection.execute(
            f"SELECT id FROM {name}_pending WHERE id BETWEEN ? AND ?", (rows[0][0], rows[-1][0])
        )
    }
    connection.executemany(
        f"INSERT INTO {name}_text({name}_text, rowid, words) VALUES ('delete', ?, ?)",
        [(i, storable(table.words(decode(table, b)))) for i, b in rows if i not in pending],
    )
    connection.execute(
        f"DELETE FROM {name}_pending WHERE id BETWEEN ? AND ?", (rows[0][0], rows[-1][0])
    )


def search(
    connection: sqlite3.Connection,
    table: Table,
    tenant: int,
    query: EventQuery,
    words: Words,
) -> Page:
    """Rows with every word of `query.text`, newest first, indexed or not."""
    wanted = words.of(query.text or "")
    if not wanted:
        return Page(rows=[], cursor=None)
    _, condition, values = where(table, tenant, query)
    count = max(query.limit, 0) + 1
    low, high = values[1], values[2]
    name = table.name
    found = connection.execute(
        f"SELECT r.id, r.body FROM {name}_text t CROSS JOIN {name} r ON r.id = t.rowid"
        f" WHERE {name}_text MATCH ? AND t.rowid >= ? AND t.rowid < ? AND {condition}"
        " ORDER BY t.rowid DESC LIMIT ?",
        (expression(wanted), low, high, *values, count),
    ).fetchall()
    found += _search_tail(connection, table, (condition, values), words, wanted, count)
    found.sort(key=lambda row: row[0], reverse=True)
    return page_of(table, found, query.limit)


def _search_tail(
    connection: sqlite3.Connection,
    table: Table,
    filters: tuple[str, Sequence[object]],
    words: Words,
    wanted: Sequence[str],
    count: int,
) -> list[tuple[int, bytes]]:
    condition, values = filters
    cursor = connection.execute(
        f"SELECT r.id, r.body FROM {table.name}_pending p"
        f" CROSS JOIN {table.name} r ON r.id = p.id WHERE {condition} ORDER BY p.id DESC",
        tuple(values),
    )
    found: list[tuple[int, bytes]] = []
    while len(found) < count:
        rows = cursor.fetchmany(_TAIL_STEP)
        if not rows:
            break
        texts = [table.words(decode(table, body)) for _, body in rows]
        kept = words.matching(texts, wanted)
        found.extend(row for row, keep in zip(rows, kept, strict=True) if keep)
    return found
