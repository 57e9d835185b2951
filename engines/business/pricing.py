"""Prices of tokens: a pinned table with its date, and a tenant's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engines.business.result import Floats
from engines.errors import EngineError
from engines.model_names import match_name

_FILE = Path(__file__).parent / "data" / "prices.json"
_MILLION = 1e6


@dataclass(frozen=True, slots=True)
class Price:
    """What a million tokens cost.

    Attributes
    ----------
    input_per_million, output_per_million : float
        Money per million tokens, 0 or more.
    currency : str
        ISO code.
    source : str
        ``own`` or ``table``.
    """

    input_per_million: float
    output_per_million: float
    currency: str
    source: Literal["own", "table"]


@cache
def load_prices() -> dict[str, Any]:  # JSON
    """Return the pinned table: version, date, source, and prices by model.

    Examples
    --------
    >>> load_prices()["currency"]
    'USD'
    """
    loaded: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return loaded


def find_price(model_id: str, own: Mapping[str, Price] | None = None) -> Price | None:
    """Return the price of a model's tokens, or None when nobody said.

    Parameters
    ----------
    model_id : str
        As sent; maker and tag are ignored, nothing is guessed from a part of the name.
    own : mapping of str to Price, optional
        A tenant's prices by model id; they go before the table.

    Returns
    -------
    Price or None
        The table holds list prices of its date: discounts, caching and batch prices are not in it.

    Examples
    --------
    >>> find_price("openai/gpt-4o-mini").output_per_million
    0.6
    >>> find_price("in-house-model") is None
    True
    """
    if own and model_id in own:
        return own[model_id]
    table = load_prices()
    by_name = {name: line for line in table["models"] for name in line["names"]}
    found = match_name(model_id, by_name)
    if found is None:
        return None
    line = by_name[found]
    return Price(line["input_per_million"], line["output_per_million"], table["currency"], "table")


def price_tokens(price: Price, input_tokens: Floats, output_tokens: Floats) -> Floats:
    """Return the cost of each request from its tokens.

    Parameters
    ----------
    price : Price
        Per million tokens.
    input_tokens, output_tokens : Floats
        Arrays of one length; NaN where a count was not sent.

    Returns
    -------
    Floats
        Money per request; NaN where neither count is known, a missing one counts as zero beside
        a known one.

    Raises
    ------
    EngineError
        When a price is negative.

    Examples
    --------
    >>> import numpy as np
    >>> cost = price_tokens(Price(2.5, 10.0, "USD", "own"), np.array([1000.0]), np.array([100.0]))
    >>> round(float(cost[0]), 5)
    0.0035
    """
    if min(price.input_per_million, price.output_per_million) < 0:
        raise EngineError(f"a price is 0 or more, got {price}")
    unknown = np.isnan(input_tokens) & np.isnan(output_tokens)
    cost = np.nan_to_num(input_tokens) * price.input_per_million
    cost = (cost + np.nan_to_num(output_tokens) * price.output_per_million) / _MILLION
    return np.where(unknown, np.nan, cost)
