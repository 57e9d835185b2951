"""Profiles: for each kind of reader the page to start on, the pages in order, and the figures.

`PROFILES` is data: navigation, start page and the figures of a profile are drawn from it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import msgspec

from engines.result import Insufficient
from i18n import t
from services.errors import NotFound
from services.figures import Direction, Figure
from services.identity import permitted
from services.times import Window
from services.widgets import known_value, read_widgets
from services.workspace import Workspace

_KIND = "preference"

PATHS: dict[str, str] = {
    "unified": "/", "models": "/models", "incidents": "/incidents", "slo": "/slo",
    "technical": "/technical",
    "security": "/security", "sustainability": "/sustainability", "business": "/business",
    "data_health": "/data", "executive": "/executive", "compliance": "/compliance",
    "explore": "/explore", "correlation": "/correlation", "logs": "/logs", "traces": "/traces",
    "causal_graph": "/causes", "impact": "/impact", "audit": "/audit", "settings": "/settings",
}  # fmt: skip
"""Where each page is; a test holds this and the pages together."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One kind of reader: pages in the order of need (the first is the start), and widgets."""

    id: str
    icon: str
    pages: tuple[str, ...]
    widgets: tuple[str, ...]

    @property
    def start(self) -> str:
        """The page to start on."""
        return self.pages[0]


PROFILES: tuple[Profile, ...] = (
    Profile(
        "ml_engineer", "cpu", ("models", "technical", "causal_graph", "incidents"),
        ("mean_trust", "drifting_models", "hallucination_risk", "error_rate", "latency_p95",
         "unregistered_models"),
    ),
    Profile(
        "devops", "hdd-network", ("unified", "incidents", "slo", "technical", "causal_graph"),
        ("services_healthy", "slo_burn", "error_rate", "latency_p95", "open_incidents",
         "deployments"),
    ),
    Profile(
        "data_scientist", "graph-up", ("models", "technical", "causal_graph", "impact"),
        ("drifting_models", "mean_trust", "hallucination_risk", "requests", "deployments"),
    ),
    Profile(
        "executive", "briefcase", ("executive", "business", "incidents", "sustainability"),
        ("healthy_models", "mean_trust", "slo_attainment", "open_incidents", "spend", "energy"),
    ),
    Profile(
        "product", "box", ("business", "models", "impact", "unified"),
        ("requests", "latency_p95", "hallucination_risk", "spend", "open_incidents"),
    ),
    Profile(
        "security", "shield-lock", ("security", "incidents", "unified", "compliance"),
        ("security_events", "open_incidents", "error_rate", "unregistered_models",
         "running_clocks"),
    ),
    Profile(
        "compliance", "clipboard-check", ("compliance", "audit", "incidents", "models"),
        ("control_coverage", "running_clocks", "unregistered_models", "open_incidents", "mttr"),
    ),
    Profile(
        "sustainability", "leaf", ("sustainability", "business", "models"),
        ("energy", "requests", "spend", "latency_p95"),
    ),
)  # fmt: skip
_BY_ID = {profile.id: profile for profile in PROFILES}

BY_ROLE: dict[str, str] = {
    "ml_engineer": "ml_engineer", "sre": "devops", "analyst": "data_scientist",
    "compliance_officer": "compliance", "auditor": "compliance",
    "sustainability_lead": "sustainability",
}  # fmt: skip
"""The profile that a role starts with; other roles start with none and see every page in order."""


class ProfileInfo(msgspec.Struct, frozen=True):
    """A profile as a reader chooses it."""

    id: str
    name: str
    purpose: str
    icon: str
    start: str
    is_chosen: bool


class NavEntry(msgspec.Struct, frozen=True):
    """One page of a profile's navigation."""

    page: str
    title: str
    path: str
    is_start: bool


class Navigation(msgspec.Struct, frozen=True):
    """The pages of a profile in order; the rest of the hub follows after them."""

    profile: str
    start: str
    pages: list[NavEntry]


class WidgetView(msgspec.Struct, frozen=True):
    """One figure of a profile's dashboard, in words and numbers."""

    id: str
    title: str
    definition: str
    page: str
    path: str
    good: Direction
    value: float | Insufficient
    figure: Figure


class Dashboard(msgspec.Struct, frozen=True):
    """The figures of a profile over a window, against the one compared with."""

    profile: str
    computed_at_ms: int
    window: Window
    compared: Window
    widgets: list[WidgetView]


@permitted("profile:read")
def list_profiles(ws: Workspace) -> list[ProfileInfo]:
    """Return the profiles, with the one that the caller reads with marked."""
    mine = current_profile(ws)
    return [
        ProfileInfo(
            p.id,
            t(f"profiles.{p.id}", locale=ws.locale),
            t(f"profiles.{p.id}_purpose", locale=ws.locale),
            p.icon,
            PATHS[p.start],
            mine is not None and mine.id == p.id,
        )
        for p in PROFILES
    ]


@permitted("profile:read")
def get_navigation(
    ws: Workspace, profile_id: str, *, available: Collection[str] = tuple(PATHS)
) -> Navigation:
    """Return the pages of a profile in order, of those that this hub has."""
    profile = _require(profile_id)
    names = [name for name in profile.pages if name in available]
    entries = [
        NavEntry(name, t(f"nav.{name}", locale=ws.locale), PATHS[name], k == 0)
        for k, name in enumerate(names)
    ]
    return Navigation(profile.id, entries[0].path if entries else "/", entries)


@permitted("profile:read")
def get_dashboard(
    ws: Workspace, profile_id: str, window: Window, *, compared: Window | None = None
) -> Dashboard:
    """Return the figures of a profile over a window."""
    profile = _require(profile_id)
    found = read_widgets(ws, profile.widgets, window, compared=compared)
    views = [
        WidgetView(
            widget.id,
            t(f"profiles.w_{widget.id}", locale=ws.locale),
            t(f"profiles.d_{widget.id}", locale=ws.locale),
            widget.page,
            PATHS[widget.page],
            widget.good,
            known_value(figure),
            figure,
        )
        for widget, figure in found
    ]
    return Dashboard(profile.id, ws.now_ms(), window, compared or window.before(), views)


@permitted("profile:read")
def current_profile(ws: Workspace) -> Profile | None:
    """Return the profile that the caller chose, else that of the role, else none."""
    row = ws.records.get(_KIND, ws.principal.id)
    if row is not None:
        return _BY_ID.get(str(row.body.get("profile", "")))
    for role in ws.principal.roles:
        if role in BY_ROLE:
            return _BY_ID[BY_ROLE[role]]
    return None


@permitted("profile:read")
def choose_profile(ws: Workspace, profile_id: Literal[""] | str) -> Profile | None:
    """Remember the caller's own choice; an empty id means every page in the hub's order."""
    found = _require(profile_id) if profile_id else None
    ws.records.put(_KIND, ws.principal.id, {"profile": profile_id})
    return found


def _require(profile_id: str) -> Profile:
    found = _BY_ID.get(profile_id)
    if found is None:
        raise NotFound(f"there is no profile {profile_id!r}", known=sorted(_BY_ID))
    return found
