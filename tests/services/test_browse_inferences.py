"""Inferences page by page: no row is lost or shown twice, whatever the filter."""

from __future__ import annotations

import pytest

from services.inferences import Chosen, browse_inferences
from services.times import Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Row, Send

HOUR = Window(NOW_MS - HOUR_MS, NOW_MS)


def rows(n: int = 120) -> list[Row]:
    """Every third is of segment b, every tenth failed."""
    made: list[Row] = [
        {
            "inference_id": f"i{k}", "model_id": "m", "timestamp": NOW_MS / 1_000 - 10 * k - 1,
            "user_segment": "b" if k % 3 == 0 else "a", "prediction": k % 2,
        }
        for k in range(n)
    ]  # fmt: skip
    for row in made[::10]:
        row["error"] = "timeout"
    return made


def walk(ws: Workspace, chosen: Chosen) -> list[str]:
    """Return the ids of all pages one after the other."""
    ids: list[str] = []
    cursor = None
    while True:
        page = browse_inferences(ws, "m", HOUR, chosen, cursor=cursor)
        ids += [row.inference_id for row in page.rows]
        cursor = page.cursor
        if cursor is None:
            return ids


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Chosen(), [f"i{k}" for k in range(120)]),
        (Chosen(segment="b"), [f"i{k}" for k in range(0, 120, 3)]),
        (Chosen(only_errors=True), [f"i{k}" for k in range(0, 120, 10)]),
        (Chosen(segment="b", only_errors=True), [f"i{k}" for k in range(0, 120, 30)]),
    ],
)
def test_pages_hold_every_row_that_fits_once(
    workspace: Workspace, send: Send, chosen: Chosen, expected: list[str]
) -> None:
    send(rows())
    assert walk(workspace, chosen) == expected
