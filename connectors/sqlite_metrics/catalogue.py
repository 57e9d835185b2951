"""The series dictionary: (tenant, name, labels) <-> number, and which series a selector means."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Iterable

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.selector import Matcher, Selector
from connectors.telemetry import Series

SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    sid INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL, name TEXT NOT NULL, labels TEXT NOT NULL,
    UNIQUE (tenant, name, labels)
);
CREATE TABLE IF NOT EXISTS dropped (sid INTEGER PRIMARY KEY);
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT OR IGNORE INTO meta VALUES ('generation', 0);
"""
_SELECTIONS_KEPT = 512

_encode_labels = msgspec.json.Encoder().encode
_decode_labels = msgspec.json.Decoder(tuple[tuple[str, str], ...]).decode


class Selection(msgspec.Struct, frozen=True):
    """Series in order of name and labels, and their numbers in the same order."""

    sids: NDArray[np.int64]
    series: list[Series]
    groups: dict[tuple[str, ...], tuple[list[Series], NDArray[np.int64]]] = {}
    """What readers grouped the series by so far, as `window.group_series` returns it."""


class _Tenant:
    """One tenant's series with an index by name and by label value."""

    def __init__(self) -> None:
        self.sids: dict[Series, int] = {}
        self.by_name: dict[str, dict[Series, int]] = defaultdict(dict)
        self.by_label: dict[str, dict[str, set[Series]]] = defaultdict(lambda: defaultdict(set))
        self.selections: OrderedDict[Selector, Selection] = OrderedDict()

    def add(self, series: Series, sid: int) -> None:
        self.sids[series] = sid
        self.by_name[series.name][series] = sid
        for label, value in series.labels:
            self.by_label[label][value].add(series)
        self.selections.clear()

    def matching(self, selector: Selector) -> Iterable[Series]:
        candidates: set[Series] | None = None
        rest: list[Matcher] = []
        for matcher in selector.matchers:
            if matcher.accepts(""):  # absent labels match too: an index of values cannot tell
                rest.append(matcher)
                continue
            values = self.by_label.get(matcher.label, {})
            wanted = (
                [values.get(matcher.value, set())]
                if matcher.operator == "="
                else [found for value, found in values.items() if matcher.accepts(value)]
            )
            united = wanted[0] if len(wanted) == 1 else set().union(*wanted)
            candidates = united if candidates is None else candidates & united
        if candidates is None:
            pool = self.sids if selector.name is None else self.by_name.get(selector.name, {})
            return [s for s in pool if all(m.accepts(s.label(m.label)) for m in rest)]
        return [
            s
            for s in candidates
            if (selector.name is None or s.name == selector.name)
            and all(m.accepts(s.label(m.label)) for m in rest)
        ]


class Catalogue:
    """Mirror of the dictionary in this process; follows the database by `refresh`."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._tenants: dict[str, _Tenant] = defaultdict(_Tenant)
        self._last_sid = 0
        self._generation = -1
        self._members: dict[int, tuple[str, Series]] | None = None

    def refresh(self, head: sqlite3.Connection) -> None:
        """Load what other processes added; start over when series were deleted."""
        (generation,) = head.execute("SELECT value FROM meta WHERE key = 'generation'").fetchone()
        with self._lock:
            if generation < self._generation:
                return  # an older snapshot than the one already loaded
            if generation > self._generation:
                self._tenants = defaultdict(_Tenant)
                self._last_sid = 0
                self._generation = generation
                self._members = None
            rows = head.execute(
                "SELECT sid, tenant, name, labels FROM series WHERE sid > ? ORDER BY sid",
                (self._last_sid,),
            )
            for sid, tenant, name, labels in rows:
                self._tenants[tenant].add(Series(name, _decode_labels(labels)), sid)
                self._members = None
                self._last_sid = sid

    def resolve(
        self, head: sqlite3.Connection, tenant: str, series: list[Series]
    ) -> NDArray[np.int32]:
        """Return the numbers of series inside the caller's write transaction, adding new ones.

        The transaction must have called `refresh`. What is added becomes known to the process by
        the next `refresh`, hence only if the transaction takes effect.
        """
        known = self._tenants[tenant].sids
        try:
            return np.fromiter(map(known.__getitem__, series), np.int32, len(series))
        except KeyError:
            pass
        added: dict[Series, int] = {}
        sids = np.empty(len(series), np.int32)
        for i, one in enumerate(series):
            sid = known.get(one) or added.get(one)
            if sid is None:
                sid = added[one] = _insert(head, tenant, one)
            sids[i] = sid
        return sids

    def select(self, tenant: str, selector: Selector) -> Selection:
        with self._lock:
            entry = self._tenants[tenant]
            found = entry.selections.get(selector)
            if found is None:
                matching = sorted(entry.matching(selector), key=lambda s: (s.name, s.labels))
                sids = np.fromiter((entry.sids[s] for s in matching), np.int64, len(matching))
                found = entry.selections[selector] = Selection(sids, matching)
                if len(entry.selections) > _SELECTIONS_KEPT:
                    entry.selections.popitem(last=False)
            else:
                entry.selections.move_to_end(selector)
            return found

    def numbers(self, tenant: str, series: list[Series]) -> list[int]:
        """Return the numbers of those series that have one."""
        with self._lock:
            known = self._tenants[tenant].sids
            return [known[s] for s in series if s in known]

    def names(self, tenant: str) -> list[str]:
        with self._lock:
            return sorted(self._tenants[tenant].by_name)

    def label_values(self, tenant: str, label: str) -> list[str]:
        with self._lock:
            return sorted(self._tenants[tenant].by_label.get(label, {}))

    def members(self) -> dict[int, tuple[str, Series]]:
        """Return the tenant and series of every number; do not change it."""
        with self._lock:
            if self._members is None:
                self._members = {
                    sid: (name, series)
                    for name, tenant in self._tenants.items()
                    for series, sid in tenant.sids.items()
                }
            return self._members

    def live(self) -> NDArray[np.int64]:
        """Return the numbers of all series, ascending."""
        with self._lock:
            count = sum(len(t.sids) for t in self._tenants.values())
            sids = (sid for t in self._tenants.values() for sid in t.sids.values())
            return np.sort(np.fromiter(sids, np.int64, count))


def _insert(head: sqlite3.Connection, tenant: str, series: Series) -> int:
    key = (tenant, series.name, _encode_labels(series.labels).decode())
    row = head.execute(
        "INSERT INTO series (tenant, name, labels) VALUES (?, ?, ?) "
        "ON CONFLICT DO NOTHING RETURNING sid",
        key,
    ).fetchone()
    if row is None:
        row = head.execute(
            "SELECT sid FROM series WHERE tenant = ? AND name = ? AND labels = ?", key
        ).fetchone()
    return int(row[0])
