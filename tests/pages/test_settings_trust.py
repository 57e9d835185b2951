"""The settings page: the panel shows the policy in use, the form says what is typed."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from components.live import View
from components.scope import Scope
from i18n import LANGUAGES, speaking
from pages import settings, settings_trust, sources
from services import trust_policy
from services.errors import Invalid
from services.models import Registration, get_model, register_model
from services.workspace import Workspace, in_workspace


def typed(ws: Workspace, kind: str, **changed: str) -> dict[str, Any]:
    shown = settings_trust.values(trust_policy.get_policy(ws, kind))
    return dict(zip(settings_trust._FIELDS, shown, strict=True)) | changed


def save(ws: Workspace, kind: str, **changed: str) -> trust_policy.PolicyVersion:
    now = trust_policy.get_policy(ws, kind)
    given = settings_trust.definition(now, typed(ws, kind, **changed))
    return trust_policy.set_policy(ws, kind, given)


@pytest.mark.parametrize("kind", list(trust_policy.KNOWN))
def test_what_is_shown_saved_again_is_no_new_version(workspace: Workspace, kind: str) -> None:
    assert not save(workspace, kind).is_own
    save(workspace, kind, errors="33", latency="7,7")
    assert save(workspace, kind).version == "own-1"


def test_an_empty_weight_leaves_a_part_out_and_floors_stay(workspace: Workspace) -> None:
    made = save(workspace, "llm", drift="", latency="0", hallucination="60", healthy="0,85")
    parts = {p.name: p for p in made.definition.parts}
    assert set(parts) == {"hallucination", "reliability", "degradation", "errors"}
    assert parts["hallucination"].floor == 0.6 and made.definition.healthy == 0.85
    assert parts["hallucination"].weight == pytest.approx(60 / 110)


@pytest.mark.parametrize("text", ["a third", "nan", "-5"])
def test_what_is_no_weight_is_refused_with_a_sentence(workspace: Workspace, text: str) -> None:
    with pytest.raises(Invalid, match=r"numbers\.|a number from"):
        save(workspace, "llm", drift=text)


@pytest.mark.parametrize("code", list(LANGUAGES))
def test_the_panel_shows_the_version_in_use(workspace: Workspace, code: str) -> None:
    save(workspace, "rag", errors="50")
    with in_workspace(workspace), speaking(code):
        view = View()
        settings.fill(workspace, Scope(), view)
    panel = view.to_json().split("settings-policy", 1)[1].split("settings-running", 1)[0]
    assert panel.count("own-1") == 1


def test_charts_draw_the_limits_that_the_shown_kinds_share(workspace: Workspace) -> None:
    save(workspace, "rag", warning="0.5")
    with in_workspace(workspace):
        drawn = {
            kinds: [limit.value for limit in sources.trust_limits(workspace, kinds)]
            for kinds in [("rag",), ("llm",), ("llm", "rag"), ()]
        }
    assert drawn == {("rag",): [0.8, 0.5], ("llm",): [0.8, 0.6], ("llm", "rag"): [0.8], (): [0.8]}


def test_a_model_saved_again_keeps_what_its_form_does_not_ask_for(
    hub: Flask, workspace: Workspace
) -> None:
    said = Registration(objective_latency_ms=1_234_567.5, positive_class="yes")
    register_model(workspace, "risk", said)
    wired = hub.extensions["aiobs_dash_outputs"]()
    fill_in = next(one for name, one in wired.items() if "settings-model-objective.value" in name)
    save_model = wired["settings-save-model.title"]

    def call(one: dict[str, Any], inputs: list[Any], state: list[Any]) -> Any:
        client, made = hub.test_client(), {}
        for kind, given in (("inputs", inputs), ("state", state)):
            made[kind] = [dict(p) | {"value": v} for p, v in zip(one[kind], given, strict=True)]
        name = next(name for name, other in wired.items() if other is one)
        outputs = one["output"]
        named = [{"id": o.component_id, "property": o.component_property}
                 for o in (outputs if isinstance(outputs, list) else [outputs])]  # fmt: skip
        body = made | {"output": name, "changedPropIds": ["x.n_clicks"],
                       "outputs": named if isinstance(outputs, list) else named[0]}  # fmt: skip
        return client.post("/_dash-update-component", json=body).json

    shown = call(fill_in, [{"model": "risk"}], [])["response"]
    values = [shown[f"settings-model-{name}"]["value"] for name in settings._FIELDS]
    values[0] += " "  # as pasted
    assert "settings-save-model" in call(save_model, [1], [*values, {}])["response"]
    values[0] = "\x00"
    assert "printable text" in str(call(save_model, [1], [*values, {}]))
    kept = get_model(workspace, "risk")
    assert (kept.objective_latency_ms, kept.positive_class) == (1_234_567.5, "yes")
