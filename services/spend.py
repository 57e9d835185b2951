"""Writes what inferences cost a minute: the cost that was sent, else tokens times price."""

from __future__ import annotations

from functools import partial

import numpy as np

from connectors.protocols import InferenceColumns
from engines import business
from services.business_policy import BusinessPolicy, get_business_policy
from services.identity import permitted
from services.increments import Increments, as_floats, as_names, follow
from services.workspace import Workspace

SPEND = "aiobs_spend_total"
COUNTED = "aiobs_spend_inferences_total"
_SERIES = (SPEND, COUNTED)
_COLUMNS = (
    "cost", "currency", "input_tokens", "output_tokens", "region", "user_segment", "tags",
)  # fmt: skip


@permitted("ingest:write")
def track_spend(ws: Workspace) -> int:
    """Bring the spend series up to date; how many minutes were rewritten."""
    policy = get_business_policy(ws)
    make = partial(_increments, policy)
    return follow(ws, "spend", make, columns=_COLUMNS, series=_SERIES, basis=policy.basis())


def _increments(policy: BusinessPolicy, model_id: str, rows: InferenceColumns) -> Increments:
    size = len(rows)
    cost = as_floats(rows.columns["cost"])
    currency = np.array([c or "USD" for c in rows.columns["currency"]], dtype=object)
    method = np.where(np.isfinite(cost), "sent", "unknown").astype(object)
    price = business.find_price(model_id, policy.own_prices())
    if price is not None:
        tokens = [as_floats(rows.columns[f"{d}_tokens"]) for d in ("input", "output")]
        priced = np.isnan(cost) & (np.isfinite(tokens[0]) | np.isfinite(tokens[1]))
        cost = np.where(priced, business.price_tokens(price, tokens[0], tokens[1]), cost)
        method[priced], currency[priced] = "priced", price.currency
    made = Increments(
        model_id,
        rows,
        {
            "version": as_names(rows.versions, size),
            "region": as_names(rows.columns["region"], size),
            "segment": as_names(rows.columns["user_segment"], size),
            "method": method,
            "currency": currency,
        },
    )
    made.add(SPEND, cost)
    made.add(COUNTED, np.ones(size))
    return made
