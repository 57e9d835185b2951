"""The two sides of a comparison: a model's newest rows, and what they are compared with.

Drift, reliability and data quality look at the same rows. Whoever computes several of them reads
the last two days once and hands them on; a side outside of them is read by itself.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines.sentence import say
from services.comparison import Comparison, read_comparison
from services.models import get_model
from services.reference import read_uploaded
from services.times import DAY_MS, HOUR_MS, WEEK_MS, Window
from services.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

Columns = dict[str, NDArray[Any]]  # float64 or object
CURRENT_HOURS = (1, 6, 24)
ENOUGH_ROWS = 200
"""The current window is the shortest of these that holds enough rows: fast where traffic allows."""
LONG_COLUMNS = ("prompt", "output", "embedding")
LONG_ROWS, LONG_PARTS = 2_000, 8
"""Rows a side whose texts and vectors are read, in how many parts of the window: what the tests of
texts use, spread so that a busy last hour does not stand for the day."""
MAX_READ_ROWS = 20_000
"""Newest rows read a side; at 20,000 a side a shift of 0.04 sd is found (docs/methods/drift.md)."""
RECENT_MS = 2 * DAY_MS
MAX_RECENT_ROWS = 2 * MAX_READ_ROWS
UPLOADED = say("methods.uploaded_reference", "uploaded reference")
ROLLING = say("methods.rolling_reference", "rolling: the day before")
_COUNTED_MS = 90 * DAY_MS
"""How far back rows are counted."""


@dataclass(frozen=True, slots=True)
class Recent:
    """A model's newest rows, and since when none is left out."""

    rows: InferenceColumns
    since_ms: int

    def part(self, start_ms: int, end_ms: int, limit: int) -> InferenceColumns:
        """Return the newest rows of a window; columns without a value there are left out."""
        first, last = np.searchsorted(self.rows.timestamps_ms, [start_ms, end_ms])
        cut = slice(max(int(first), int(last) - limit), int(last))
        columns = {name: values[cut] for name, values in self.rows.columns.items()}
        return InferenceColumns(
            self.rows.inference_ids[cut],
            self.rows.timestamps_ms[cut],
            self.rows.versions[cut],
            {name: values for name, values in columns.items() if _has_values(values)},
        )


@dataclass(frozen=True, slots=True)
class Sides:
    """Reference and current columns for a comparison, with the windows they come from."""

    reference: Columns
    current: Columns
    current_rows: InferenceColumns
    reference_window: Window | None
    current_window: Window
    method: str
    lack: str = ""
    """Why there is no reference, if there is none."""
    segments: tuple[str, ...] = ()
    past_windows: tuple[Window, ...] = ()
    versions: tuple[str | None, str | None] = (None, None)
    """Of the reference and of the present, where one version stands against another."""

    @property
    def n_reference(self) -> int:
        """Rows on the reference side."""
        return max((len(v) for v in self.reference.values()), default=0)


def read_recent(ws: Workspace, model_id: str) -> Recent:
    """Return the rows of the last two days, without texts and vectors."""
    now = ws.now_ms()
    rows = ws.events.inference_columns(model_id, now - RECENT_MS, now, limit=MAX_RECENT_ROWS)
    is_cut = len(rows) >= MAX_RECENT_ROWS
    return Recent(rows, int(rows.timestamps_ms[0]) + 1 if is_cut else now - RECENT_MS)


def choose_current(
    ws: Workspace,
    model_id: str,
    columns: tuple[str, ...] | None = None,
    *,
    limit: int = MAX_READ_ROWS,
) -> tuple[InferenceColumns, Window]:
    """Return the newest rows and their window: the shortest window with enough of them."""
    end = ws.now_ms()
    for hours in CURRENT_HOURS:
        window = Window(end - hours * HOUR_MS, end)
        rows = ws.events.inference_columns(
            model_id, window.start_ms, window.end_ms, columns=columns, limit=limit
        )
        if len(rows) >= ENOUGH_ROWS or hours == CURRENT_HOURS[-1]:
            return rows, window
    raise AssertionError("CURRENT_HOURS is not empty")


def choose_sides(ws: Workspace, model_id: str, recent: Recent | None = None) -> Sides:
    """Return both sides of a model's comparison, as it was chosen for the model."""
    chosen = read_comparison(ws, model_id)
    reader = _Reader(ws, model_id, recent or read_recent(ws, model_id))
    uploaded = None
    if chosen.against in ("automatic", "uploaded"):
        uploaded = read_uploaded(ws, model_id)
    if uploaded is not None:
        rows, window = reader.current(chosen)
        reference = _frame_columns(uploaded, rows)
        return Sides(reference, rows.columns, rows, None, window, UPLOADED, "", chosen.segments)
    if chosen.against == "previous_version":
        return reader.versions(chosen)
    rows, window = reader.current(chosen)
    past = reader.past(chosen, window)
    return Sides(
        past.columns, rows.columns, rows, past.windows[0] if len(past.windows) == 1 else None,
        window, past.method, past.lack, chosen.segments, past.windows,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Past:
    """The reference side: its columns, the windows they are from, what it is, or why there is
    none."""

    columns: Columns
    windows: tuple[Window, ...]
    method: str
    lack: str = ""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads windows of one model, from the recent rows where they hold the window."""

    ws: Workspace
    model_id: str
    recent: Recent

    def rows(
        self, window: Window, limit: int = MAX_READ_ROWS, version: str | None = None
    ) -> InferenceColumns:
        """Return the newest rows of a window."""
        start, end = window.start_ms, window.end_ms
        if version is None and start >= self.recent.since_ms and end <= self.ws.now_ms():
            return self.recent.part(start, end, limit)
        return self.ws.events.inference_columns(
            self.model_id, start, end, version=version, limit=limit
        )

    def current(
        self, chosen: Comparison, version: str | None = None
    ) -> tuple[InferenceColumns, Window]:
        """Return the present and its window."""
        end = self.ws.now_ms()
        if chosen.current_rows is not None:
            return self._newest(end, chosen.current_rows, version)
        hours = CURRENT_HOURS if chosen.current_hours is None else (chosen.current_hours,)
        for length in hours:
            window = Window(end - round(length * HOUR_MS), end)
            rows = self.rows(window, version=version)
            if len(rows) >= ENOUGH_ROWS:
                break
        return rows, window

    def _newest(
        self, end_ms: int, count: int, version: str | None = None
    ) -> tuple[InferenceColumns, Window]:
        rows = self.rows(Window(self.recent.since_ms, end_ms), count, version)
        if len(rows) < count:
            rows = self.rows(Window(end_ms - _COUNTED_MS, end_ms), count, version)
        start = int(rows.timestamps_ms[0]) if len(rows) else end_ms
        return rows, Window(start, end_ms)

    def past(self, chosen: Comparison, window: Window) -> _Past:
        """Return the reference for a present in `window`."""
        if chosen.against == "uploaded":
            lack = say("reasons.no_upload", "no reference was uploaded for this model")
            return _Past({}, (), UPLOADED, lack)
        if chosen.against == "fixed":
            fixed = chosen.fixed_window
            method = say("methods.fixed_reference", "fixed hours")
            return _Past(self.rows(fixed).columns, (fixed,), method)
        if chosen.against == "seasonal":
            return self._seasonal(chosen, window)
        if chosen.reference_rows is not None:
            past, before = self._newest(window.start_ms, chosen.reference_rows)
            method = say(
                "methods.rolling_rows", "rolling: the {rows, number} rows before", rows=len(past)
            )
            return _Past(past.columns, (before,), method)
        length_ms = round(chosen.reference_hours * HOUR_MS)
        before = Window(window.start_ms - length_ms, window.start_ms)
        method = ROLLING
        if length_ms != DAY_MS:
            method = say(
                "methods.rolling_hours",
                "rolling: the {hours, number} hours before",
                hours=chosen.reference_hours,
            )
        return _Past(self.rows(before).columns, (before,), method)

    def _seasonal(self, chosen: Comparison, window: Window) -> _Past:
        weeks = tuple(
            Window(window.start_ms - k * WEEK_MS, window.end_ms - k * WEEK_MS)
            for k in range(chosen.weeks, 0, -1)
        )
        joined = _join([part for part in map(self.rows, weeks) if len(part)])
        method = say("methods.seasonal_reference", "seasonal: the same hours of earlier weeks")
        if joined:
            return _Past(joined, weeks, method)
        lack = say(
            "reasons.silent_same_hours", "the model sent nothing in the same hours of earlier weeks"
        )
        return _Past({}, (), method, lack)

    def versions(self, chosen: Comparison) -> Sides:
        """Return the newest version's present and the last hours of the version before it."""
        method = say("methods.former_version", "the version before this one")
        known = sorted(get_model(self.ws, self.model_id).versions, key=lambda v: -v.first_seen_ms)
        if len(known) < 2:
            rows, window = self.current(chosen)
            lack = say("reasons.one_version", "the model has had one version only")
            return Sides({}, rows.columns, rows, None, window, method, lack, chosen.segments)
        present, former = known[0], known[1]
        rows, window = self.current(chosen, present.version)
        end = former.last_seen_ms + 1
        before = Window(end - round(chosen.reference_hours * HOUR_MS), end)
        past = self.rows(before, version=former.version).columns
        return Sides(
            past, rows.columns, rows, before, window, method, "", chosen.segments, (before,),
            (former.version, present.version),
        )  # fmt: skip


def with_long_columns(ws: Workspace, model_id: str, sides: Sides) -> Sides:
    """Return sides that hold texts and embeddings too, where the model sends any; fewer rows."""
    window, (former, present) = sides.current_window, sides.versions
    newest = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=LONG_COLUMNS, version=present, limit=20
    )
    sent = [n for n, values in newest.columns.items() if any(v is not None for v in values)]
    if not sent:
        return sides
    current = _spread(ws, model_id, (window,), [*sides.current, *sent], present)
    reference = sides.reference
    if sides.past_windows:
        reference = _spread(ws, model_id, sides.past_windows, [*reference, *sent], former)
    return replace(sides, reference=reference, current=current)


def _spread(
    ws: Workspace,
    model_id: str,
    windows: tuple[Window, ...],
    names: list[str],
    version: str | None,
) -> Columns:
    each = max(1, LONG_PARTS // len(windows))
    limit = LONG_ROWS // (each * len(windows))
    parts = []
    for window in windows:
        edges = np.linspace(window.start_ms, window.end_ms, each + 1).astype(np.int64).tolist()
        parts += [
            ws.events.inference_columns(
                model_id, start, end, columns=names, version=version, limit=limit
            ).columns
            for start, end in zip(edges, edges[1:], strict=False)
        ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _join(parts: list[InferenceColumns]) -> Columns:
    """Return rows one after another; what one part lacks is missing there."""
    names = dict.fromkeys(name for part in parts for name in part.columns)
    joined: Columns = {}
    for name in names:
        held = [part.columns.get(name) for part in parts]
        is_text = any(values is not None and values.dtype == object for values in held)
        kind, blank = (object, None) if is_text else (np.float64, np.nan)
        joined[name] = np.concatenate([
            np.full(len(part), blank, dtype=kind) if values is None else values.astype(kind)
            for part, values in zip(parts, held, strict=True)
        ])  # fmt: skip
    return joined


def _has_values(values: NDArray[Any]) -> bool:  # float64 or object
    if values.dtype == object:
        return any(value is not None for value in values)
    return bool(np.isfinite(values).any())


def _frame_columns(content: bytes, rows: InferenceColumns) -> Columns:
    """Name the uploaded columns as the store does: a column that is a feature gets its prefix."""
    import pandas as pd

    frame: pd.DataFrame = pd.read_parquet(io.BytesIO(content))
    named: Columns = {}
    for name in frame.columns:
        prefixed = f"feature:{name}"
        key = prefixed if prefixed in rows.columns or name not in rows.columns else str(name)
        named[key] = np.asarray(frame[name].to_numpy())
    return named
