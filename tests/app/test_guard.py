from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from i18n import current


@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"null", b"{", b'{"output": "no.such", "inputs": []}', b'{"\xff": 1}']
)
def test_malformed_callbacks_get_400(client: FlaskClient, body: bytes) -> None:
    answer = client.post("/_dash-update-component", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json is not None and answer.json["code"] == "MALFORMED"


def test_a_callback_without_its_inputs_gets_400(hub: Flask, client: FlaskClient) -> None:
    for output in hub.extensions["aiobs_dash_outputs"]():
        body = {"output": output, "inputs": [], "state": []}
        assert client.post("/_dash-update-component", json=body).status_code == 400, output


def test_a_callback_of_the_browser_or_for_other_outputs_gets_400(
    hub: Flask, client: FlaskClient
) -> None:
    for output, wired in hub.extensions["aiobs_dash_outputs"]().items():
        inputs, state = ([dict(one) for one in wired[kind]] for kind in ("inputs", "state"))
        body = {"output": output, "inputs": inputs, "state": state}
        for outputs in ([], {"id": "toast", "property": "nothing"}, None):
            answer = client.post("/_dash-update-component", json={**body, "outputs": outputs})
            assert answer.status_code == 400, (output, outputs)


def test_callbacks_in_another_media_type_get_415(client: FlaskClient) -> None:
    answer = client.post("/_dash-update-component", data=b"{}", content_type="text/plain")
    assert answer.status_code == 415


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_posts_from_another_site_are_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post("/api/ingest/logs", json={"logs": []}, headers=headers)
    assert answer.status_code == 403


def test_local_mode_answers_only_for_loopback_names(client: FlaskClient) -> None:
    answer = client.get("/api/models", headers={"Host": "rebound.example"})
    assert answer.status_code == 403


def test_every_answer_carries_the_headers_that_protect_browsers(client: FlaskClient) -> None:
    for path in ("/", "/healthz", "/api/models", "/nowhere", "/assets/app.css"):
        with client.get(path) as answer:
            headers = answer.headers
        policy = headers["Content-Security-Policy"]
        scripts = next(p for p in policy.split(";") if p.strip().startswith("script-src"))
        assert "unsafe" not in scripts, path
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("path", ["/login", "/api/models"])
def test_the_language_of_a_request_ends_with_it(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept-Language": "fr"})
    assert answer.status_code == 200
    assert ('<html lang="fr"' in answer.text) == (path == "/login")
    assert current() == "en"


def test_a_revoked_key_opens_nothing(
    locked_hub: Flask, make_key: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.auth.apikey._REMEMBER_S", 0.0)
    admin, viewer = make_key("default", "tenant_admin"), make_key("default", "viewer")
    client = locked_hub.test_client()
    assert client.get("/api/models", headers={"X-API-Key": viewer}).status_code == 200
    key_id = viewer.removeprefix("aiobs_").split(".")[0]
    client.delete(f"/api/admin/keys/{key_id}", headers={"X-API-Key": admin})
    assert client.get("/api/models", headers={"X-API-Key": viewer}).status_code == 401


def test_a_wrong_secret_is_refused(locked_hub: Flask, make_key: Callable[[str, str], str]) -> None:
    key = make_key("default", "viewer")
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    answer = locked_hub.test_client().get(
        "/api/models", headers={"Authorization": f"Bearer {wrong}"}
    )
    assert answer.status_code == 401


def test_a_key_opens_a_session_and_signing_out_ends_it(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    client = locked_hub.test_client()
    assert client.post("/login", data={"key": "nonsense"}).status_code == 401
    assert client.post("/login", data={"key": make_key("default", "viewer")}).status_code == 302
    assert client.get("/api/models").status_code == 200
    client.post("/logout")
    assert client.get("/api/models").status_code == 401


def test_tenants_do_not_see_one_another(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    client = locked_hub.test_client()
    acme, other = make_key("acme", "tenant_admin"), make_key("other", "tenant_admin")
    row = {"inference_id": "1", "model_id": "secret", "prediction": 1}
    client.post("/api/ingest/inferences", json={"inferences": [row]}, headers={"X-API-Key": acme})
    assert client.get("/api/models/secret", headers={"X-API-Key": acme}).status_code == 200
    assert client.get("/api/models/secret", headers={"X-API-Key": other}).status_code == 404
    listed = client.get("/api/models", headers={"X-API-Key": other}).json
    assert listed is not None and listed["data"] == []


def test_the_secret_of_a_key_is_not_stored(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    secret = make_key("default", "viewer").split(".")[1].encode()
    folder = locked_hub.extensions["aiobs_settings"].data_dir
    assert not any(secret in path.read_bytes() for path in folder.rglob("*") if path.is_file())
