"""One trace as rows to read: nested, in order, with repetition folded so that any trace fits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from connectors.telemetry import Span
from services.explore import get_trace
from services.identity import permitted
from services.workspace import Workspace

ALIKE = 6
"""Siblings of one service and name beyond this many stand in one row, except the failed and the
slowest."""
MAX_ROWS = 200
SpanRow = Span
"""The type of a span, for pages: they do not import connectors."""


class Row(msgspec.Struct, frozen=True):
    """A span with its place, or (`folded` above 0) many that look alike.

    `offset` and `width` are shares of the trace's duration. `key` opens what is folded.
    """

    span: Span
    depth: int
    offset: float
    width: float
    children: int = 0
    folded: int = 0
    folded_errors: int = 0
    key: str = ""
    is_orphan: bool = False


class Waterfall(msgspec.Struct, frozen=True):
    """A whole trace; `left_out` counts the spans that stand in no row."""

    trace_id: str
    start_ms: float
    duration_ms: float
    spans: int
    errors: int
    services: tuple[str, ...]
    rows: tuple[Row, ...]
    left_out: int


@permitted("events:read")
def get_waterfall(
    ws: Workspace, trace_id: str, *, unfolded: frozenset[str] = frozenset(), most: int = MAX_ROWS
) -> Waterfall:
    """Return a trace for drawing; `unfolded` names the keys of folds that the reader opened."""
    return draw(trace_id, get_trace(ws, trace_id), unfolded=unfolded, most=most)


def draw(
    trace_id: str,
    spans: Sequence[Span],
    *,
    unfolded: frozenset[str] = frozenset(),
    most: int = MAX_ROWS,
) -> Waterfall:
    """Return spans in order of start below their parents; lost parents and cycles hide nothing."""
    start = min(s.start_ms for s in spans)
    length = max(s.start_ms + s.duration_ms for s in spans) - start
    tree = _Tree(spans, start, length or 1.0, unfolded)
    rows = list(tree.rows())
    kept = rows[:most]
    shown = sum(row.folded or 1 for row in kept)
    return Waterfall(
        trace_id=trace_id,
        start_ms=start,
        duration_ms=length,
        spans=len(spans),
        errors=sum(s.is_error for s in spans),
        services=tuple(dict.fromkeys(s.service for s in spans)),
        rows=tuple(kept),
        left_out=len(spans) - shown,
    )


class _Tree:
    """Spans below their parents, walked without recursion: a chain may be thousands deep."""

    def __init__(
        self, spans: Sequence[Span], start: float, length: float, unfolded: frozenset[str]
    ) -> None:
        self._start, self._length, self._unfolded = start, length, unfolded
        ordered = sorted(spans, key=lambda s: (s.start_ms, -s.duration_ms, s.span_id))
        known = {s.span_id for s in ordered}
        self._below: dict[str, list[Span]] = {}
        self._tops: list[Span] = []
        for span in ordered:
            parent = span.parent_span_id
            if parent in known and parent != span.span_id:
                self._below.setdefault(parent, []).append(span)
            else:
                self._tops.append(span)
        self._tops += self._cut_cycles(ordered)
        self._sizes: dict[str, tuple[int, int]] = {}
        self._measure()

    def _cut_cycles(self, ordered: Sequence[Span]) -> list[Span]:
        """Return one span of each ring of parents, now on top."""
        seen = {s.span_id for top in self._tops for s in self._inside(top)}
        cut = []
        for span in ordered:
            if span.span_id not in seen:
                self._below[span.parent_span_id].remove(span)
                cut.append(span)
                seen.update(s.span_id for s in self._inside(span))
        return cut

    def _inside(self, top: Span) -> Iterator[Span]:
        stack = [top]
        while stack:
            span = stack.pop()
            yield span
            stack += self._below.get(span.span_id, ())

    def _measure(self) -> None:
        """Count spans and errors at and below each span, leaves first."""
        for top in self._tops:
            for span in reversed(list(self._inside(top))):
                parts = [self._sizes[s.span_id] for s in self._below.get(span.span_id, ())]
                self._sizes[span.span_id] = (
                    1 + sum(n for n, _ in parts),
                    int(span.is_error) + sum(e for _, e in parts),
                )

    def rows(self) -> Iterator[Row]:
        """Yield every row in reading order."""
        stack = list(reversed(self._level("", self._tops, 0)))
        while stack:
            row = stack.pop()
            yield row
            if not row.folded:
                below = self._below.get(row.span.span_id, [])
                stack += reversed(self._level(row.span.span_id, below, row.depth + 1))

    def _level(self, parent: str, spans: Sequence[Span], depth: int) -> list[Row]:
        alike: dict[tuple[str, str], list[Span]] = {}
        for span in spans:
            alike.setdefault((span.service, span.name), []).append(span)
        folds: dict[str, Row] = {}  # the first span of a fold -> its row
        gone: set[str] = set()
        for position, members in enumerate(alike.values()):
            key = f"{parent}.{position}"
            rest = self._rest(members) if key not in self._unfolded else []
            if len(members) > ALIKE and len(rest) > 1:
                gone.update(s.span_id for s in rest)
                folds[rest[0].span_id] = self._fold(rest, depth, key)
        rows = []
        for span in spans:
            if span.span_id in folds:
                rows.append(folds[span.span_id])
            elif span.span_id not in gone:
                rows.append(self._row(span, depth))
        return rows

    def _rest(self, members: Sequence[Span]) -> list[Span]:
        """Return what may be folded: neither a failure below it nor one of the slowest three."""
        slowest = sorted(members, key=lambda s: -s.duration_ms)[:3]
        kept = {s.span_id for s in slowest}
        failed = [s for s in members if self._sizes[s.span_id][1]][:3]
        kept.update(s.span_id for s in failed)
        return [s for s in members if s.span_id not in kept]

    def _fold(self, rest: Sequence[Span], depth: int, key: str) -> Row:
        end = max(s.start_ms + s.duration_ms for s in rest)
        sizes = [self._sizes[s.span_id] for s in rest]
        return Row(
            span=rest[0],
            depth=depth,
            offset=(rest[0].start_ms - self._start) / self._length,
            width=(end - rest[0].start_ms) / self._length,
            folded=sum(n for n, _ in sizes),
            folded_errors=sum(e for _, e in sizes),
            key=key,
        )

    def _row(self, span: Span, depth: int) -> Row:
        return Row(
            span=span,
            depth=depth,
            offset=(span.start_ms - self._start) / self._length,
            width=span.duration_ms / self._length,
            children=self._sizes[span.span_id][0] - 1,
            is_orphan=depth == 0 and bool(span.parent_span_id),
        )
