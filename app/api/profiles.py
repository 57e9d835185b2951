"""/api/profiles: for each kind of reader the pages in order and the figures."""

from __future__ import annotations

from flask import current_app

from app.api.queries import Span, window_of
from app.api.routing import Router
from services import profiles
from services.workspace import Workspace

router = Router("profiles", "/api/profiles")


@router.route("GET", "/list", permission="profile:read", returns=list[profiles.ProfileInfo])
def list_profiles(ws: Workspace) -> list[profiles.ProfileInfo]:
    """Return the profiles, with the one that you read with marked."""
    return profiles.list_profiles(ws)


@router.route(
    "GET", "/<text:profile_id>/dashboard", permission="metrics:read", query=Span,
    returns=profiles.Dashboard, errors=(404,),
)  # fmt: skip
def get_dashboard(ws: Workspace, profile_id: str, query: Span) -> profiles.Dashboard:
    """Return the figures of a profile over a window, each with the one before."""
    return profiles.get_dashboard(ws, profile_id, window_of(ws, query))


@router.route(
    "GET", "/<text:profile_id>/navigation", permission="profile:read",
    returns=profiles.Navigation, errors=(404,),
)  # fmt: skip
def get_navigation(ws: Workspace, profile_id: str) -> profiles.Navigation:
    """Return the pages of a profile in order; the first is where it starts."""
    available = current_app.extensions["aiobs_pages"]
    return profiles.get_navigation(ws, profile_id, available=available)


@router.route(
    "POST", "/<text:profile_id>/choose", permission="profile:read",
    returns=profiles.Navigation, errors=(404,),
)  # fmt: skip
def choose(ws: Workspace, profile_id: str) -> profiles.Navigation:
    """Read with a profile from now on; it is remembered for your key."""
    profiles.choose_profile(ws, profile_id)
    available = current_app.extensions["aiobs_pages"]
    return profiles.get_navigation(ws, profile_id, available=available)
