"""Misuse of keys: the exact test against SciPy and by hand, and its false alarms without any."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from engines.errors import EngineError
from engines.security import KeyActivity, find_key_misuse


def activity(events: int, past: int, key: str = "k", hours: int = 24) -> KeyActivity:
    return KeyActivity(key, "permission", events, hours, past, 240 - hours)


@pytest.mark.parametrize(("events", "past"), [(3, 0), (5, 2), (8, 10), (24, 1)])
def test_p_values_are_those_of_the_exact_binomial_test(events: int, past: int) -> None:
    found = find_key_misuse([activity(events, past)], false_discovery=1.0)
    oracle = binomtest(events, events + past, 0.1, alternative="greater").pvalue
    assert found.signals[0].p_value == pytest.approx(oracle, abs=1e-11)


def test_one_event_alone_is_never_enough_when_its_hours_are_not_rare() -> None:
    assert find_key_misuse([activity(1, 0)]).signals == ()
    # Two of two events within a tenth of the hours: 0.1 ** 2 = 0.01.
    assert len(find_key_misuse([activity(2, 0)]).signals) == 1
    assert find_key_misuse([activity(2, 0), activity(0, 9, "other")]).signals == ()


def test_a_young_key_is_named_and_not_judged() -> None:
    found = find_key_misuse([KeyActivity("new", "new_address", 50, 24, 0, 23)])
    assert (found.signals, found.tested, found.young) == ((), 0, ("new",))


def test_the_usual_rate_rarely_raises_a_signal() -> None:
    rng = np.random.default_rng(7)
    alarms = 0
    for _ in range(300):
        rows = [
            activity(int(now), int(past), f"k{i}")
            for i, (now, past) in enumerate(
                zip(rng.poisson(1.2, 20), rng.poisson(10.8, 20), strict=True)
            )
        ]
        alarms += bool(find_key_misuse(rows).signals)
    # Under the null alone, false discovery is the chance of any alarm: 0.01, plus 3 errors.
    assert alarms / 300 <= 0.01 + 3 * (0.01 * 0.99 / 300) ** 0.5


def test_a_burst_among_many_keys_is_found() -> None:
    rows = [activity(1, 9, f"k{i}") for i in range(40)] + [activity(9, 1, "stolen")]
    assert [signal.activity.key for signal in find_key_misuse(rows).signals] == ["stolen"]


def test_no_hours_now_means_no_test_and_negative_counts_are_refused() -> None:
    assert find_key_misuse([KeyActivity("k", "permission", 0, 0, 3, 99)]).tested == 0
    with pytest.raises(EngineError):
        find_key_misuse([activity(-1, 0)])
