"""Data sets that people upload for a model's present to be compared with."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec

from services.errors import Invalid, NotFound, UnsupportedMedia
from services.identity import permitted
from services.workspace import Workspace

if TYPE_CHECKING:
    import pandas as pd

_KIND = "reference"
_MAX_ROWS = 1_000_000


class ReferenceInfo(msgspec.Struct, frozen=True):
    """An uploaded reference: how many rows, and the type of each column."""

    model_id: str
    rows: int
    columns: dict[str, str]
    uploaded_at_ms: int


@permitted("models:write")
def put_reference(ws: Workspace, model_id: str, content: bytes, media_type: str) -> ReferenceInfo:
    """Keep a data set (CSV, NDJSON or Parquet) as what the model is compared with from now on."""
    frame, stored = _read(content, media_type)
    columns = {str(name): str(dtype) for name, dtype in frame.dtypes.items()}
    info = ReferenceInfo(model_id, len(frame), columns, ws.now_ms())
    ws.records.put_blob(_KIND, model_id, stored)
    ws.records.put(_KIND, model_id, msgspec.to_builtins(info))
    for family in ("drift", "reliability", "data_quality", "trust"):
        ws.cache.invalidate(f"{ws.tenant}/{family}/{model_id}")
    return info


@permitted("models:read")
def get_reference(ws: Workspace, model_id: str) -> ReferenceInfo:
    """Return what is known of an uploaded reference."""
    record = ws.records.get(_KIND, model_id)
    if record is None:
        raise NotFound(f"no reference was uploaded for {model_id!r}; its recent past serves")
    return msgspec.convert(record.body, ReferenceInfo)


def _read(content: bytes, media_type: str) -> tuple[pd.DataFrame, bytes]:
    """Return a data set, and the same as Parquet: what has no form there is not valid either."""
    import pandas as pd

    readers = {
        "text/csv": lambda: pd.read_csv(io.BytesIO(content)),
        "application/x-ndjson": lambda: pd.read_json(io.BytesIO(content), lines=True),
        "application/vnd.apache.parquet": lambda: pd.read_parquet(io.BytesIO(content)),
    }
    reader = readers.get(media_type)
    if reader is None:
        raise UnsupportedMedia(f"send one of {', '.join(readers)}, not {media_type or 'nothing'}")
    stored = io.BytesIO()
    try:
        frame = reader()
        if 1 <= len(frame) <= _MAX_ROWS:
            frame.to_parquet(stored, index=False)
    except Exception as error:  # each parser has its own family of errors
        raise Invalid(f"the file is not valid {media_type}: {str(error)[:200]}") from error
    if not 1 <= len(frame) <= _MAX_ROWS:
        raise Invalid(f"a reference has 1 to {_MAX_ROWS} rows, got {len(frame)}")
    return frame, stored.getvalue()


def read_uploaded(ws: Workspace, model_id: str) -> bytes | None:
    """Return the uploaded data set as Parquet, if there is one."""
    return ws.records.get_blob(_KIND, model_id)
