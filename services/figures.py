"""What a widget shows and what it may read: figures, and the parts that all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import msgspec

from services.compliance import Compliance, get_compliance
from services.fleet import Overview, get_overview
from services.incidents import Incident, list_incidents
from services.models import was_watched
from services.slo import SloSummary, summarise
from services.times import Window
from services.traffic import RequestStats, get_request_stats
from services.workspace import Workspace

Judgement = Literal["good", "warn", "bad", "none"]
Direction = Literal["up", "down", "neither"]


class Figure(msgspec.Struct, frozen=True):
    """One widget's value now and before; `said` holds the numbers of its sentence."""

    value: float | None
    before: float | None = None
    judgement: Judgement = "none"
    unit: str = ""
    said: dict[str, float | str] = {}
    n: int | None = None
    reason: str = ""


@dataclass(frozen=True)
class Sight:
    """What the widgets of one answer share, each part read once."""

    ws: Workspace
    window: Window
    compared: Window

    @cached_property
    def overview(self) -> Overview:
        """The fleet in the last hour."""
        return get_overview(self.ws)

    @cached_property
    def traffic(self) -> RequestStats:
        """What passed in the window."""
        return get_request_stats(self.ws, self.window)

    @cached_property
    def before(self) -> RequestStats:
        """What passed in the compared window."""
        return get_request_stats(self.ws, self.compared)

    @cached_property
    def is_comparable(self) -> bool:
        """Whether anything was watched for the whole of the compared window."""
        return was_watched(self.ws, self.compared.start_ms)

    @cached_property
    def incidents(self) -> list[Incident]:
        """Every incident, newest first."""
        return list_incidents(self.ws, limit=10_000)

    @cached_property
    def compliance(self) -> Compliance:
        """Every control's status."""
        return get_compliance(self.ws)

    @cached_property
    def objectives(self) -> SloSummary:
        """Every objective's state."""
        return summarise(self.ws)


def unknown(reason: str) -> Figure:
    """Return a figure without a value, and why."""
    return Figure(None, reason=reason)
