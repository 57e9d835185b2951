"""Labels of answers: each comes ten minutes after its request, while the past is sent too.

Which case a request was about stands in its id, as a clinic's request names the patient, and the id
decides whether the truth becomes known. So a fleet that starts again reads in the hub which labels
it still owes.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from app.demo.hub import Hub
from app.demo.incidents import BY_NAME
from app.demo.predictors import Predictor
from app.demo.resume import rows
from app.demo.serving import Served, becomes_known, case_of

LABEL_DELAY_S = 600.0
OWED_S = LABEL_DELAY_S + 2 * 60.0 * BY_NAME["label_delay"].minutes
"""How far before a model's newest row a label may be owed: labels wait for a queue that stands
still, and two of these may follow one another."""


def label_of(one: Served) -> dict[str, Any]:  # JSON
    """Return the label of an inference, ten minutes after it."""
    return {
        "inference_id": one.row["inference_id"],
        "label": one.label,
        "timestamp": one.row["timestamp"] + LABEL_DELAY_S,
    }


@dataclass(slots=True)
class Labels:
    """Labels that were not sent yet."""

    held: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    def hold(self, served: list[Served]) -> None:
        """Keep the labels of some answers until they are due; some answers never get one."""
        for one in served:
            if one.label is not None:
                label = label_of(one)
                heapq.heappush(self.held, (label["timestamp"], label["inference_id"], label))

    def recover(self, hub: Hub, predictors: Sequence[Predictor], newest: dict[str, float]) -> None:
        """Hold again what a process before this one owed: labels that the hub does not have."""
        for model in predictors:
            end = newest.get(model.model_id)
            if end is None:
                continue
            asked = {"model_id": model.model_id}
            for row in rows(hub, "/api/explore/inferences", end - OWED_S, end + 1, **asked):
                case = case_of(row["inference_id"])
                is_known = becomes_known(row["inference_id"]) and "error" not in row
                if is_known and row.get("label") is None and case < len(model.truth):
                    due = row["timestamp_ms"] / 1_000 + LABEL_DELAY_S
                    label = {"inference_id": row["inference_id"], "label": model.label(case),
                             "timestamp": due}  # fmt: skip
                    heapq.heappush(self.held, (due, row["inference_id"], label))

    def send_due(self, hub: Hub, now_s: float) -> None:
        """Send what is due by now."""
        due = []
        while self.held and self.held[0][0] <= now_s:
            due.append(heapq.heappop(self.held)[2])
        hub.send("labels", due)
