"""What a hub holds of the fleet already: where each model's history ends, and what happened.

The fleet keeps nothing itself. A process that was killed is followed by one that reads here what it
still has to send, so that a history that was interrupted has neither gaps nor doubles.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from app.demo.hub import Hub
from app.demo.incidents import BY_NAME, Incident

SAME_PLAN_S = 2 * 3_600.0
"""No script is planned twice within this time."""
_ROWS = 1_000
_LONGEST_S = max(script.minutes for script in BY_NAME.values()) * 60.0


@dataclass(frozen=True, slots=True)
class Past:
    """What was sent: the newest row of each model, incidents, deployments; in Unix seconds."""

    newest: dict[str, float] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    deployed: dict[str, float] = field(default_factory=dict)

    @property
    def ends_s(self) -> float:
        """When the newest row of all models was sent; nothing is planned anew before it."""
        return max(self.newest.values(), default=0.0)

    def adds(self, planned: Incident) -> bool:
        """Whether a planned incident is neither in the past of any model nor told already.

        Plans count back from the present: that of a process that ended lies a little earlier.
        """
        is_told = any(
            one.script is planned.script and abs(one.start_s - planned.start_s) < SAME_PLAN_S
            for one in self.incidents
        )
        return planned.start_s > self.ends_s and not is_told


def read_past(hub: Hub, now_s: float, hours: float) -> Past:
    """Return what the hub holds of the fleet's last hours."""
    seen = {
        model["model_id"]: model["last_seen_ms"] / 1_000
        for model in hub.get("/api/models")
        if model["is_sample"] and model["last_seen_ms"]
    }
    since = now_s - hours * 3_600 - _LONGEST_S
    truths = _events(hub, "ground_truth", "truth-", since, now_s)
    known = tuple(
        Incident(BY_NAME[name], event["timestamp_ms"] / 1_000, event["end_ms"] / 1_000)
        for event in truths
        if (name := event["attributes"].get("incident")) in BY_NAME and event.get("end_ms")
    )
    deployed = {
        event["model_id"]: event["timestamp_ms"] / 1_000
        for event in _events(hub, "deployment", "deploy-", since, now_s)
    }
    return Past(seen, known, deployed)


def rows(hub: Hub, path: str, start_s: float, end_s: float, **asked: str) -> Iterator[Any]:  # JSON
    """Return every row of a list of the hub between two moments, page by page."""
    window = {"start": _moment(start_s), "end": _moment(end_s), "limit": str(_ROWS)}
    cursor: str | None = ""
    while cursor is not None:
        query = urlencode(window | asked | ({"cursor": cursor} if cursor else {}))
        page = hub.get(f"{path}?{query}")
        yield from page["rows"]
        cursor = page["cursor"]


def _events(hub: Hub, kind: str, prefix: str, start_s: float, end_s: float) -> list[Any]:  # JSON
    found = rows(hub, "/api/explore/events", start_s, end_s, kind=kind)
    return [
        event
        for event in found
        if event["event_id"].startswith(prefix) and event["attributes"].get("sample") == "true"
    ]


def _moment(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat()
