"""Concept, reliability, hallucination, degradation, trust and their sum, from one telemetry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from connectors.protocols import InferenceColumns
from engines.drift import watch
from engines.drift.detector import DetectorState
from services import cognitive, degradation, drift, hallucination, models, reliability, trust
from services.concept import Concept
from services.identity import ROLES, Principal
from services.jobs import refresh_model, refresh_models
from services.quality import score_outcomes
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Row, Send, scored_rows


def text_rows(count: int = 40, *, wrong: bool = False) -> list[Row]:
    """Answers that copy their passage, or that name another year."""
    passage = "The bridge was opened in 1932 by the mayor. It is 503 metres long."
    output = "The bridge was opened in 1977." if wrong else "The bridge was opened in 1932."
    return [
        {
            "inference_id": f"t{n}", "model_id": "bot", "timestamp": NOW_MS / 1_000 - 60 * n - 1,
            "prompt": "When was the bridge opened?", "context": [passage], "output": output,
            "input_tokens": 30, "output_tokens": 8,
        }
        for n in range(count)
    ]  # fmt: skip


def test_scores_that_mean_what_they_say_are_calibrated(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=3_000))
    found = reliability.analyze_reliability(workspace, "risk").result
    assert found is not None
    assert found.calibration.score > 0.9  # type: ignore[union-attr]


def test_labels_at_equal_scores_that_turn_around_are_concept_drift(
    workspace: Workspace, send: Send
) -> None:
    rows = scored_rows(count=4_000)
    for row in rows:
        if row["timestamp"] >= NOW_MS / 1_000 - 2 * 3_600:
            row["label"] = 1 - row["label"]
    send(rows)
    answer = drift.detect_drift(workspace, "risk").result
    assert answer is not None and isinstance(answer.concept, Concept)
    assert answer.concept.labelled.outcome == "drift"  # type: ignore[union-attr]


def test_watching_in_two_goes_finds_what_watching_at_once_finds(
    workspace: Workspace, send: Send
) -> None:
    rows = scored_rows(count=4_000)
    for row in rows:
        if row["timestamp"] >= NOW_MS / 1_000 - 5 * 3_600:
            row["label"] = 1 - row["prediction"]
    send(rows)
    found = drift.detect_drift(workspace, "risk").result
    errors = [float(row["label"] != row["prediction"]) for row in rows]
    alarms = watch(DetectorState(), errors)[1]
    assert found is not None and isinstance(found.concept, Concept)
    times = [round(rows[alarm.index]["timestamp"] * 1_000) for alarm in alarms]
    assert times and len(found.concept.alarms_ms) == len(times)
    assert all(abs(a - b) < 5 for a, b in zip(found.concept.alarms_ms, times, strict=True))


def test_a_wrong_year_is_riskier_than_the_right_one(workspace: Workspace, send: Send) -> None:
    send(text_rows())
    right = hallucination.detect_hallucination(workspace, "bot").result
    send([row | {"inference_id": f"w{row['inference_id']}"} for row in text_rows(wrong=True)])
    wrong = hallucination.detect_hallucination(workspace, "bot").result
    assert right is not None and wrong is not None
    assert wrong.hallucination_risk > right.hallucination_risk + 0.1
    assert wrong.examples[0].output.endswith("1977.")


def test_a_viewer_sees_rates_and_not_texts(workspace: Workspace, send: Send) -> None:
    send(text_rows())
    viewer = Principal("v", "default", ("viewer",), "api_key", "v")
    assert "content:read" not in ROLES["viewer"]
    ws = replace(workspace, principal=viewer)
    found = hallucination.get_hallucination(ws, "bot").result
    assert found is not None and found.examples == () and found.checked == 40


def test_quality_without_labels_is_unknown(workspace: Workspace, send: Send) -> None:
    send([{k: v for k, v in row.items() if k != "label"} for row in scored_rows(count=200)])
    answer = degradation.track_degradation(workspace, "risk")
    assert answer.insufficient is not None and "label" in answer.insufficient.reason


def test_accuracy_that_falls_by_the_hour_degrades(workspace: Workspace, send: Send) -> None:
    rows = scored_rows(count=4_000)
    for number, row in enumerate(rows):
        right = (number * 7919) % 4_000 > number * 0.7
        row["label"] = row["prediction"] if right else 1 - row["prediction"]
    send(rows)
    found = degradation.track_degradation(workspace, "risk").result
    assert found is not None and found.status == "degrading"


def test_trust_is_bounded_explained_and_lower_when_inputs_shift(
    workspace: Workspace, send: Send
) -> None:
    send(scored_rows("calm", count=2_000))
    send(scored_rows("moved", count=2_000, shift_after_ms=NOW_MS - 7 * HOUR_MS))
    for model_id in ("calm", "moved"):
        refresh_model(workspace, model_id)
    calm, moved = (trust.get_trust(workspace, m).result for m in ("calm", "moved"))
    assert calm is not None and moved is not None
    assert 0 <= moved.trust < calm.trust <= calm.point <= 1
    assert calm.sentence


def test_the_cognitive_answer_has_every_part_or_its_reason(
    workspace: Workspace, send: Send
) -> None:
    send(scored_rows(count=1_500))
    found = cognitive.get_cognitive(workspace, "risk")
    assert found.hallucination["risk_level"] == "insufficient_data"
    assert found.hallucination["grounding_score"] is None and found.hallucination["reason"]
    for part in (found.drift, found.reliability, found.degradation, found.trust):
        assert part["computed_at"] and part["n"] > 0


def test_a_model_is_due_after_new_rows_and_not_before(
    workspace: Workspace, send: Send, clock: list[int]
) -> None:
    send(scored_rows(count=300))
    assert refresh_models(workspace) == 1
    clock[0] += 60_000
    assert refresh_models(workspace) == 0
    send([scored_rows(count=1)[0] | {"inference_id": "new"}])
    assert refresh_models(workspace) == 1


def test_the_type_of_a_model_is_read_off_what_it_sends(workspace: Workspace, send: Send) -> None:
    send(text_rows(3))
    send(scored_rows(count=5))
    send([{"inference_id": "r", "model_id": "price", "prediction": 12.5,
           "timestamp": NOW_MS / 1_000 - 5}])  # fmt: skip
    kinds = {model.model_id: model.model_type for model in models.list_models(workspace)}
    assert kinds == {"bot": "rag", "risk": "classification", "price": "regression"}


def test_registration_overrules_the_guess(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=5))
    said = models.Registration(name="Risk of default", model_type="regression")
    assert models.register_model(workspace, "risk", said).status == "registered"
    assert models.get_model(workspace, "risk").model_type == "regression"


def _scored(score: list[float], said: list[str], label: list[str | None]) -> InferenceColumns:
    size = len(score)
    return InferenceColumns(
        np.full(size, "id", dtype=object),
        np.arange(size, dtype=np.int64),
        np.full(size, "1", dtype=object),
        {
            "score": np.array(score),
            "prediction": np.array(said, dtype=object),
            "label": np.array(label, dtype=object),
        },
    )


def test_a_score_speaks_of_the_class_predicted_above_one_half() -> None:
    rows = _scored([0.9, 0.2, 0.8], ["yes", "no", "yes"], ["yes", "yes", None])
    found = score_outcomes(rows, None)
    assert found is not None
    assert np.array_equal(found, [1.0, 1.0, np.nan], equal_nan=True)


def test_scores_never_below_one_half_speak_of_the_predicted_class() -> None:
    rows = _scored([0.9, 0.7], ["cat", "dog"], ["cat", "cat"])
    found = score_outcomes(rows, None)
    assert found is not None and found.tolist() == [1.0, 0.0]


def test_a_registered_class_decides_and_nothing_decides_for_low_scores_alone() -> None:
    rows = _scored([0.1, 0.2], ["no", "no"], ["no", "yes"])
    assert score_outcomes(rows, None) is None
    found = score_outcomes(rows, "yes")
    assert found is not None and found.tolist() == [0.0, 1.0]
