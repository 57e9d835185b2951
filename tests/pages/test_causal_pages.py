"""The causal and the impact page: what they are about, what they send, what they say."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from components import scope as scopes
from components.live import View
from engines.causal import Series, find_root_cause
from engines.causal.result import Evidence
from i18n import LANGUAGES, speaking
from pages import (
    causal_answer,
    causal_graph,
    focus,
    impact,
    impact_calm,
    report,
)
from pages.focus import Focus
from services import numbers
from services.analyses import Job
from services.causal import RootCause
from services.diagnosis import (
    list_subjects,
    sharing,
    worst_open,
)
from services.incidents import Incident
from services.numbers import largest_numbers
from services.study import Study, study
from services.times import Window
from services.workspace import Workspace, in_workspace
from tests.pages.causal_samples import caused, fleet

TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=40)


@given(TEXT, TEXT, TEXT, st.none() | st.floats(-1, 10).map(lambda x: float(f"{x:g}")))
def test_focus_survives_the_address(
    incident: str, node: str, metric: str, change: float | None
) -> None:
    asked = Focus(incident, node, metric, change, set_to=change)
    assert focus.parse(asked.to_text()) == asked
    assert focus.parse(scopes.parse({"focus": asked.to_text()}).focus) in (asked, Focus())


@pytest.mark.parametrize(
    "text", ["", "change=nan", "change=lots", "&&=", "a" * 2_000, "change=1e9"]
)
def test_focus_reads_anything(text: str) -> None:
    found = focus.parse(text)
    assert found.change is None or -1 <= found.change <= 10


REASONS = [
    Evidence("deviation", (("node", "a"), ("metric", "errors"), ("z", 5.0), ("usual", 1.0),
                           ("scale", 0.5)), ""),
    Evidence("driver", (("node", "a"), ("metric", "tokens"), ("z", 5.0)), ""),
    Evidence("own_share", (("share", 0.4),), ""),
    Evidence("walk_share", (("share", 0.4),), ""),
    Evidence("wire", (("node", "a"), ("score", 2.0)), ""),
    Evidence("log_template", (("node", "a"), ("template", "x"), ("after", 3.0)), ""),
    Evidence("log_template", (("node", "a"), ("template", "x"), ("after", 3.0),
                              ("before", 0.0)), ""),
    Evidence("log_template", (("node", "a"), ("template", "x"), ("after", 3.0),
                              ("before", 2.0)), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("kind", "deployment"), ("title", "v2"),
                                    ("node", "a"), ("lead_s", 9.0)), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("title", "v2"), ("lead_s", 9.0)), ""),
    Evidence("objective", (("objective", "o"), ("node", "a"), ("metric", "latency_ms")), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("kind", "deployment"),
                                    ("lead_s", 9.0)), ""),
    Evidence("event_before_onset", (("event_id", "e"), ("lead_s", 9.0)), ""),
    Evidence("moved_first", (("lead_s", 120.0),), ""),
    Evidence("moved_first", (("lead_s", 0.0),), ""),
    Evidence("moved_later", (("lead_s", -120.0),), ""),
    Evidence("asked_share", (("share", 0.9),), ""),
    Evidence("moved_together", (("metrics", "feature_drift:age\nfeature_drift:bmi"),), ""),
    Evidence("within_range", (("z", 1.0), ("threshold", 3.0)), ""),
    Evidence("rival", (("node", "b"), ("ratio", 0.9)), ""),
    Evidence("call", (("cause", "a|errors"), ("effect", "b|errors")), ""),
    Evidence("rule", (("cause", "a|tokens"), ("effect", "a|cost")), ""),
    Evidence("same_interval_test", (("q", 0.01), ("effect", 0.4)), ""),
    Evidence("same_interval_test", (("q", 0.4), ("effect", 0.1)), ""),
    Evidence("granger", (("q", 1e-9), ("effect", 0.4), ("lag_s", 60.0)), ""),
    Evidence("residual_correlation", (("q", 0.01), ("correlation", 0.4)), ""),
]  # fmt: skip


@pytest.mark.parametrize("lang", list(LANGUAGES))
def test_every_reason_of_the_engine_can_be_said(lang: str) -> None:
    with speaking(lang):
        for reason in REASONS:
            said = focus.sentence(reason)
            assert said and "{" not in said and not said.startswith("causal_graph.")


@pytest.mark.parametrize("state", ["running", "stopped", "failed"])
def test_an_analysis_under_way_says_how_far_it_is(state: Any) -> None:
    job = Job("abc", "what", state, "graph", 0, 4_000, "no rows" if state == "failed" else "")
    shown = repr(focus.progress(job))
    assert "abc" in shown
    assert ("data-poll" in shown) == (state == "running")


@pytest.mark.parametrize("lang", ["en", "ar"])
@pytest.mark.parametrize("page", [causal_graph, impact], ids=["causes", "impact"])
@pytest.mark.parametrize(
    "asked", ["", "incident=nobody", "node=a&metric=b", "node=a&metric=b&change=.2", "=&="]
)
def test_both_pages_answer_on_an_empty_hub(
    hub: Flask, workspace: Workspace, page: Any, asked: str, lang: str
) -> None:
    view = View()
    with speaking(lang), in_workspace(workspace):
        page.layout()
        page.fill(workspace, scopes.parse({"focus": asked}), view)
    assert json.loads(view.to_json())[1:]


def shown_by(workspace: Workspace, page: Any, asked: str) -> dict[str, Any]:
    view = View()
    with speaking("en"), in_workspace(workspace):
        page.fill(workspace, scopes.parse({"focus": asked}), view)
    return {place["index"]: body for place, body in json.loads(view.to_json())[1:]
            if place["type"] != "panel-foot"}  # fmt: skip


def test_without_an_incident_impact_offers_past_ones_and_questions_and_hides_the_rest(
    hub: Flask, workspace: Workspace
) -> None:
    shown = shown_by(workspace, impact, "")
    assert "No incident is open" in json.dumps(shown["impact-lead"])
    assert "No incident has been recorded yet" in json.dumps(shown["impact-past"])
    assert shown["impact-questions"] is not None
    hidden = {f"impact-{name}" for name in (*impact.PANELS, *impact.AMOUNTS)}
    assert {name for name, body in shown.items() if body is None} >= hidden


def test_questions_about_the_present_take_the_largest_number_of_each_kind(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[numbers.Level] = [
        ("large", "requests", 40.0), ("silent", "latency_ms", None), ("small", "requests", 2.0),
    ]  # fmt: skip
    monkeypatch.setattr(numbers, "_known", lambda _ws, _patience_s: rows)
    with speaking("en"):
        said = str(impact_calm.questions(largest_numbers(workspace, impact_calm.ASKED)))
    assert "Requests · large changed by +50%" in said
    assert "small" not in said and "silent" not in said
    assert "now 40" in said


def test_suspects_of_an_abstention_are_places_to_look_and_nothing_is_marked_as_the_cause() -> None:
    rng = np.random.default_rng(2)
    times = 1_767_254_400.0 + 60.0 * np.arange(60)
    metrics = {(n, "latency_ms"): Series(times, 20 + rng.standard_normal(60)) for n in ("a", "b")}
    result = find_root_cause(metrics, ("a", "latency_ms"), topology=[("a", "b")])
    assert result.abstained and result.causes
    found = fleet(10)
    causes = RootCause("a", "latency_ms", 0, found.window, result, None)
    found = msgspec.structs.replace(found, causes=causes)
    graph = found.graph.graph
    assert graph is not None
    with speaking("en"):
        places = causal_graph._places(found, graph)
        drawn = causal_graph._drawing(found, graph, graph, places, False, "", [])
        sent = json.loads(drawn.children)
        ranking = str(causal_answer.ranking(found))
    assert sent["chain"] == [] and sent.get("cause") is None
    assert "No cause is named" in ranking and "Confidence" not in ranking


def put_incident(ws: Workspace, name: str, opened_ms: int, event: str | None = None) -> Incident:
    first = {"node": "db", "metric": "latency_ms", "event_id": event, "confidence": 0.9}
    cause = {"abstained": False, "reason": "", "causes": [first]} if event else None
    made = Incident(
        name, "latency", "model", name, "critical", "open", name, {}, opened_ms, opened_ms, None,
        cause,
    )  # fmt: skip
    ws.records.put("incident", name, msgspec.to_builtins(made))
    return made


def test_both_pages_take_the_oldest_of_the_worst_incidents_however_fresh_the_last_answer(
    workspace: Workspace,
) -> None:
    calm, _ = study(workspace)
    assert isinstance(calm, Study) and calm.incident is None
    now = workspace.now_ms()
    for name, age in (("later", 10_000), ("first", 20_000)):
        put_incident(workspace, name, now - age)
    first = worst_open(workspace)
    assert first is not None and first.id == "first"
    found, _ = study(workspace)
    assert isinstance(found, Job) or found.incident == first


def test_an_old_incident_that_is_asked_about_keeps_its_name_in_the_choice(
    workspace: Workspace,
) -> None:
    now = workspace.now_ms()
    for age in range(30):
        put_incident(workspace, f"model-{age}", now - 1_000 * age)
    assert "model-29" not in {one.incident.id for one in list_subjects(workspace)}
    asked = Focus(incident="model-29").to_text()
    with speaking("en"):
        offered = focus.options(list_subjects(workspace, "model-29"), (), asked)
    assert next(one for one in offered if one["value"] == asked)["label"].startswith("model-29")


def test_nothing_more_comes_of_an_incident_that_is_resolved(workspace: Workspace) -> None:
    for state, is_hidden in (("open", False), ("resolved", True)):
        incident = msgspec.structs.replace(put_incident(workspace, "a", 1), state=state)
        made = Study(
            incident, ("db", "latency_ms"), ("web", "latency_ms"), 0.9, 1, Window(0, 1), 0, None,
            None, None, (), None
        )  # fmt: skip
        view = View()
        with speaking("en"), in_workspace(workspace):
            impact._show(view, made, Focus())
        shown = {place["index"]: body for place, body in json.loads(view.to_json())[1:]
                 if place["type"] == "panel-body"}  # fmt: skip
        assert (shown["impact-ahead"] is None) == is_hidden


def test_the_answer_says_how_far_the_number_went_and_which_incidents_share_the_cause(
    workspace: Workspace,
) -> None:
    found = caused()
    now = workspace.now_ms()
    own = put_incident(workspace, "mine", now, "pool")
    put_incident(workspace, "same", now, "pool")
    put_incident(workspace, "different", now, "another")
    put_incident(workspace, "unexplained", now)
    found = msgspec.structs.replace(found, incident=own)
    assert [i.id for i in sharing(workspace, found)] == ["same"]
    with speaking("en"), in_workspace(workspace):
        said = str(causal_answer.lead(workspace, found))
    assert "Latency · service-1 is the likeliest cause of Latency · service-0" in said
    assert "went from 10 ms to 20 ms" in said
    assert "Other open incidents with this cause: 1." in said


def test_a_number_that_moved_by_itself_is_not_called_its_own_cause(workspace: Workspace) -> None:
    found = caused()
    cause = causal_answer.named(found)
    assert cause is not None
    found = msgspec.structs.replace(found, node=cause.node, metric=cause.metric)
    with speaking("en"), in_workspace(workspace):
        said = str(causal_answer.lead(workspace, found))
    assert "Latency · service-1 left its normal range by itself." in said
    assert "likeliest cause" not in said


def test_a_quiet_number_that_nobody_was_alerted_to_is_good_news(workspace: Workspace) -> None:
    rng = np.random.default_rng(2)
    times = 1_767_254_400.0 + 60.0 * np.arange(60)
    metrics = {("a", "latency_ms"): Series(times, 20 + rng.standard_normal(60))}
    result = find_root_cause(metrics, ("a", "latency_ms"))
    assert result.abstained
    found = fleet(10)
    causes = RootCause("service-0", "latency_ms", 0, found.window, result, None)
    found = msgspec.structs.replace(found, causes=causes)
    with speaking("en"), in_workspace(workspace):
        said = str(causal_answer.lead(workspace, found))
    assert "Nothing stands out" in said and "No cause" not in said


def test_a_renewal_is_shown_with_what_it_renews_and_can_be_stopped_and_begun_again() -> None:
    running = Job("abc", "what", "running", "graph", 0, 4_000, share=0.5)
    stopped = msgspec.structs.replace(running, state="stopped")
    with speaking("en"):
        shown, kept = repr(focus.renewal(running)), repr(focus.renewal(stopped))
    assert "50%" in shown and "analysis-stop" in shown and "data-poll" in shown
    assert "analysis-again" in kept and "data-poll" not in kept
    assert focus.renewal(None) is None


def test_a_red_number_says_its_likeliest_cause_and_leads_to_evidence_and_cost(
    workspace: Workspace,
) -> None:
    with speaking("en"):
        assert focus.trouble(workspace) is None
        now = workspace.now_ms()
        put_incident(workspace, "unexplained", now - 9)
        put_incident(workspace, "explained", now, "pool")
        said = str(focus.trouble(workspace))
        assert "explained answers" in said and "Latency of db" in said
        assert "/causes?" in said and "/impact?" in said and "2 incidents, 1 cause" in said
        assert focus.trouble(workspace, "somebody") is None
        assert "Other open" not in str(focus.trouble(workspace, "unexplained"))


def test_a_report_names_its_subject_and_no_window_that_is_not_its_own(
    hub: Flask, workspace: Workspace
) -> None:
    put_incident(workspace, "slow-one", workspace.now_ms())
    with speaking("en"), in_workspace(workspace):
        page = report.compose(workspace, "impact", scopes.parse({}))
        asked = report.compose(
            workspace, "impact", scopes.parse({"focus": "node=a&metric=errors&change=.5"})
        )
    assert "slow-one answers" in page and "Last 24 hours" not in page
    assert "Errors · a +50%" in asked
