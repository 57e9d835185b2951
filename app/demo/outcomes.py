"""What the customers of the sample fleet do after an answer, and what its company says of money.

A reader of a wrong answer comes back with the same question, buys less often and is less content.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from app.demo.hub import Hub, HubError
from app.demo.serving import Served

RESOLVED = {True: 0.86, False: 0.3}
BOUGHT = {True: 0.12, False: 0.03}
CONTENT = {True: 4.3, False: 2.4}
"""Chances, and mean stars of 5, after an answer that holds and one that does not."""
RATED_SHARE = 0.3

COMPANY_SAYS: dict[str, Any] = {  # JSON
    "budget": {"amount": 60.0, "currency": "USD", "period": "month"},
    "value_metrics": [
        {
            "name": "conversion", "kind": "share", "metric": "conversion_total",
            "trials": "conversion_trials_total", "worth": 0.004, "currency": "USD",
            "baseline": 0.04,
        }
    ],
}  # fmt: skip
CARBON_SAYS: dict[str, Any] = {"budget": {"grams": 250.0, "period": "month"}}  # JSON

Row = dict[str, Any]  # a metric as the ingest route takes it


def outcomes_of(rng: np.random.Generator, served: Sequence[Served]) -> list[Row]:
    """Return what readers of text answers did, as metrics; each answer is one trial."""
    rows: list[Row] = []
    for one in served:
        if one.is_supported is None:
            continue
        rows += _counted(one, "resolution", rng.random() < RESOLVED[one.is_supported])
        if one.row["model_id"] != "support-assistant":
            continue
        rows += _counted(one, "conversion", rng.random() < BOUGHT[one.is_supported])
        if rng.random() < RATED_SHARE:
            stars = np.clip(round(rng.normal(CONTENT[one.is_supported], 0.8)), 1, 5)
            rows.append(_metric(one, "satisfaction", float(stars)))
    return rows


def _counted(one: Served, name: str, success: bool) -> list[Row]:
    trial = _metric(one, f"{name}_trials_total", 1.0)
    return [trial, _metric(one, f"{name}_total", 1.0)] if success else [trial]


def _metric(one: Served, name: str, value: float) -> Row:
    labels = {"model_id": one.row["model_id"], "version": one.row["model_version"]}
    return {
        "name": name,
        "value": value,
        "timestamp": one.row["timestamp"],
        "labels": labels | {"sample": "true"},
    }


PROMISES: dict[str, dict[str, Any]] = {
    "assistant-answers": {
        "name": "Answers arrive", "model_id": "support-assistant", "target": 0.995, "days": 7,
        "indicator": {"kind": "availability"}, "owner": "Customer service",
    },
    "assistant-speed": {
        "name": "Answers within a quarter of a second", "model_id": "support-assistant",
        "target": 0.95, "days": 7, "indicator": {"kind": "latency", "threshold": 250},
        "owner": "Customer service",
    },
    "assistant-grounding": {
        "name": "Answers rest on sources", "model_id": "support-assistant", "target": 0.9,
        "days": 7, "indicator": {"kind": "grounding", "threshold": 0.85},
        "owner": "Customer service",
    },
    "screening-trust": {
        "name": "Screening can be trusted", "model_id": "tumour-screening", "target": 0.9,
        "calendar": "month", "timezone": "Europe/Lisbon", "owner": "Radiology",
        "indicator": {"kind": "trust", "threshold": 0.8},
    },
    "inference-api": {
        "name": "Calls succeed", "service": "inference-api", "target": 0.99, "days": 7,
        "indicator": {"kind": "availability"}, "owner": "Platform",
    },
}  # fmt: skip
"""Objectives of the sample company; the assistant's speed does not hold on every day."""


def state_objectives(hub: Hub) -> None:
    """Define what was never defined: an objective that somebody edited or deleted stays so."""
    for slo_id, definition in PROMISES.items():
        try:
            if not _was_defined(hub, slo_id):
                hub.put(f"/api/slo/{slo_id}", definition)
        except HubError as error:  # a key that may only send
            print(f"sample fleet: no objectives: {error}", file=sys.stderr)
            return


def _was_defined(hub: Hub, slo_id: str) -> bool:
    """Whether the hub has revisions of an objective, deleted or not."""
    try:
        return bool(hub.get(f"/api/slo/{slo_id}/revisions"))
    except HubError:  # none, or a key that may not look, which may not define either
        return False


def state_policies(hub: Hub) -> None:
    """Say what the sample company spends and earns, unless somebody said so before."""
    for area, says in (("business", COMPANY_SAYS), ("sustainability", CARBON_SAYS)):
        try:
            known = hub.get(f"/api/{area}/policy")
            if not any(known.get(name) for name in says):
                hub.put(f"/api/{area}/policy", known | says)
        except HubError as error:  # a key that may only send
            print(f"sample fleet: no {area} policy: {error}", file=sys.stderr)
