"""The health score by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.errors import EngineError, InsufficientData
from engines.health import WEIGHTS, score, share_from_errors, share_untouched
from engines.result import Insufficient

ALL = {"trust": 0.9, "models": 0.5, "incidents": 1.0, "services": 1.0, "errors": 0.8}


def test_the_score_is_the_weighted_mean() -> None:
    # .35*.9 + .25*.5 + .2*1 + .1*1 + .1*.8 = .82
    assert score(ALL).score == pytest.approx(0.82)


def test_losses_and_score_add_up_to_one() -> None:
    found = score(ALL)
    assert found.score + sum(part.loss for part in found.parts) == pytest.approx(1.0)
    assert found.parts[0].name == "models"


def test_an_unknown_part_takes_no_weight_and_keeps_its_reason() -> None:
    found = score(ALL | {"services": Insufficient("no traces")})
    assert found.known_weight == pytest.approx(0.9)
    part = next(p for p in found.parts if p.name == "services")
    assert (part.weight, part.score) == (0.0, Insufficient("no traces"))
    assert sum(p.weight for p in found.parts) == pytest.approx(1.0)


def test_too_little_known_weight_gives_no_score() -> None:
    with pytest.raises(InsufficientData, match="30% is known"):
        score({"incidents": 1.0, "errors": 1.0, "trust": Insufficient("none")})


@pytest.mark.parametrize("parts", [{"trust": 1.2}, {"luck": 0.5}])
def test_a_part_out_of_range_or_without_weight_is_refused(parts: dict[str, float]) -> None:
    with pytest.raises(EngineError):
        score(parts)


@given(st.fixed_dictionaries({name: st.floats(0, 1) for name in WEIGHTS}))
def test_the_score_lies_between_the_worst_and_the_best_part(parts: dict[str, float]) -> None:
    found = score(parts).score
    assert min(parts.values()) - 1e-9 <= found <= max(parts.values()) + 1e-9


def test_a_warning_counts_half_and_more_incidents_than_subjects_give_zero() -> None:
    assert share_untouched(4, 1, 1) == pytest.approx(0.625)
    assert share_untouched(1, 3, 0) == 0.0
    with pytest.raises(InsufficientData):
        share_untouched(0, 0, 0)


def test_five_percent_errors_leave_nothing() -> None:
    assert (share_from_errors(0.0), share_from_errors(0.05), share_from_errors(1.0)) == (1, 0, 0)
