"""The incident that the methods work by hand: each number of it, from the engines."""

from __future__ import annotations

import numpy as np
import pytest

from engines.causal import Series
from engines.causal.inputs import Key
from engines.impact import (
    Exposure,
    StructuralModel,
    assess_impact,
    attribution,
    fit_model,
    what_if,
)

ROWS, ONSET = 60, 50
CART, WEB, MODEL = (("cart", "latency_ms"), ("web", "latency_ms"), ("recommender", "latency_ms"))
BURN = ("recommender", "burn_rate:shop")
TIMES = 60.0 * np.arange(ROWS)
ONSET_S = 60.0 * ONSET


@pytest.fixture
def model() -> StructuralModel:
    late = np.arange(ROWS) >= ONSET
    cart = np.where(np.arange(ROWS) % 2, 61.0, 59.0) + 350 * late
    values = {CART: cart, WEB: cart + 50, MODEL: cart + 62, BURN: 20.0 * late}
    series: dict[Key, Series] = {key: Series(TIMES, path) for key, path in values.items()}
    return fit_model(series, [(CART, WEB), (WEB, MODEL), (MODEL, BURN)], step_s=60.0)


def test_effects_of_the_slow_cart(model: StructuralModel) -> None:
    found = {item.key: item for item in assess_impact(model, CART, onset_s=ONSET_S).metrics}
    assert found[WEB].r2 == pytest.approx(1) and found[MODEL].r2 == pytest.approx(1)
    assert found[MODEL].per_unit == pytest.approx(1)
    assert found[MODEL].change.value == pytest.approx(350)


def test_the_cart_has_the_whole_share(model: StructuralModel) -> None:
    shares = attribution(model, MODEL, ONSET_S)
    assert shares.change == pytest.approx(350)
    amounts = {part.name: part.amount for part in shares.contributions}
    assert amounts.pop("cart|latency_ms") == pytest.approx(350)
    assert list(amounts.values()) == pytest.approx([0.0] * len(amounts), abs=1e-9)


def test_without_the_slow_cart_the_model_answers_as_before(model: StructuralModel) -> None:
    answer = what_if(model, CART, MODEL, onset_s=ONSET_S)
    assert (answer.actual, answer.instead) == pytest.approx((472, 122))
    assert answer.instead_path == pytest.approx([122] * 10)


def test_the_budget_that_it_burns(model: StructuralModel) -> None:
    budget = Exposure("slo_budget", BURN, 1 / 86_400, "share")
    (spent,) = assess_impact(
        model, CART, onset_s=ONSET_S, exposures=[budget], horizons_s=[3_600]
    ).exposures
    assert spent.so_far.value == pytest.approx(20 * 9.5 / 1_440, rel=1e-3)
    assert spent.ahead[0][1].value == pytest.approx(20 * 60 / 1_440, rel=1e-3)
