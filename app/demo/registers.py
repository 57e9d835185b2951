"""What the sample company keeps in its registers: model cards, and requests that name nobody."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from app.demo.hub import Hub, HubError

DAY_S = 86_400

CARDS: dict[str, dict[str, Any]] = {
    "tumour-screening": {
        "intended_use": "Sample: a second opinion on cell images, beside a radiologist",
        "owner": "Radiology", "users": "Radiologists of the sample clinic",
        "limits": "Sample: no use without a person; not for images of other devices",
        "out_of_scope": "Decisions without a radiologist",
        "training_data": "Breast Cancer Wisconsin (Diagnostic), as scikit-learn ships it",
        "evaluation_data": "Rows held back from training", "review_days": 90,
    },
    "support-assistant": {
        "intended_use": "Sample: answers questions of customers from a library of passages",
        "owner": "Customer service", "users": "Customers of the sample company",
        "limits": "Sample: answers only what its passages say; no advice on health or money",
        "factors": "Topic of the question; whether a passage was found",
        "evaluation_data": "Questions written for the sample", "review_days": 20,
    },
}  # fmt: skip
"""The other models have none: a hub must show those too."""

REQUESTS: tuple[tuple[str, str, int, bool], ...] = (
    ("SAMPLE-0001", "access", 12, False),
    ("SAMPLE-0002", "erasure", 25, True),
    ("SAMPLE-0003", "objection", 9, False),
)
"""Reference, kind, days since it came, whether it is answered; no person stands behind any."""


def state_registers(hub: Hub, now_s: float) -> None:
    """Write what is not on record yet, as far as the key may."""
    try:
        known = {c["model_id"] for c in hub.get("/api/compliance/model-cards") if c["card"]}
        for model_id in CARDS.keys() - known:
            hub.put(f"/api/compliance/model-cards/{model_id}", CARDS[model_id])
        taken = {r["request"]["reference"] for r in hub.get("/api/compliance/requests")}
        for reference, kind, days, is_answered in REQUESTS:
            if reference not in taken:
                _record(hub, reference, kind, now_s - days * DAY_S, is_answered)
    except HubError as error:  # a key that may only send
        print(f"sample fleet: no registers: {error}", file=sys.stderr)


def _record(hub: Hub, reference: str, kind: str, at_s: float, is_answered: bool) -> None:
    received = datetime.fromtimestamp(at_s, UTC).isoformat()
    made = hub.post(
        "/api/compliance/requests",
        {"reference": reference, "kind": kind, "received_at": received},
    )
    if is_answered:
        path = f"/api/compliance/requests/{made['request']['id']}/complete"
        hub.post(path, {"outcome": "fulfilled"})
