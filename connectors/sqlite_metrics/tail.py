"""The log's frames in memory, searchable by series: what queries see before compaction."""

from __future__ import annotations

import sqlite3
import threading

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.sqlite_metrics.log import Frame, read_frames

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


class Samples(msgspec.Struct, frozen=True):
    """Samples of several series, flat: sample i belongs to row `rows[i]` of what was asked."""

    rows: Ints
    timestamps_ms: Ints
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.values)

    def where(self, kept: Bools) -> Samples:
        if kept.all():
            return self
        return Samples(self.rows[kept], self.timestamps_ms[kept], self.values[kept])


EMPTY = Samples(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.float64))


class _Run(msgspec.Struct, frozen=True):
    """Samples sorted by series, in arrival order within one."""

    sids: NDArray[np.int32]
    timestamps_ms: Ints
    values: NDArray[np.float64]
    frame_ids: Ints


class Tail:
    """Follows the log; `refresh` returns a view that later refreshes do not change."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: tuple[_Run, ...] = ()
        self._last_id = 0

    def refresh(self, head: sqlite3.Connection, compacted_id: int) -> TailView:
        """Load new frames; forget those up to `compacted_id` when runs are merged."""
        with self._lock:
            frames = read_frames(head, max(self._last_id, compacted_id), None)
            if frames:
                self._last_id = frames[-1].id
                runs = [*self._runs, _run_of(frames)]
            else:
                runs = list(self._runs)
            if runs and (frames or runs[0].frame_ids[0] <= compacted_id):
                self._runs = _merged(runs, compacted_id)
            return TailView(self._runs)


class TailView:
    """The uncompacted samples as of one moment."""

    def __init__(self, runs: tuple[_Run, ...]) -> None:
        self._runs = runs

    def read(self, sids: Ints, start_ms: int, end_ms: int, compacted_id: int) -> Samples:
        """Return samples in [start, end) of frames after `compacted_id`, later writes last.

        They are sorted by row and timestamp; of several writes to one timestamp the last is kept.
        """
        found = [
            s for run in self._runs if len(s := _cut(run, sids, start_ms, end_ms, compacted_id))
        ]
        if not found:
            return EMPTY
        rows = np.concatenate([s.rows for s in found])
        stamps = np.concatenate([s.timestamps_ms for s in found])
        values = np.concatenate([s.values for s in found])
        return last_writes(rows, stamps, values)


def last_writes(rows: Ints, stamps: Ints, values: NDArray[np.float64]) -> Samples:
    """Sort by row and timestamp and keep the last of samples with equal row and timestamp."""
    same_row = rows[1:] == rows[:-1]
    rising = stamps[1:] > stamps[:-1]
    if not ((rows[1:] > rows[:-1]) | (same_row & rising)).all():
        order = np.lexsort((stamps, rows))
        rows, stamps, values = rows[order], stamps[order], values[order]
        kept = np.empty(len(rows), np.bool_)
        kept[-1:] = True
        np.not_equal(stamps[1:], stamps[:-1], out=kept[:-1])
        kept[:-1] |= rows[1:] != rows[:-1]
        if not kept.all():
            rows, stamps, values = rows[kept], stamps[kept], values[kept]
    return Samples(rows, stamps, values)


def ragged(starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """Return the positions of all slices [start, end) in turn, and the slice each comes from."""
    lengths = ends - starts
    rows = np.repeat(np.arange(len(starts)), lengths)
    offsets = np.cumsum(lengths) - lengths
    return np.arange(len(rows)) + (starts - offsets)[rows], rows


def _cut(run: _Run, sids: Ints, start_ms: int, end_ms: int, compacted_id: int) -> Samples:
    wanted = sids.astype(np.int32)
    starts = np.searchsorted(run.sids, wanted, "left")
    positions, rows = ragged(starts, np.searchsorted(run.sids, wanted, "right"))
    if not len(positions):
        return EMPTY
    stamps = run.timestamps_ms[positions]
    kept = (stamps >= start_ms) & (stamps < end_ms) & (run.frame_ids[positions] > compacted_id)
    return Samples(rows, stamps, run.values[positions]).where(kept)


def _run_of(frames: list[Frame]) -> _Run:
    sids = np.concatenate([f.sids for f in frames])
    order = np.argsort(sids, kind="stable")
    ids = np.repeat([f.id for f in frames], [len(f.sids) for f in frames]).astype(np.int64)
    return _Run(
        sids[order],
        np.concatenate([f.timestamps_ms for f in frames])[order],
        np.concatenate([f.values for f in frames])[order],
        ids[order],
    )


def _merged(runs: list[_Run], compacted_id: int) -> tuple[_Run, ...]:
    # As in a log-structured tree: a run joins its elder when it is at least half as long, so that
    # copies per sample and runs per read grow with the logarithm of the tail.
    kept = [run for run in runs if len(run.sids)]
    stack: list[_Run] = []
    for run in kept:
        stack.append(run)
        while len(stack) > 1 and 2 * len(stack[-1].sids) >= len(stack[-2].sids):
            younger = stack.pop()
            stack.append(_joined(stack.pop(), younger))
    return tuple(r for run in stack if len((r := _after(run, compacted_id)).sids))


def _joined(elder: _Run, younger: _Run) -> _Run:
    sids = np.concatenate((elder.sids, younger.sids))
    order = np.argsort(sids, kind="stable")
    return _Run(
        sids[order],
        np.concatenate((elder.timestamps_ms, younger.timestamps_ms))[order],
        np.concatenate((elder.values, younger.values))[order],
        np.concatenate((elder.frame_ids, younger.frame_ids))[order],
    )


def _after(run: _Run, frame_id: int) -> _Run:
    kept = run.frame_ids > frame_id
    if kept.all():
        return run
    return _Run(run.sids[kept], run.timestamps_ms[kept], run.values[kept], run.frame_ids[kept])
