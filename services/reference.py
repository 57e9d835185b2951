"""What a model's present is compared with: an uploaded data set, or its own recent past."""

from __future__ import annotations

import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines.sentence import say
from services.errors import Invalid, NotFound, UnsupportedMedia
from services.identity import permitted
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_KIND = "reference"
_MAX_ROWS = 1_000_000
CURRENT_HOURS = (1, 6, 24)
ENOUGH_ROWS = 200
"""The current window is the shortest of these that holds enough rows: fast where traffic allows."""
LONG_COLUMNS = ("prompt", "output", "embedding")
LONG_ROWS, LONG_PARTS = 2_000, 8
"""Rows a side whose texts and vectors are read, in how many parts of the window: what the tests of
texts use, spread so that a busy last hour does not stand for the day."""
MAX_READ_ROWS = 20_000
"""Newest rows read a side; at 20,000 a side a shift of 0.04 sd is found (docs/methods/drift.md)."""


class ReferenceInfo(msgspec.Struct, frozen=True):
    """An uploaded reference: how many rows, and the type of each column."""

    model_id: str
    rows: int
    columns: dict[str, str]
    uploaded_at_ms: int


@dataclass(frozen=True, slots=True)
class Sides:
    """Reference and current columns for a comparison, with the windows they come from."""

    reference: dict[str, NDArray[Any]]
    current: dict[str, NDArray[Any]]
    current_rows: InferenceColumns
    reference_rows: InferenceColumns | None
    reference_window: Window | None
    current_window: Window
    method: str

    @property
    def n_reference(self) -> int:
        """Rows on the reference side."""
        return max((len(v) for v in self.reference.values()), default=0)


@permitted("models:write")
def put_reference(ws: Workspace, model_id: str, content: bytes, media_type: str) -> ReferenceInfo:
    """Keep a data set (CSV, NDJSON or Parquet) as what the model is compared with from now on."""
    frame = _read(content, media_type)
    if not 1 <= len(frame) <= _MAX_ROWS:
        raise Invalid(f"a reference has 1 to {_MAX_ROWS} rows, got {len(frame)}")
    stored = io.BytesIO()
    frame.to_parquet(stored, index=False)
    columns = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
    info = ReferenceInfo(model_id, len(frame), columns, ws.now_ms())
    ws.records.put_blob(_KIND, model_id, stored.getvalue())
    ws.records.put(_KIND, model_id, msgspec.to_builtins(info))
    for family in ("drift", "trust"):
        ws.cache.invalidate(f"{ws.tenant}/{family}/{model_id}")
    return info


@permitted("models:read")
def get_reference(ws: Workspace, model_id: str) -> ReferenceInfo:
    """Return what is known of an uploaded reference."""
    record = ws.records.get(_KIND, model_id)
    if record is None:
        raise NotFound(f"no reference was uploaded for {model_id!r}; its recent past serves")
    return msgspec.convert(record.body, ReferenceInfo)


def _read(content: bytes, media_type: str) -> pd.DataFrame:
    import pandas as pd

    readers = {
        "text/csv": lambda: pd.read_csv(io.BytesIO(content)),
        "application/x-ndjson": lambda: pd.read_json(io.BytesIO(content), lines=True),
        "application/vnd.apache.parquet": lambda: pd.read_parquet(io.BytesIO(content)),
    }
    reader = readers.get(media_type)
    if reader is None:
        raise UnsupportedMedia(f"send one of {', '.join(readers)}, not {media_type or 'nothing'}")
    try:
        return reader()
    except Exception as error:  # each parser has its own family of errors
        raise Invalid(f"the file is not valid {media_type}: {str(error)[:200]}") from error


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


UPLOADED = say("methods.uploaded_reference", "uploaded reference")
ROLLING = say("methods.rolling_reference", "rolling: the day before")


def choose_sides(ws: Workspace, model_id: str, columns: tuple[str, ...] | None = None) -> Sides:
    """Return both sides of a comparison: an uploaded reference, else the day before."""
    rows, window = choose_current(ws, model_id, columns)
    uploaded = ws.records.get_blob(_KIND, model_id)
    if uploaded is not None:
        frame = _read(uploaded, "application/vnd.apache.parquet")
        reference = _frame_columns(frame, rows)
        return Sides(reference, rows.columns, rows, None, None, window, UPLOADED)
    before = Window(window.start_ms - DAY_MS, window.start_ms)
    past = ws.events.inference_columns(
        model_id, before.start_ms, before.end_ms, columns=columns, limit=MAX_READ_ROWS
    )
    return Sides(past.columns, rows.columns, rows, past, before, window, ROLLING)


def with_long_columns(ws: Workspace, model_id: str, sides: Sides) -> Sides:
    """Return sides that hold texts and embeddings too, where the model sends any; fewer rows."""
    window = sides.current_window
    newest = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=LONG_COLUMNS, limit=20
    )
    sent = [n for n, values in newest.columns.items() if any(v is not None for v in values)]
    if not sent:
        return sides
    current = _spread(ws, model_id, window, [*sides.current, *sent])
    reference = sides.reference
    if sides.reference_window is not None:
        reference = _spread(ws, model_id, sides.reference_window, [*reference, *sent])
    return replace(sides, reference=reference, current=current)


def _spread(
    ws: Workspace, model_id: str, window: Window, names: list[str]
) -> dict[str, NDArray[Any]]:
    edges = np.linspace(window.start_ms, window.end_ms, LONG_PARTS + 1).astype(np.int64).tolist()
    parts = [
        ws.events.inference_columns(
            model_id, start, end, columns=names, limit=LONG_ROWS // LONG_PARTS
        ).columns
        for start, end in zip(edges, edges[1:], strict=False)
    ]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _frame_columns(frame: pd.DataFrame, rows: InferenceColumns) -> dict[str, NDArray[Any]]:
    """Name the uploaded columns as the store does: a column that is a feature gets its prefix."""
    named: dict[str, NDArray[Any]] = {}
    for name in frame.columns:
        prefixed = f"feature:{name}"
        key = prefixed if prefixed in rows.columns or name not in rows.columns else str(name)
        named[key] = np.asarray(frame[name].to_numpy())
    return named
