"""Ages by hand: the oldest observation counts, against what the control allows."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.compliance import (
    Check,
    ControlStatus,
    EvidenceAge,
    evidence_age,
    load_catalogue,
    spread_ages,
)

DAY = 86_400_000
NOW = 1_000 * DAY


def status(*observed: int | None) -> ControlStatus:
    checks = tuple(Check("r", "holds", observed_at_ms=at) for at in observed)
    return ControlStatus("AIA-10-3", "eu_ai_act", "pass", "met", NOW, "1", checks)


def test_the_oldest_observation_is_the_age_of_the_evidence() -> None:
    control = load_catalogue().control("AIA-10-3")
    assert control is not None
    found = evidence_age(control, status(NOW - 2 * DAY, None, NOW - 8 * DAY))
    assert (found.age_ms, found.allowed_ms) == (8 * DAY, 7 * DAY)
    assert found.used == pytest.approx(8 / 7)


def test_nothing_observed_has_no_age() -> None:
    control = load_catalogue().controls[0]
    assert evidence_age(control, status(None)).used is None


def test_an_age_on_an_edge_is_in_the_band_above_it_and_still_in_date() -> None:
    bands = spread_ages([EvidenceAge("a", 7 * DAY, 7 * DAY), EvidenceAge("b", None, DAY)])
    assert [(b.in_date, b.too_old) for b in bands] == [(0, 0)] * 3 + [(1, 0)] + [(0, 0)] * 3


@given(st.lists(st.one_of(st.none(), st.integers(0, 800 * DAY)), max_size=30))
def test_every_dated_control_is_in_exactly_one_band(found: list[int | None]) -> None:
    bands = spread_ages([EvidenceAge(str(i), age, 30 * DAY) for i, age in enumerate(found)])
    assert sum(b.in_date + b.too_old for b in bands) == sum(age is not None for age in found)
    assert sum(b.too_old for b in bands) == sum(a is not None and a > 30 * DAY for a in found)
