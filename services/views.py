"""Saved views: the address of a page under a name, for oneself or for the whole tenant."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import msgspec

from engines.sentence import say
from services.errors import Conflict, Forbidden, Invalid, NotFound
from services.identity import permitted
from services.profiles import PATHS
from services.workspace import Workspace

_KIND = "view"
MAX_NAME = 80
MAX_ADDRESS = 4_000
MAX_VIEWS = 200
"""Of one person; a tenant's shared views count for who saved them."""
_QUERY = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*")


class NewView(msgspec.Struct, frozen=True):
    """What to save: a name, and the path of a page with its query."""

    name: str
    address: str
    is_shared: bool = False


class SavedView(msgspec.Struct, frozen=True):
    """A saved view; `is_mine` and `can_delete` are those of the caller."""

    id: str
    name: str
    address: str
    is_shared: bool
    owner: str
    owner_name: str
    created_at_ms: int
    is_mine: bool
    can_delete: bool


class _Kept(msgspec.Struct, frozen=True):
    """A view as its record holds it."""

    name: str
    address: str
    is_shared: bool
    owner: str
    owner_name: str
    created_at_ms: int


@permitted("profile:read")
def list_views(ws: Workspace) -> list[SavedView]:
    """Return the caller's views and those that others share, by name."""
    found = [_seen(ws, row_id, kept) for row_id, kept in _all(ws)]
    visible = [view for view in found if view.is_shared or view.is_mine]
    return sorted(visible, key=lambda view: (not view.is_mine, view.name.casefold(), view.id))


@permitted("profile:read")
def save_view(ws: Workspace, new: NewView) -> SavedView:
    """Keep an address under a name; sharing it with the tenant needs `views:share`."""
    name, address = _checked_name(new.name), check_address(new.address)
    if new.is_shared and "views:share" not in ws.principal.permissions:
        raise Forbidden(
            say("reasons.view_share", "sharing needs the permission views:share"),
            permission="views:share",
        )
    me = ws.principal.id
    mine = [kept for _, kept in _all(ws) if kept.owner == me]
    if len(mine) >= MAX_VIEWS:
        raise Invalid(
            say(
                "reasons.views_most",
                "a person may keep {most, number} views: delete one first",
                most=MAX_VIEWS,
            )
        )
    if any(kept.name.casefold() == name.casefold() for kept in mine):
        raise Conflict(say("reasons.view_known", "you have a view named {name}", name=name))
    kept = _Kept(name, address, new.is_shared, me, ws.principal.name or me, ws.now_ms())
    view_id = hashlib.sha256(f"{me}|{name.casefold()}".encode()).hexdigest()[:16]
    ws.records.put(_KIND, view_id, msgspec.to_builtins(kept), expected_revision=0)
    return _seen(ws, view_id, kept)


@permitted("profile:read")
def delete_view(ws: Workspace, view_id: str) -> SavedView:
    """Delete a view: one's own, or, as an administrator of the tenant, a shared one."""
    row = ws.records.get(_KIND, view_id)
    view = _seen(ws, view_id, msgspec.convert(row.body, _Kept)) if row else None
    if view is None or not (view.is_mine or view.is_shared):
        raise NotFound(say("reasons.no_such_view", "there is no view {id}", id=view_id))
    if not view.can_delete:
        raise Forbidden(
            say(
                "reasons.view_not_yours",
                "only its owner or an administrator may delete a shared view",
            )
        )
    ws.records.delete(_KIND, view_id)
    return view


def check_address(address: str) -> str:
    """Return the address when it leads to a page of this hub and nowhere else.

    >>> check_address("/logs?range=1h")
    '/logs?range=1h'
    """
    path, mark, query = address.partition("?")
    parts = urlsplit(address)
    is_ours = path in PATHS.values() and not parts.scheme and not parts.netloc
    if len(address) > MAX_ADDRESS or not is_ours or not _QUERY.fullmatch(query):
        raise Invalid(
            say(
                "reasons.view_address",
                "an address is the path of a page of this hub with its query, as {example}",
                example="/logs?range=1h",
            )
        )
    return path + mark + query if query else path


def _checked_name(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise Invalid(
            say(
                "reasons.view_name",
                "a name is printable text of 1 to {most, number} characters",
                most=MAX_NAME,
            )
        )
    return name


def _all(ws: Workspace) -> list[tuple[str, _Kept]]:
    return [
        (row.id, msgspec.convert(row.body, _Kept)) for row in ws.records.list(_KIND, limit=10_000)
    ]


def _seen(ws: Workspace, view_id: str, kept: _Kept) -> SavedView:
    is_mine = kept.owner == ws.principal.id
    may = is_mine or (kept.is_shared and "tenant:admin" in ws.principal.permissions)
    return SavedView(
        view_id, kept.name, kept.address, kept.is_shared, kept.owner, kept.owner_name,
        kept.created_at_ms, is_mine, may,
    )  # fmt: skip
