"""The model page shows each result with its parts, and keeps what its reader chose."""

from __future__ import annotations

import json

import numpy as np
import pytest

from components.live import View
from components.scope import Scope
from connectors.selector import parse_selector
from connectors.telemetry import Series
from i18n import speaking
from pages import model_comparison, models, technical_events
from services.comparison import Comparison, get_comparison, set_comparison
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Send, label, scored_rows, send

__all__ = ["label", "send"]


def shown(workspace: Workspace) -> str:
    view = View()
    models.fill(workspace, Scope(model="risk"), view)
    return view.to_json()


def test_the_page_shows_every_part_of_reliability_and_the_course_of_quality(
    workspace: Workspace, send: Send
) -> None:
    rng = np.random.default_rng(4)
    rows = scored_rows(count=3_000, hours=30, shift_after_ms=NOW_MS - 3 * HOUR_MS)
    for number, row in enumerate(rows):
        row["features"]["region_code"] = float(rng.integers(40))
        row["model_version"] = "1" if number < 1_500 else "2"
    send(rows)
    with speaking("en"):
        page = shown(workspace)
    for title in ("Calibration by class and segment", "Same input, same answer",
                  "Honesty of the intervals", "Inputs unlike the reference",
                  "Course of quality", "Columns together", "Drift by segment"):  # fmt: skip
        assert json.dumps(title) in page
    assert "user_segment: a" in page


def test_the_form_shows_and_reads_the_same_choice(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=60))
    wanted = Comparison("seasonal", current_hours=6, weeks=2, segments=("user_segment", "region"))
    set_comparison(workspace, "risk", wanted)
    kept = get_comparison(workspace, "risk")
    assert model_comparison._read(list(model_comparison._shown(kept))) == wanted
    standard = Comparison()
    assert model_comparison._read(list(model_comparison._shown(standard))) == standard


@pytest.mark.parametrize("chosen", ["risk", ""])
def test_the_trust_that_is_watched_is_the_score_without_its_point(chosen: str) -> None:
    asked = parse_selector(technical_events._watched(technical_events.TRUST, chosen))
    score = Series("aiobs_trust_score", {"model_id": "risk"})
    point = Series("aiobs_trust_score", {"model_id": "risk", "bound": "point"})
    assert (asked.accepts(score), asked.accepts(point)) == (True, False)
