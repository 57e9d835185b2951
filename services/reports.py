"""A page as a PDF: written once for all who ask for the same page in the same moment."""

from __future__ import annotations

from collections.abc import Callable

from services.identity import permitted
from services.workspace import Workspace

FRESH_S = 30.0


@permitted("metrics:read")
def get_report(ws: Workspace, page: str, scope: str, write: Callable[[], bytes]) -> bytes:
    """Return the report of a page with a scope; `write` draws it with the page's own services.

    Roles are in the key: who may see less must not be handed what others saw.
    """
    roles = "+".join(sorted(ws.principal.roles))
    key = f"report/{page}/{roles}/{ws.principal.id}/{ws.locale}/{scope}"
    return ws.cached(key, bytes, write, fresh_s=FRESH_S)
