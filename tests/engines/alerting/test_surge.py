import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.alerting import surge_evidence
from engines.errors import EngineError, InsufficientData


def test_evidence_is_the_likelihood_ratio_of_the_best_newest_stretch() -> None:
    shows = [False, True, True, False, True, True, True]
    up, down = math.log(0.9 / 0.05), math.log(0.1 / 0.95)
    stretches = [sum(up if one else down for one in shows[i:]) for i in range(len(shows))]
    assert surge_evidence(shows, 4, 98)[0] == pytest.approx(max(stretches))


@given(st.lists(st.booleans(), max_size=60), st.integers(0, 50))
def test_evidence_is_never_negative_and_rests_on_rows_that_exist(shows, past) -> None:
    evidence, rows = surge_evidence(shows, past, 50)
    assert evidence >= 0
    assert 0 <= rows <= len(shows)


def test_rows_between_false_alarms_are_at_least_what_the_limit_promises() -> None:
    rng = np.random.default_rng(11)
    limit, seen, alarms = math.log(400), 0, 0
    since: list[bool] = []
    for shows in (rng.random(120_000) < 0.05).tolist():
        seen += 1
        since = [*since[-40:], shows]
        if surge_evidence(since, 0.05 * 1e6, 1e6)[0] >= limit:
            alarms, since = alarms + 1, []
    assert seen / max(1, alarms) >= 400


def test_what_is_usual_anyway_is_no_evidence() -> None:
    assert surge_evidence([True] * 20, 95, 100) == (0.0, 0)


def test_evidence_refuses_impossible_counts() -> None:
    with pytest.raises(EngineError):
        surge_evidence([True], 6, 5)
    with pytest.raises(InsufficientData):
        surge_evidence([True], 0, 0)
