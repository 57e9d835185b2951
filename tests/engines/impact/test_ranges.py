"""Answers stay where a metric can be, and means are not raised to get them there."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.causal.inputs import FloatArray, Key
from engines.impact import Exposure, StructuralModel, assess_impact, fit_model, what_if
from engines.impact.ranges import natural_range

ROWS, ONSET = 120, 100
ONSET_S = 60.0 * ONSET
TIMES = np.asarray(60.0 * np.arange(ROWS), dtype=np.float64)
LATE = np.arange(ROWS) >= ONSET
LATENCY, ERRORS, ACCURACY = ("store", "latency_ms"), ("web", "errors"), ("web", "accuracy")


def failing(seed: int, slope: float = 0.05) -> StructuralModel:
    """Failures begin with the slowness at row 100, which also costs accuracy."""
    rng = np.random.default_rng(seed)
    latency = 60 + rng.exponential(10, ROWS) + 150 * LATE
    errors = rng.poisson(0.3 + slope * np.maximum(0.0, latency - 100)).astype(np.float64)
    accuracy = np.clip(0.98 - 0.01 * errors + 0.02 * rng.standard_normal(ROWS), 0, 1)
    series: dict[Key, tuple[FloatArray, FloatArray]] = {
        LATENCY: (TIMES, latency), ERRORS: (TIMES, errors), ACCURACY: (TIMES, accuracy),
    }  # fmt: skip
    return fit_model(series, [(LATENCY, ERRORS), (ERRORS, ACCURACY)])


@pytest.mark.parametrize(
    ("metric", "low", "high"),
    [("latency_ms", 0, np.inf), ("requests", 0, np.inf), ("cost", 0, np.inf),
     ("output_tokens", 0, np.inf), ("energy_kwh", 0, np.inf), ("burn_rate:shop", 0, np.inf),
     ("cpu_usage", 0, np.inf), ("accuracy", 0, 1), ("label_availability", 0, 1),
     ("temperature", -np.inf, np.inf), ("budget_remaining", -np.inf, np.inf)],
)  # fmt: skip
def test_the_range_of_a_metric_follows_from_what_it_counts(
    metric: str, low: float, high: float
) -> None:
    assert natural_range(metric, np.array([0.2, 0.9])) == (low, high)


def test_a_value_below_zero_proves_a_name_wrong() -> None:
    assert natural_range("cost", np.array([-3.0, 2.0])) == (-np.inf, np.inf)


@given(seed=st.integers(0, 10_000), slope=st.floats(0.05, 0.3))
@settings(max_examples=25, deadline=None)
def test_no_answer_leaves_the_range(seed: int, slope: float) -> None:
    model = failing(seed, slope)
    late = model.times_s >= ONSET_S
    for target, top in ((ERRORS, np.inf), (ACCURACY, 1.0)):
        answer = what_if(model, LATENCY, target, onset_s=ONSET_S, resamples=20)
        ends = answer.difference.interval
        shown = (answer.instead, answer.actual + ends.low, answer.actual + ends.high,
                 *answer.instead_path, *answer.low, *answer.high)  # fmt: skip
        assert min(shown) >= -1e-9 and max(shown) <= top + 1e-9
    money = Exposure("failed_requests", ERRORS, 1 / 60, "requests")
    found = assess_impact(model, LATENCY, onset_s=ONSET_S, exposures=[money], resamples=20)
    level = float(model.values[late, model.at(ERRORS)].mean())
    change = next(i.change for i in found.metrics if i.key == ERRORS)
    assert max(change.value, change.interval.high) <= level + 1e-9  # no more than there are
    assert found.exposures[0].so_far.interval.high <= level * (ROWS - ONSET) + 1e-6
    usual = float(np.median(model.values[~late, model.at(ERRORS)]))
    for seconds, amount in found.exposures[0].ahead:
        assert amount.interval.low >= -usual * seconds / 60 - 1e-9


def test_the_mean_is_that_of_the_line_and_not_of_rows_that_were_cut() -> None:
    model = failing(1)
    answer = what_if(model, LATENCY, ERRORS, onset_s=ONSET_S)
    late = model.times_s >= ONSET_S
    cause, effect = (model.values[:, model.at(k)] for k in (LATENCY, ERRORS))
    slope = model.equations[model.at(ERRORS)].slopes[0]
    line = effect[late] + slope * (np.median(cause[~late]) - cause[late])
    assert line.min() < 0 < line.mean()
    assert answer.instead == pytest.approx(line.mean())
    assert answer.instead_path == pytest.approx(np.maximum(line, 0))
    assert answer.limit == ""


def test_an_answer_at_the_end_of_the_range_says_so() -> None:
    load = np.where(np.arange(ROWS) % 2, 9.0, 11.0)
    errors = np.where(np.arange(ROWS) % 2, 1.0, 3.0)  # load less 8
    model = fit_model(
        {("a", "requests"): (TIMES, load), ERRORS: (TIMES, errors)}, [(("a", "requests"), ERRORS)]
    )
    answer = what_if(model, ("a", "requests"), ERRORS, set_to=2.0)
    assert answer.instead == 0.0 and answer.difference.value == -answer.actual
    assert answer.limit.startswith("On the line fitted errors of web would leave")
    found = assess_impact(model, ("a", "requests"), change=-8.0)
    assert found.metrics[0].is_cut and found.metrics[0].change.value == pytest.approx(-1.8)
    assert any("would leave its possible range" in said for said in found.warnings)
