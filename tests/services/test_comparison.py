"""What a model is compared with is the user's choice; each choice reads the rows that it names."""

from __future__ import annotations

import pytest

from services import drift, reliability
from services.comparison import Comparison, get_comparison, set_comparison
from services.errors import Invalid, NotFound
from services.models import get_model
from services.sides import choose_sides
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Send, scored_rows

WEEK_HOURS = 7 * 24


def test_nobody_chose_means_the_day_before(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=900, hours=30))
    assert get_comparison(workspace, "risk") == Comparison()
    sides = choose_sides(workspace, "risk")
    assert sides.method == "rolling: the day before"
    assert sides.current_window.start_ms - sides.reference_window.start_ms == 24 * HOUR_MS  # type: ignore[union-attr]


def test_rows_are_counted_where_counts_were_chosen(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=900))
    set_comparison(workspace, "risk", Comparison("rolling", current_rows=150, reference_rows=400))
    sides = choose_sides(workspace, "risk")
    assert (len(sides.current_rows), sides.n_reference) == (150, 400)
    assert sides.reference_window.end_ms == sides.current_window.start_ms  # type: ignore[union-attr]


def test_the_same_hours_of_earlier_weeks_meet_the_present(workspace: Workspace, send: Send) -> None:
    for week in range(3):
        rows = scored_rows(count=120, hours=2, end_ms=NOW_MS - week * WEEK_HOURS * HOUR_MS)
        send([row | {"inference_id": f"{week}-{row['inference_id']}"} for row in rows])
    wanted = Comparison("seasonal", current_hours=1, weeks=2)
    set_comparison(workspace, "risk", wanted)
    sides = choose_sides(workspace, "risk")
    assert (len(sides.current_rows), sides.n_reference) == (60, 120)


def test_the_newest_version_meets_the_one_before(workspace: Workspace, send: Send) -> None:
    old = scored_rows(count=300, hours=6, end_ms=NOW_MS - 3 * HOUR_MS)
    new = scored_rows(count=250, hours=2, shift_after_ms=0, seed=1)
    send(old)
    send([r | {"inference_id": f"new-{i}", "model_version": "2"} for i, r in enumerate(new)])
    set_comparison(workspace, "risk", Comparison("previous_version"))
    found = drift.detect_drift(workspace, "risk")
    assert found.method == "the version before this one"
    assert (found.n_reference, found.n_current) == (300, 250)
    assert "age" in found.result.data.drifted_columns  # type: ignore[union-attr]


def test_one_version_has_no_predecessor_and_no_invented_score(
    workspace: Workspace, send: Send
) -> None:
    send(scored_rows(count=300))
    set_comparison(workspace, "risk", Comparison("previous_version"))
    found = drift.detect_drift(workspace, "risk")
    assert found.result is None
    assert found.insufficient.reason == "the model has had one version only"  # type: ignore[union-attr]


def test_fixed_hours_stay_the_reference(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=960))
    wanted = Comparison("fixed", start="2025-12-31T12:00:00Z", end="2025-12-31T18:00:00Z")
    set_comparison(workspace, "risk", wanted)
    sides = choose_sides(workspace, "risk")
    assert sides.reference_window == wanted.fixed_window
    assert sides.n_reference == 240


@pytest.mark.parametrize(
    "wanted",
    [
        Comparison("fixed"),
        Comparison(reference_hours=0),
        Comparison(current_rows=3),
        Comparison(weeks=99),
        Comparison(segments=("prompt",)),
    ],
    ids=["fixed without hours", "no hours", "three rows", "99 weeks", "a column of texts"],
)
def test_choices_that_mean_nothing_are_refused(
    workspace: Workspace, send: Send, wanted: Comparison
) -> None:
    send(scored_rows(count=60))
    with pytest.raises(Invalid):
        set_comparison(workspace, "risk", wanted)


def test_a_choice_for_an_unknown_model_is_not_kept(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        set_comparison(workspace, "nobody", Comparison())


def test_the_segment_that_moved_is_named(workspace: Workspace, send: Send) -> None:
    rows = scored_rows(count=4_000, hours=30)
    for row in rows:
        is_late = row["timestamp"] * 1e3 >= NOW_MS - 6 * HOUR_MS
        if is_late and row["user_segment"] == "a":
            row["features"]["age"] += 2.0
    send(rows)
    set_comparison(workspace, "risk", Comparison(current_hours=6))
    slices = drift.detect_drift(workspace, "risk").result.data.slices  # type: ignore[union-attr]
    outcomes = {one.value: one.outcome for one in slices}
    assert outcomes == {"a": "drift", "b": "no_evidence"}
    assert next(s for s in slices if s.value == "a").drifted == ("age",)


def test_equal_inputs_are_asked_whether_they_got_equal_answers(
    workspace: Workspace, send: Send
) -> None:
    rows = scored_rows(count=400, hours=5)
    for number, row in enumerate(rows):
        row["features"] = {"age": float(number % 40), "income": 1.0}
        row["prediction"] = int(number % 40 == 3 and number > 200)  # one input changes its answer
    send(rows)
    found = reliability.analyze_reliability(workspace, "risk").result
    steady = found.stability  # type: ignore[union-attr]
    assert (steady.repeats.agreed, steady.repeats.n) == (39, 40)  # type: ignore[union-attr]
    assert "stability" in found.overall.measured  # type: ignore[union-attr]


def test_two_versions_are_compared_on_the_inputs_that_both_answered(
    workspace: Workspace, send: Send
) -> None:
    rows = scored_rows(count=400, hours=5)
    for number, row in enumerate(rows):
        row["model_version"] = "1" if number < 200 else "2"
        row["features"] = {"age": float(number % 50), "income": 1.0}
        row["prediction"] = int(number >= 200 and number % 50 < 5)
    send(rows)
    assert len(get_model(workspace, "risk").versions) == 2
    found = reliability.analyze_reliability(workspace, "risk").result
    between = found.stability.versions  # type: ignore[union-attr]
    assert (between.agreed, between.n) == (45, 50)
