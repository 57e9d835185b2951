"""Money: prices of tokens, why spending changed, budgets and forecasts, value and its return.

Front function: `explain_change(before, after)`, which parts made cost rise and whether by more
work or dearer work. `METHODS` names every other question with the function that answers it.
"""

from collections.abc import Callable
from typing import Any

from engines.business.anomalies import find_spend_anomalies, find_spend_anomalies_of_each
from engines.business.budget import track_budget
from engines.business.drivers import explain_change
from engines.business.forecast import forecast
from engines.business.pricing import Price, find_price, load_prices, price_tokens
from engines.business.result import (
    Budget,
    Driver,
    Estimate,
    Forecast,
    Lift,
    Loss,
    Return,
    SpendAnomaly,
)
from engines.business.returns import compute_roi, revenue_at_risk
from engines.business.value import compare_means, compare_rates, estimate_mean, estimate_rate

METHODS: dict[str, Callable[..., Any]] = {  # each takes and returns its own types
    "price": price_tokens,
    "drivers": explain_change,
    "anomalies": find_spend_anomalies,
    "forecast": forecast,
    "budget": track_budget,
    "rate": estimate_rate,
    "mean": estimate_mean,
    "lift_of_rates": compare_rates,
    "lift_of_means": compare_means,
    "roi": compute_roi,
    "revenue_at_risk": revenue_at_risk,
}

__all__ = [
    "METHODS",
    "Budget",
    "Driver",
    "Estimate",
    "Forecast",
    "Lift",
    "Loss",
    "Price",
    "Return",
    "SpendAnomaly",
    "compare_means",
    "compare_rates",
    "compute_roi",
    "estimate_mean",
    "estimate_rate",
    "explain_change",
    "find_price",
    "find_spend_anomalies",
    "find_spend_anomalies_of_each",
    "forecast",
    "load_prices",
    "price_tokens",
    "revenue_at_risk",
    "track_budget",
]
