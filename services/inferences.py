"""The inferences of one model, page by page, as a reader filters them."""

from __future__ import annotations

import msgspec

from connectors.protocols import EventQuery
from connectors.telemetry import Inference
from services.explore import MAX_ROWS, list_inferences
from services.identity import permitted
from services.times import Window
from services.workspace import Workspace

MAX_READS = 20
"""Pages of the store read for one page of a segment, which the store does not know how to find."""


class Chosen(msgspec.Struct, frozen=True):
    """What a reader wants to see; empty means all."""

    text: str = ""
    version: str = ""
    segment: str = ""
    only_errors: bool = False


class InferencePage(msgspec.Struct, frozen=True):
    """Inferences newest first, and the cursor that continues; None at the end."""

    rows: list[Inference]
    cursor: str | None


@permitted("events:read")
def find_inference(
    ws: Workspace, model_id: str, inference_id: str, timestamp_ms: int
) -> Inference | None:
    """Return one inference by its id and its time, which finds it without an index of its own."""
    query = EventQuery(timestamp_ms, timestamp_ms + 1, model_id=model_id, limit=MAX_ROWS)
    rows = list_inferences(ws, query).rows
    return next((row for row in rows if row.inference_id == inference_id), None)


@permitted("events:read")
def browse_inferences(
    ws: Workspace,
    model_id: str,
    window: Window,
    chosen: Chosen,
    *,
    cursor: str | None = None,
    limit: int = 25,
) -> InferencePage:
    """Return at least `limit` inferences that fit, if there are so many; less than twice of it."""
    rows: list[Inference] = []
    for _ in range(MAX_READS):
        query = EventQuery(
            window.start_ms, window.end_ms, model_id=model_id, text=chosen.text or None,
            version=chosen.version or None, only_errors=chosen.only_errors, limit=limit,
            cursor=cursor,
        )  # fmt: skip
        page = list_inferences(ws, query)
        rows += [r for r in page.rows if not chosen.segment or r.user_segment == chosen.segment]
        cursor = page.cursor
        if cursor is None or len(rows) >= limit:
            break
    return InferencePage(rows, cursor)
