"""What a tenant says of money: its token prices, its budget, and what its users' outcomes are
worth."""

from __future__ import annotations

import hashlib
import re
from typing import Literal

import msgspec

from engines import business
from engines.business import Price
from services.errors import Invalid
from services.identity import permitted
from services.periods import Period
from services.workspace import Workspace

_KIND = "policy"
_ID = "business"
_CURRENCY = re.compile(r"[A-Z]{3}")


class OwnPrice(msgspec.Struct, frozen=True):
    """What a tenant pays for a million tokens of a model."""

    input_per_million: float
    output_per_million: float
    currency: str = "USD"
    source: str = ""
    date: str = ""


class MoneyBudget(msgspec.Struct, frozen=True):
    """How much may be spent in a period."""

    amount: float
    currency: str = "USD"
    period: Period = "month"


class ValueMetric(msgspec.Struct, frozen=True, omit_defaults=True):
    """An outcome that users send as metrics with the labels `model_id` and `version`.

    `share`: `metric` counts successes and `trials` attempts, both as increments. `mean`: every
    sample of `metric` is one score.
    """

    name: str
    kind: Literal["share", "mean"]
    metric: str
    trials: str = ""
    worth: float | None = None  # money per success
    currency: str = "USD"
    baseline: float = 0.0  # success rate without the AI
    resolves_task: bool = False


STANDARD = (
    ValueMetric("conversion", "share", "conversion_total", "conversion_trials_total"),
    ValueMetric(
        "resolution", "share", "resolution_total", "resolution_trials_total", resolves_task=True
    ),
    ValueMetric("satisfaction", "mean", "satisfaction"),
)
"""Outcomes that are understood without saying anything."""


class BusinessPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """Everything that is not telemetry; a metric named like a standard one replaces it."""

    prices: dict[str, OwnPrice] = {}
    budget: MoneyBudget | None = None
    value_metrics: tuple[ValueMetric, ...] = ()

    def own_prices(self) -> dict[str, Price]:
        """Return the tenant's prices as the engine takes them."""
        return {
            model_id: Price(p.input_per_million, p.output_per_million, p.currency, "own")
            for model_id, p in self.prices.items()
        }

    def outcomes(self) -> tuple[ValueMetric, ...]:
        """Return the standard outcomes and the tenant's own."""
        named = {metric.name for metric in self.value_metrics}
        return (*[m for m in STANDARD if m.name not in named], *self.value_metrics)

    def basis(self) -> str:
        """Return a fingerprint of what spending depends on, the price table included."""
        table = str(business.load_prices()["version"])
        text = msgspec.json.encode(self.prices, order="sorted") + table.encode()
        return hashlib.sha256(text).hexdigest()[:16]


@permitted("costs:read")
def get_business_policy(ws: Workspace) -> BusinessPolicy:
    """Return the tenant's policy; an empty one when nobody set any."""
    record = ws.records.get(_KIND, _ID)
    return msgspec.convert(record.body, BusinessPolicy) if record else BusinessPolicy()


@permitted("costs:write")
def set_business_policy(ws: Workspace, policy: BusinessPolicy) -> BusinessPolicy:
    """Replace the policy; kept history is priced anew from it within minutes."""
    problem = _problem(policy)
    if problem:
        raise Invalid(problem)
    ws.records.put(_KIND, _ID, msgspec.to_builtins(policy))
    for part in ("costs", "value"):
        ws.cache.invalidate(f"{ws.tenant}/{part}")
    return policy


def _problem(policy: BusinessPolicy) -> str:
    for model_id, price in policy.prices.items():
        if min(price.input_per_million, price.output_per_million) < 0:
            return f"prices.{model_id}: a price is 0 or more"
    currencies = [p.currency for p in policy.prices.values()]
    currencies += [m.currency for m in policy.value_metrics]
    if policy.budget is not None:
        currencies.append(policy.budget.currency)
        if policy.budget.amount <= 0:
            return "a budget is above 0"
    wrong = next((c for c in currencies if not _CURRENCY.fullmatch(c)), None)
    if wrong is not None:
        return f"{wrong!r} is not a currency code such as USD"
    return next((p for p in map(_problem_of, policy.value_metrics) if p), "")


def _problem_of(metric: ValueMetric) -> str:
    if not metric.name or not metric.metric:
        return "a value metric needs a name and a metric"
    if metric.kind == "share" and not metric.trials:
        return f"{metric.name}: a share needs the metric that counts trials"
    if metric.worth is not None and (metric.worth < 0 or metric.kind != "share"):
        return f"{metric.name}: a worth is 0 or more, and belongs to a share"
    if not 0 <= metric.baseline <= 1:
        return f"{metric.name}: a baseline is a share from 0 to 1"
    return ""
