"""A tenant's trust policy: what is refused, what is a version, and that scores are made by it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from engines.trust import POLICIES
from services import alerts, models, trust, trust_policy
from services.errors import Forbidden, Invalid, NotFound
from services.trust_policy import KNOWN, PartRule, PolicyDefinition
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS, admin
from tests.services.conftest import Send, scored_rows

OWN = PolicyDefinition(
    (PartRule("latency", 1.0), PartRule("errors", 3.0, floor=0.5)), healthy=0.9, warning=0.7
)
replace = msgspec.structs.replace


def test_without_a_word_the_shipped_policy_is_in_use(workspace: Workspace) -> None:
    found = trust_policy.list_policies(workspace)
    assert [p.model_type for p in found] == list(POLICIES)
    for policy in found:
        assert trust_policy.as_engine_policy(policy) is POLICIES[policy.model_type]
        assert {p.name: p.weight for p in policy.definition.parts} == pytest.approx(
            POLICIES[policy.model_type].weights()
        )


def test_weights_are_scaled_to_one_and_the_rest_is_as_shipped(workspace: Workspace) -> None:
    made = trust_policy.set_policy(workspace, "llm", OWN)
    engine = trust_policy.as_engine_policy(trust_policy.get_policy(workspace, "llm"))
    assert engine.weights() == {"errors": 0.75, "latency": 0.25}
    assert (engine.version, engine.healthy, engine.warning) == ("own-1", 0.9, 0.7)
    assert engine.part("errors") and engine.parts[0].floor == 0.5
    assert engine.prior_shape == POLICIES["llm"].prior_shape
    assert (made.changed_at_ms, made.changed_by) == (NOW_MS, workspace.principal.id)
    assert not trust_policy.get_policy(workspace, "rag").is_own


def test_every_change_is_a_version_and_the_same_again_is_none(
    workspace: Workspace, clock: list[int]
) -> None:
    trust_policy.set_policy(workspace, "rag", OWN)
    clock[0] += 60_000
    scaled = replace(OWN, parts=(PartRule("errors", 75.0, 0.5), PartRule("latency", 25.0)))
    assert trust_policy.set_policy(workspace, "rag", scaled).version == "own-1"
    assert trust_policy.set_policy(workspace, "rag", replace(OWN, healthy=0.95)).version == "own-2"
    assert trust_policy.restore_policy(workspace, "rag").version == POLICIES["rag"].version
    trust_policy.restore_policy(workspace, "rag")
    assert trust_policy.set_policy(workspace, "rag", OWN).version == "own-3"
    found = trust_policy.list_versions(workspace, "rag")
    assert [(p.version, p.changed_at_ms) for p in found] == [
        ("own-3", NOW_MS + 60_000), ("1", NOW_MS + 60_000), ("own-2", NOW_MS + 60_000),
        ("own-1", NOW_MS), ("1", None),
    ]  # fmt: skip
    assert len(trust_policy.list_versions(workspace, "llm")) == 1


def test_the_shipped_content_said_again_is_not_an_own_policy(workspace: Workspace) -> None:
    shipped = trust_policy.get_policy(workspace, "regression")
    again = trust_policy.set_policy(workspace, "regression", shipped.definition)
    assert again == shipped and len(trust_policy.list_versions(workspace, "regression")) == 1


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"parts": ()}, "at least one part"),
        ({"parts": (PartRule("errors", 1), PartRule("errors", 2))}, "each part once"),
        ({"parts": (PartRule("tone", 1),)}, "tone is not measured"),
        ({"parts": (PartRule("hallucination", 1),)}, "hallucination is not measured"),
        ({"parts": (PartRule("errors", 0.0),)}, "every weight must be a number from 0.001"),
        ({"parts": (PartRule("errors", -1.0),)}, "every weight"),
        ({"parts": (PartRule("errors", math.nan),)}, "every weight"),
        ({"parts": (PartRule("errors", math.inf),)}, "every weight"),
        ({"parts": (PartRule("errors", 1.0, floor=0.0),)}, "a floor"),
        ({"parts": (PartRule("errors", 1.0, floor=1.0),)}, "a floor"),
        ({"warning": 0.9}, "in order"),
        ({"warning": 0.0}, "in order"),
        ({"healthy": 1.0}, "in order"),
        ({"healthy": math.nan}, "in order"),
    ],
)
def test_what_makes_no_score_is_refused(
    workspace: Workspace, changed: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Invalid, match=reason):
        trust_policy.set_policy(workspace, "classification", replace(OWN, **changed))
    assert not trust_policy.get_policy(workspace, "classification").is_own


def test_an_unknown_kind_of_model_is_not_found(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match="no kind of model vision"):
        trust_policy.set_policy(workspace, "vision", OWN)


@given(st.lists(st.floats(0.001, 1_000), min_size=1, max_size=6))
def test_scaled_weights_sum_to_one_and_scaling_again_changes_nothing(weights: list[float]) -> None:
    parts = tuple(PartRule(n, w) for n, w in zip(KNOWN["llm"], weights, strict=False))
    once = trust_policy._normalised("llm", replace(OWN, parts=parts))
    assert math.fsum(p.weight for p in once.parts) == pytest.approx(1, abs=1e-8)
    assert trust_policy._is_same(once, trust_policy._normalised("llm", once))


def test_scores_are_made_by_the_policy_in_use_and_name_it(workspace: Workspace, send: Send) -> None:
    send(scored_rows())
    models.register_model(
        workspace, "risk", models.Registration(name="Risk", model_type="classification")
    )
    first = trust.compute_trust_score(workspace, "risk")
    assert first.result is not None and first.result.version == "1"
    trust_policy.set_policy(workspace, "classification", OWN)
    second = trust.get_trust(workspace, "risk")
    assert second.result is not None and second.result.version == "own-1"
    assert second.method == "policy classification own-1"
    assert {c.name for c in second.result.components} == {"errors", "latency"}
    trust_policy.restore_policy(workspace, "classification")
    assert trust.list_trust(workspace, ["risk"])["risk"].result == first.result


def test_a_list_does_not_serve_what_an_older_policy_stored(
    workspace: Workspace, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(scored_rows())
    models.register_model(
        workspace, "risk", models.Registration(name="Risk", model_type="classification")
    )
    stored = trust.compute_trust_score(workspace, "risk")
    trust_policy.set_policy(workspace, "classification", OWN)
    with monkeypatch.context() as patch:  # a look that may compute nothing says what it has
        patch.setattr(trust, "AT_ONCE", 0)
        assert trust.list_trust(workspace, ["risk"])["risk"].method == stored.method
    found = trust.list_trust(workspace, ["risk"])["risk"]
    assert found.method == "policy classification own-1"


def test_an_incident_opens_below_the_tenants_own_limit(workspace: Workspace, send: Send) -> None:
    rows = scored_rows()
    for row in rows[::20]:
        row["error"] = "timeout"  # 5 %: the errors part scores 0.6
    send(rows)
    model = models.register_model(
        workspace, "risk", models.Registration(name="Risk", model_type="classification")
    )
    errors_only = replace(OWN, parts=(PartRule("errors", 1.0),), healthy=0.99, warning=0.95)
    trust_policy.set_policy(workspace, "classification", errors_only)
    assert [f.rule for f in alerts.trust_rule(workspace, model)] == ["trust"]
    lenient = replace(errors_only, warning=0.01)
    trust_policy.set_policy(workspace, "classification", lenient)
    assert list(alerts.trust_rule(workspace, model)) == []


def test_a_policy_is_one_tenants_and_changed_by_those_who_may(backends: Backends) -> None:
    one, other = (backends.workspace(admin(tenant)) for tenant in ("default", "other"))
    trust_policy.set_policy(one, "llm", OWN)
    assert not trust_policy.get_policy(other, "llm").is_own
    viewer = backends.workspace(with_role("viewer"))
    assert trust_policy.get_policy(viewer, "llm").is_own
    for change in (
        lambda: trust_policy.set_policy(viewer, "llm", OWN),
        lambda: trust_policy.restore_policy(viewer, "llm"),
    ):
        with pytest.raises(Forbidden):
            change()


def with_role(role: str) -> Any:
    return replace(admin(), roles=(role,))


def test_the_routes_read_change_list_and_restore(client: FlaskClient) -> None:
    path = "/api/trust/policies/llm"
    body = msgspec.to_builtins(OWN)
    assert client.put(path, json=body).get_json()["data"]["version"] == "own-1"
    assert client.get(path).get_json()["data"]["definition"]["healthy"] == 0.9
    found = client.get("/api/trust/policies").get_json()["data"]
    assert [p["is_own"] for p in found] == [p["model_type"] == "llm" for p in found]
    refused = client.put(path, json=body | {"warning": 0.95})
    assert refused.status_code == 422 and "in order" in refused.get_json()["error"]
    assert client.put(path, json=body | {"shape": 3}).status_code in (400, 422)
    assert client.get("/api/trust/policies/vision").status_code == 404
    assert client.delete(path).get_json()["data"]["is_own"] is False
    versions = client.get(f"{path}/versions").get_json()["data"]
    assert [v["version"] for v in versions] == ["1", "own-1", "1"]


def test_a_role_without_policy_write_cannot_change_it(
    locked_hub: Flask, make_key: Callable[[str, str], str]
) -> None:
    headers = {"X-API-Key": make_key("acme", "sre")}
    client = locked_hub.test_client()
    path = "/api/trust/policies/llm"
    assert client.get(path, headers=headers).status_code == 200
    assert client.put(path, headers=headers, json=msgspec.to_builtins(OWN)).status_code == 403
    assert client.delete(path, headers=headers).status_code == 403
