"""The fleet's data and fairness: kept by the refresh, read with one query a number."""

from __future__ import annotations

import pytest

from services.data_health import check_data_health, list_data_health
from services.errors import Forbidden
from services.identity import Principal
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import Row, Send


def decisions(model_id: str, *, unfair: bool = False, gone_share: float = 0.0) -> list[Row]:
    """Two days of decisions about two segments; `gone_share` of the last hour lacks a feature."""
    rows: list[Row] = []
    for n in range(2_400):
        minutes_ago = n % 1_440 if n >= 600 else n % 60
        segment = "ab"[n % 2]
        yes = n // 2 % 10 < (7 if segment == "a" or not unfair else 2)
        features: dict[str, object] = {"x": float(n % 17), "c": "uv"[n % 2]}
        if minutes_ago < 60 and n % 10 < 10 * gone_share:
            features["x"] = None
        rows.append(
            {
                "inference_id": f"{model_id}-{n}", "model_id": model_id, "prediction": int(yes),
                "timestamp": NOW_MS / 1_000 - 60 * minutes_ago - 1, "features": features,
                "score": 0.5, "user_segment": segment,
            }
        )  # fmt: skip
    return rows


def test_the_model_with_most_wrong_comes_first(workspace: Workspace, send: Send) -> None:
    send(decisions("fine"))
    send(decisions("holes", gone_share=0.5))
    send(decisions("unfair", unfair=True))
    for model_id in ("fine", "holes", "unfair"):
        check_data_health(workspace, model_id)
    found = {row.model_id: row for row in list_data_health(workspace)}
    assert list(found)[-1] == "fine"
    assert (found["fine"].problems, found["fine"].fairness) == (0, "no_evidence")
    assert found["holes"].problems and found["holes"].fairness == "no_evidence"
    assert found["unfair"].problems == 0 and found["unfair"].fairness == "disparity"
    share = found["holes"].sound_share
    assert share is not None and share == pytest.approx(0.75, abs=0.02)  # half of one of two


def test_a_model_that_nobody_checked_has_no_number(workspace: Workspace, send: Send) -> None:
    send([{"inference_id": "1", "model_id": "new", "timestamp": NOW_MS / 1_000}])
    check_data_health(workspace, "new")
    row = list_data_health(workspace)[0]
    assert (row.sound_share, row.problems, row.disparities) == (None, None, None)
    assert row.fairness == "insufficient_data"


def test_the_numbers_of_one_tenant_stay_there(
    backends: Backends, workspace: Workspace, send: Send
) -> None:
    send(decisions("fine"))
    check_data_health(workspace, "fine")
    nobody = backends.workspace(Principal("x", "other", ("viewer",), "local", "x"))
    assert list_data_health(nobody) == []
    with pytest.raises(Forbidden):
        check_data_health(nobody, "fine")
