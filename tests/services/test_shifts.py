"""Which feature moved, and when: from rows, within the minute, and down to the predictions."""

from __future__ import annotations

import numpy as np

from connectors.protocols import InferenceColumns
from engines.causal import Series
from engines.causal.inputs import Key
from services.causal import explain
from services.models import Model
from services.scene import LABELS, LABELS_DUE_MS, Scene, _label_share, _usual_delay_ms
from services.shifts import shifts
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

START_MS = 1_767_254_400_000
MINUTES = 120
A_MINUTE = 8


def model() -> Model:
    return Model("scorer", "registered", "classification", "scorer", "", "", "limited", None, None,
                 False, START_MS, START_MS, 0, ())  # fmt: skip


def rows(red_minutes: int, seed: int = 0) -> InferenceColumns:
    """Eight rows a minute; `age` doubles in the last minutes, and the score follows it."""
    rng = np.random.default_rng(seed)
    n = MINUTES * A_MINUTE
    at = START_MS + np.arange(n) * MINUTE_MS // A_MINUTE
    late = at >= START_MS + (MINUTES - red_minutes) * MINUTE_MS
    age = rng.normal(40, 8, n) * np.where(late, 2, 1)
    score = 1 / (1 + np.exp(-(age - 40) / 8 + rng.normal(0, 0.3, n)))
    truth = np.where(late, 0.0, (score > 0.5).astype(float))
    columns = {
        "feature:age": age,
        "feature:weight": rng.normal(70, 9, n),
        "feature:city": rng.choice(np.array(["a", "b", "c"], dtype=object), n),
        "score": score,
        "prediction": (score > 0.5).astype(float).astype(object),
        "label": truth.astype(object),
    }
    versions = np.array(["1"] * n, dtype=object)
    return InferenceColumns(np.arange(n).astype(str).astype(object), at, versions, columns)


def series_of(red_minutes: int) -> dict[Key, Series]:
    minutes = START_MS + np.arange(MINUTES) * MINUTE_MS
    return shifts(model(), rows(red_minutes), minutes)


def test_the_feature_that_moved_is_far_out_within_its_first_minutes() -> None:
    found = series_of(5)
    age, weight = (found["scorer", f"feature_drift:{f}"].values for f in ("age", "weight"))
    assert age[-3:].min() > 0.8 > 0.5 > weight[-3:].max()
    np.testing.assert_array_equal(found["scorer", "data_drift"].values[-3:], age[-3:])


def test_a_minute_without_rows_is_unknown_and_few_rows_give_nothing() -> None:
    minutes = START_MS + np.arange(MINUTES + 2) * MINUTE_MS
    found = shifts(model(), rows(0), minutes)
    assert np.isnan(found["scorer", "data_drift"].values[-2:]).all()
    none = rows(0)
    few = InferenceColumns(
        none.inference_ids[:40], none.timestamps_ms[:40], none.versions[:40],
        {name: values[:40] for name, values in none.columns.items()},
    )  # fmt: skip
    assert shifts(model(), few, minutes) == {}


def test_drift_is_blamed_on_its_feature_with_the_chain_to_the_predictions(
    workspace: Workspace,
) -> None:
    metrics = series_of(5)
    end = START_MS + MINUTES * MINUTE_MS
    scene = Scene(Window(START_MS, end), metrics, (), (), ())
    for effect in ("data_drift", "prediction_drift", "accuracy"):
        found = explain(workspace, scene, ("scorer", effect), alerted_ms=end - MINUTE_MS)
        assert found.result is not None and found.result.cause is not None, effect
        assert found.result.cause.metric == "feature_drift:age"
        chain = [step.metric for step in found.result.cause.chain]
        assert (chain[0], chain[-1]) == ("feature_drift:age", effect)


def test_a_quiet_model_names_no_feature(workspace: Workspace) -> None:
    end = START_MS + MINUTES * MINUTE_MS
    scene = Scene(Window(START_MS, end), series_of(0), (), (), ())
    found = explain(workspace, scene, ("scorer", "data_drift"))
    assert found.result is not None and found.result.abstained


def test_labels_are_late_after_their_own_usual_delay() -> None:
    quick = rows(0)
    at = quick.timestamps_ms
    end = START_MS + MINUTES * MINUTE_MS
    arrived = (at + 10 * MINUTE_MS).astype(np.float64)
    is_held = arrived > end - 3 * MINUTE_MS  # the queue stopped three minutes ago
    arrived[is_held] = np.nan
    quick.columns["label_timestamp_ms"] = arrived
    quick.columns["label"][is_held] = None
    assert _usual_delay_ms(quick) == 10 * MINUTE_MS
    minutes = START_MS + np.arange(MINUTES) * MINUTE_MS
    share = _label_share(model(), quick, Window(START_MS, end), minutes)["scorer", LABELS].values
    assert share[:-3].min() == 1.0
    assert share[-2:].max() == 0.0
    assert _usual_delay_ms(rows(0)) == LABELS_DUE_MS
