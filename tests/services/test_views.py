"""Saved views: whose they are, who sees and deletes them, and that none leads away from the hub."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from services import views
from services.errors import Conflict, Forbidden, Invalid, NotFound
from services.identity import Principal
from services.views import NewView, check_address
from services.workspace import Backends, Workspace


def person(backends: Backends, name: str, role: str = "sre", tenant: str = "default") -> Workspace:
    return backends.workspace(Principal(name, tenant, (role,), "session", name.title()))


def names(ws: Workspace) -> list[str]:
    return [view.name for view in views.list_views(ws)]


def test_a_private_view_is_seen_by_its_owner_alone(backends: Backends) -> None:
    ann, bob = person(backends, "ann"), person(backends, "bob")
    saved = views.save_view(ann, NewView("  Slow   traces ", "/traces?focus=order%3Dslowest"))
    assert (saved.name, saved.owner_name, saved.is_mine) == ("Slow traces", "Ann", True)
    assert names(ann) == ["Slow traces"] and names(bob) == []
    with pytest.raises(NotFound):
        views.delete_view(bob, saved.id)
    with pytest.raises(NotFound):
        views.delete_view(person(backends, "boss", "tenant_admin"), saved.id)


def test_a_shared_view_is_deleted_by_its_owner_or_an_administrator(backends: Backends) -> None:
    ann, bob = person(backends, "ann"), person(backends, "bob")
    boss = person(backends, "boss", "tenant_admin")
    saved = views.save_view(ann, NewView("Ours", "/logs", is_shared=True))
    assert names(bob) == ["Ours"]
    assert [v.can_delete for v in views.list_views(bob)] == [False]
    assert [v.can_delete for v in views.list_views(boss)] == [True]
    with pytest.raises(Forbidden):
        views.delete_view(bob, saved.id)
    views.delete_view(boss, saved.id)
    assert names(ann) == []


def test_another_tenant_sees_nothing(backends: Backends) -> None:
    views.save_view(person(backends, "ann"), NewView("Ours", "/logs", is_shared=True))
    assert names(person(backends, "ann", tenant="other")) == []


def test_a_viewer_keeps_views_but_does_not_share_them(backends: Backends) -> None:
    viewer = person(backends, "vic", "viewer")
    views.save_view(viewer, NewView("Mine", "/"))
    with pytest.raises(Forbidden):
        views.save_view(viewer, NewView("Ours", "/", is_shared=True))


def test_a_name_is_taken_once_a_person(backends: Backends) -> None:
    ann = person(backends, "ann")
    views.save_view(ann, NewView("Night", "/logs"))
    with pytest.raises(Conflict):
        views.save_view(ann, NewView("night", "/traces"))
    views.save_view(person(backends, "bob"), NewView("Night", "/logs"))


@pytest.mark.parametrize("name", ["", "   ", "x" * 81, "a\x00b", "a\u202eb"])
def test_a_bad_name_is_refused(backends: Backends, name: str) -> None:
    with pytest.raises(Invalid):
        views.save_view(person(backends, "ann"), NewView(name, "/logs"))


@pytest.mark.parametrize(
    "address",
    [
        "", "logs", "//evil.example", "//evil.example/logs", "https://evil.example/logs", "/\\evil",
        "javascript:alert(1)", "/logs/../api", "/api/admin/keys", "/logout", "/nowhere", "/logs#x",
        "/logs?a b", "/logs?\n", "/logs?a=<script>", "/logs\t", " /logs", "/logs?" + "a" * 4_001,
    ],
)  # fmt: skip
def test_an_address_that_is_no_page_of_the_hub_is_refused(address: str) -> None:
    with pytest.raises(Invalid):
        check_address(address)


@given(st.text(max_size=60))
def test_what_is_accepted_begins_with_one_slash_and_a_letter_or_ends(text: str) -> None:
    try:
        found = check_address("/" + text)
    except Invalid:
        return
    assert found == "/" or found.startswith("/?") or found[1].isalpha()


def test_the_routes_save_list_and_delete(client: FlaskClient) -> None:
    body = {"name": "Fleet", "address": "/?range=6h", "is_shared": True}
    made = client.post("/api/views", json=body)
    assert made.status_code == 201
    assert client.post("/api/views", json=body).status_code == 409
    assert client.post("/api/views", json=body | {"address": "//evil"}).status_code == 422
    listed = client.get("/api/views").get_json()["data"]
    assert [(v["name"], v["address"]) for v in listed] == [("Fleet", "/?range=6h")]
    view_id = made.get_json()["data"]["id"]
    assert client.delete(f"/api/views/{view_id}").status_code == 200
    assert client.delete(f"/api/views/{view_id}").status_code == 404
