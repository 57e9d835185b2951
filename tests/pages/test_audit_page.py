"""The audit page: entries in words, their proof, checks and what a kept checkpoint says."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from components.live import View
from components.scope import parse
from i18n import LANGUAGES, speaking
from pages import audit, audit_words
from services.audit import get_checkpoint, verify_chain
from services.audit_proof import open_entry
from services.audited import AUDITED
from services.identity import Principal
from services.models import Registration, register_model
from services.workspace import Backends, Workspace

PLAIN = re.compile(r"\\u206[89]")
"""The signs that keep a value's own direction, as JSON writes them."""


def parts_of(ws: Workspace, query: str = "") -> dict[str, str]:
    view = View()
    audit.fill(ws, parse(query), view)
    parts = json.loads(view.to_json())[1:]
    return {n["index"]: json.dumps(body) for n, body in parts if n["type"] != "panel-foot"}


@pytest.fixture
def changed(workspace: Workspace) -> Workspace:
    register_model(workspace, "triage", Registration(risk_class="minimal"))
    register_model(workspace, "triage", Registration(risk_class="limited"))
    register_model(workspace, "scribe", Registration())
    return workspace


def test_entries_are_told_in_words_newest_first(changed: Workspace) -> None:
    shown = parts_of(changed)["audit-list"]
    assert shown.index("scribe") < shown.index("triage")
    assert "Change" in shown and "Creation" in shown
    assert "risk_class: minimal \\u2192 limited" in PLAIN.sub("", shown)
    assert "platform" not in shown  # roles are in the entry, not in the list


def test_conditions_of_the_address_narrow_the_list(changed: Workspace) -> None:
    shown = parts_of(changed, "focus=resource%3Dscribe")["audit-list"]
    assert "scribe" in shown and "triage" not in shown
    assert "No entry in this window" in parts_of(changed, "focus=actor%3Dnobody")["audit-list"]
    shown = parts_of(changed, "focus=action%3Dmodel.updated")["audit-list"]
    assert "Creation" not in shown and "Change" in shown


def test_an_entry_is_opened_with_its_path_to_the_signed_root(changed: Workspace) -> None:
    shown = parts_of(changed, "detail=entry%3D1")["audit-one"]
    assert "The path leads to the root that was signed" in shown
    assert "root over 3 entries" in shown
    opened = open_entry(changed, 1)
    assert opened.proof is not None
    assert opened.proof.steps[-1].value == get_checkpoint(changed).root
    for step in opened.proof.steps:
        assert step.sibling in shown and step.value in shown
    assert "/api/audit/entries/1/proof.tlog" in shown
    assert "cannot" not in shown


@pytest.mark.parametrize("seq", ["99", "-1", "x", "9" * 30])
def test_an_address_of_no_entry_asks_to_choose_one(changed: Workspace, seq: str) -> None:
    assert "Choose an entry" in parts_of(changed, f"detail=entry%3D{seq}")["audit-one"]


def test_without_a_chosen_entry_its_panel_hides(changed: Workspace) -> None:
    assert parts_of(changed)["audit-one"] == "null"


def test_times_among_told_values_are_written_as_times() -> None:
    told = {"changed": ["at_ms"], "before": {}, "now": {"at_ms": 1_767_261_600_000}}
    said = audit_words.changes(told)
    assert said.replace("\u2068", "").replace("\u2069", "") == "at_ms: – → Jan 1, 2026 10:00"


def test_a_chain_nobody_checked_says_so_and_one_that_holds_too(changed: Workspace) -> None:
    assert "No check has run yet" in parts_of(changed)["audit-chain"]
    verify_chain(changed)
    shown = parts_of(changed)
    assert "Whole" in shown["audit-chain"]
    assert "Every entry holds" in shown["audit-verify"]


def test_what_was_changed_behind_the_hubs_back_is_named(changed: Workspace, tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "records.sqlite") as there:
        (body,) = there.execute("SELECT body FROM audit_entries WHERE seq = 1").fetchone()
        there.execute(
            "UPDATE audit_entries SET body = ? WHERE seq = 1",
            (bytes(body).replace(b"limited", b"minimal"),),
        )
    verify_chain(changed)
    shown = parts_of(changed)
    assert "Broken" in shown["audit-chain"]
    assert "Entry 2 does not follow the one before" in shown["audit-verify"]


def test_who_may_not_read_the_chain_gets_none_of_it(changed: Workspace, backends: Backends) -> None:
    viewer = backends.workspace(Principal("v", "default", ("viewer",), "api_key"))
    shown = json.dumps(parts_of(viewer))
    assert "Your role may not read the audit chain" in shown
    assert "triage" not in shown and "export.jsonl" not in shown
    auditor = backends.workspace(Principal("a", "default", ("auditor",), "api_key"))
    assert "export.jsonl" in json.dumps(parts_of(auditor))


def test_an_empty_chain_says_what_begins_it(workspace: Workspace) -> None:
    assert "Nothing was changed yet" in parts_of(workspace)["audit-list"]


def test_every_noun_of_the_chain_has_words_in_every_language(changed: Workspace) -> None:
    for code in LANGUAGES:
        with speaking(code):
            for noun in AUDITED.values():
                words = audit_words.noun(f"{noun.name}.created")
                assert code == "en" or words != noun.name.replace("_", " ") or code == "fr"
            shown = parts_of(changed.speaking(code), "detail=entry%3D1")
            assert not re.search(r"\{\w+[,}]", json.dumps(shown, ensure_ascii=False))


def call(hub: Flask, output: str, prop: str, inputs: list[Any], state: list[Any]) -> str:
    """Send a callback as the browser does."""
    body = {
        "output": f"{output}.{prop}",
        "outputs": {"id": output.split("@")[0], "property": prop},
        "inputs": inputs,
        "changedPropIds": [f"{inputs[0]['id']}.{inputs[0]['property']}"],
        "state": state,
    }
    answer = hub.test_client().post("/_dash-update-component", json=body)
    assert answer.status_code == 200, answer.text
    return answer.text


def test_a_pasted_checkpoint_is_answered(hub: Flask, changed: Workspace) -> None:
    note = get_checkpoint(changed).note

    def compare(text: str) -> str:
        return call(
            hub, "audit-compared", "children",
            [{"id": "audit-compare", "property": "n_clicks", "value": 1}],
            [{"id": "audit-kept-text", "property": "value", "value": text}],
        )  # fmt: skip

    assert "the first 3 entries are those that you kept" in compare(note)
    assert "no checkpoint" in compare("hello")


def test_verify_now_checks_the_chain(hub: Flask, changed: Workspace) -> None:
    names = [name for name in hub.extensions["aiobs_dash_outputs"]() if "audit-verified" in name]
    assert names == ["audit-verified.title"]
    call(
        hub, "audit-verified", "title",
        [{"id": "audit-verify-now", "property": "n_clicks", "value": 1}],
        [{"id": "scope", "property": "data", "value": {}}],
    )  # fmt: skip
    assert "Whole" in parts_of(changed)["audit-chain"]
