from __future__ import annotations

import numpy as np
import pytest

from engines.drift import DriftReport
from services import drift, reference, sketches
from services.errors import Invalid, NotFound, UnsupportedMedia
from services.sides import LONG_ROWS, choose_sides, with_long_columns
from services.times import Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Row, Send, scored_rows


def test_a_shifted_feature_is_named_and_the_others_are_not(
    workspace: Workspace, send: Send
) -> None:
    send(scored_rows(count=3_000, shift_after_ms=NOW_MS - 6 * HOUR_MS))
    answer = drift.detect_drift(workspace, "risk")
    assert answer.result is not None
    report = answer.result.data
    assert report.drifted_columns == ("age",)  # type: ignore[union-attr]
    assert answer.result.status == "drift"


def test_few_rows_are_said_to_be_few(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=30))
    answer = drift.detect_drift(workspace, "risk")
    assert answer.result is None
    assert answer.insufficient is not None and answer.insufficient.needed == drift.MIN_ROWS


def test_an_unknown_model_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound):
        drift.get_drift(workspace, "nobody")


def test_windows_compare_from_kept_summaries_with_the_correlation_test(
    workspace: Workspace, send: Send
) -> None:
    send(scored_rows(count=3_000, shift_after_ms=NOW_MS - 3 * HOUR_MS))
    sketches.update_sketches(workspace)
    window = Window(NOW_MS - 3 * HOUR_MS, NOW_MS)
    report = drift.compare_windows(workspace, "risk", window).result
    assert report is not None and report.method == "sketch"
    assert "age" in report.drifted_columns
    assert [part.name for part in report.joint] == ["correlation"]


def test_summaries_count_every_row_once(workspace: Workspace, send: Send) -> None:
    rows = scored_rows(count=600)
    send(rows)
    sketches.update_sketches(workspace)
    send(rows[:100])  # a client's retry
    sketches.update_sketches(workspace)
    merged = sketches.merged_sketch(workspace, "risk", Window(NOW_MS - 25 * HOUR_MS, NOW_MS))
    assert merged is not None and merged.rows == 600


def test_a_version_without_predecessor_says_so(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=300))
    sketches.update_sketches(workspace)
    window = Window(NOW_MS - HOUR_MS, NOW_MS)
    answer = drift.compare_windows(workspace, "risk", window, against="previous_version")
    assert answer.insufficient is not None and "one version" in answer.insufficient.reason


def test_an_uploaded_reference_replaces_the_day_before(workspace: Workspace, send: Send) -> None:
    send(scored_rows(count=400))
    lines = "".join(f"{value / 100 + 9:.2f},0.5\n" for value in range(400))
    info = reference.put_reference(workspace, "risk", b"age,income\n" + lines.encode(), "text/csv")
    assert (info.rows, sorted(info.columns)) == (400, ["age", "income"])
    answer = drift.detect_drift(workspace, "risk")
    assert answer.method == "uploaded reference"
    assert answer.result is not None and "age" in answer.result.data.drifted_columns  # type: ignore[union-attr]


def test_a_reference_must_be_a_table_that_is_read(workspace: Workspace) -> None:
    with pytest.raises(UnsupportedMedia):
        reference.put_reference(workspace, "risk", b"x", "image/png")
    with pytest.raises(Invalid):
        reference.put_reference(workspace, "risk", b"junk", "application/vnd.apache.parquet")
    with pytest.raises(Invalid, match="application/x-ndjson"):
        reference.put_reference(workspace, "risk", b'{"a":1}\n{"a":"x"}\n', "application/x-ndjson")
    with pytest.raises(NotFound):
        reference.get_reference(workspace, "risk")


def text_rows(count: int, changed_after_ms: int) -> list[Row]:
    """Questions about parcels, later about refunds; vectors that move along with them."""
    rng = np.random.default_rng(3)
    rows: list[Row] = []
    for number in range(count):
        at_ms = NOW_MS - 24 * HOUR_MS + number * 24 * HOUR_MS // count
        changed = at_ms >= changed_after_ms
        topic = "refund of my last payment" if changed else "arrival of my parcel at the door"
        rows.append({
            "inference_id": f"t{number}", "model_id": "helper", "timestamp": at_ms / 1_000,
            "prompt": f"Please tell me about the {topic} number {int(rng.integers(50))}",
            "output": f"It takes {int(rng.integers(2, 9))} days until all is well again",
            "output_tokens": 9, "embedding": rng.normal(1.5 * changed, 1, 4).round(3).tolist(),
        })  # fmt: skip
    return rows


def test_changed_questions_and_vectors_of_a_text_model_are_named(
    workspace: Workspace, send: Send
) -> None:
    send(text_rows(3_000, NOW_MS - 6 * HOUR_MS))
    answer = drift.detect_drift(workspace, "helper")
    assert answer.result is not None
    data, prediction = answer.result.data, answer.result.prediction
    assert isinstance(data, DriftReport) and isinstance(prediction, DriftReport)
    assert set(data.drifted_columns) == {"prompt", "embedding"}
    assert prediction.drifted_columns == () and [c.kind for c in prediction.columns] == ["text"]


def test_no_text_stands_in_the_result_that_everybody_may_read(
    workspace: Workspace, send: Send
) -> None:
    rows = text_rows(3_000, NOW_MS)
    send([row | {"prompt": "the same secret question"} for row in rows])
    answer = drift.detect_drift(workspace, "helper")
    assert answer.result is not None and "secret" not in repr(answer)


def test_long_columns_are_read_from_the_whole_window(workspace: Workspace, send: Send) -> None:
    send(text_rows(6_000, NOW_MS - 6 * HOUR_MS))
    sides = with_long_columns(workspace, "helper", choose_sides(workspace, "helper"))
    assert len(sides.reference["prompt"]) == LONG_ROWS
    assert "parcel" in sides.reference["prompt"][0]
