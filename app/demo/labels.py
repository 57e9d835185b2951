"""Labels of answers: each comes ten minutes after its request, while the past is sent too."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Any

from app.demo.hub import Hub
from app.demo.serving import Served

LABEL_DELAY_S = 600.0


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

    def send_due(self, hub: Hub, now_s: float) -> None:
        """Send what is due by now."""
        due = []
        while self.held and self.held[0][0] <= now_s:
            due.append(heapq.heappop(self.held)[2])
        hub.send("labels", due)
