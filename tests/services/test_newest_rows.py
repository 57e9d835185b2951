"""Rules over single requests: what a handful of them may claim, and what it must not."""

from __future__ import annotations

import pytest

from services import alerts, incidents
from services.incidents import Finding
from services.models import get_model
from services.usual import read_usual
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, MINUTE_MS, Row, Send, scored_rows


def dear(count: int, gap_ms: int) -> list[Row]:
    """The newest requests, each at six times the usual cost."""
    rows = scored_rows(count=count, seed=9)
    return [
        row | {"inference_id": f"dear-{i}", "cost": 0.006, "timestamp": (NOW_MS + i * gap_ms) / 1e3}
        for i, row in enumerate(rows)
    ]


@pytest.mark.parametrize(
    ("count", "gap_ms", "is_found"),
    [(4, 20_000, True), (3, 20_000, False), (4, 200, False)],
    ids=["four apart", "three are too few", "four of one burst"],
)
def test_four_dear_requests_that_lie_apart_are_a_cost_incident(
    workspace: Workspace, send: Send, clock: list[int], count: int, gap_ms: int, is_found: bool
) -> None:
    send(scored_rows())
    send(dear(count, gap_ms))
    clock[0] = NOW_MS + 90_000
    opened = alerts.evaluate(workspace)
    assert [i.rule for i in opened if i.rule == "cost"] == ["cost"] * is_found


def test_hours_of_a_known_incident_are_not_what_is_usual(workspace: Workspace, send: Send,
                                                         clock: list[int]) -> None:  # fmt: skip
    rows = scored_rows()
    began, ended = NOW_MS - 8 * HOUR_MS, NOW_MS - 5 * HOUR_MS
    for row in rows:
        row["cost"] = 0.006 if began <= row["timestamp"] * 1e3 < ended else 0.001
    send(rows)
    model = get_model(workspace, "risk")
    assert read_usual(workspace, model).cost.high == 0.006  # type: ignore[union-attr]
    dear = Finding("cost", "model", "risk", "warning", "risk is dear", {"now": 6.0})
    clock[0] = began + 2 * MINUTE_MS
    incidents.reconcile(workspace, [dear], quiet_ms=0)
    clock[0] = ended
    incidents.reconcile(workspace, [], quiet_ms=0)
    clock[0] = NOW_MS
    workspace.cache.invalidate(f"{workspace.tenant}/usual/risk")
    usual = read_usual(workspace, model)
    assert usual.cost.high == 0.001  # type: ignore[union-attr]
    assert usual.cost.marks[0].above == 0  # type: ignore[union-attr]


def test_what_lasts_for_most_of_the_day_becomes_usual(workspace: Workspace, send: Send,
                                                      clock: list[int]) -> None:  # fmt: skip
    rows = scored_rows()
    began = NOW_MS - 16 * HOUR_MS
    for row in rows:
        row["cost"] = 0.006 if row["timestamp"] * 1e3 >= began else 0.001
    send(rows)
    clock[0] = began
    dear = Finding("cost", "model", "risk", "warning", "risk is dear", {"now": 6.0})
    incidents.reconcile(workspace, [dear], quiet_ms=0)
    clock[0] = NOW_MS
    usual = read_usual(workspace, get_model(workspace, "risk"))
    assert usual.cost.median == 0.006  # type: ignore[union-attr]
