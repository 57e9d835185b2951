"""/api/views: saved addresses of pages."""

from __future__ import annotations

from app.api.routing import Router
from services import views
from services.workspace import Workspace

router = Router("views", "/api/views")


@router.route("GET", "", permission="profile:read", returns=list[views.SavedView])
def list_views(ws: Workspace) -> list[views.SavedView]:
    """Return your saved views and those that others share with the tenant."""
    return views.list_views(ws)


@router.route(
    "POST", "", permission="profile:read", body=views.NewView, returns=views.SavedView,
    status=201, errors=(409, 422),
)  # fmt: skip
def save_view(ws: Workspace, body: views.NewView) -> views.SavedView:
    """Save the address of a page under a name; `is_shared` needs views:share."""
    return views.save_view(ws, body)


@router.route(
    "DELETE", "/<text:view_id>", permission="profile:read", returns=views.SavedView, errors=(404,)
)
def delete_view(ws: Workspace, view_id: str) -> views.SavedView:
    """Delete a view of yours; an administrator of the tenant may delete shared ones."""
    return views.delete_view(ws, view_id)
