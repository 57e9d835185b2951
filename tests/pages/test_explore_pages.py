"""The exploring pages: what the address asks, what the page answers, and how much it sends."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from components import scope as scopes
from components.address import packed
from components.live import View
from connectors.telemetry import Log, Span, SpanEvent
from i18n import LANGUAGES, speaking
from pages import correlation, explore, logs, traces
from pages import explore_parts as parts
from services.identity import Principal
from services.workspace import Backends, Workspace, in_workspace
from tests.conftest import NOW_MS

PAGES = {"metrics": explore, "correlation": correlation, "logs": logs, "traces": traces}
TEXT = st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=30)


def shown(ws: Workspace, page: Any, focus: str = "", detail: str = "", **scope: str) -> str:
    view = View()
    with in_workspace(ws):
        page.fill(ws, scopes.parse({"focus": focus, "detail": detail, **scope}), view)
    return view.to_json()


def send(client: FlaskClient) -> None:
    """Thirty hosts and two services, one number a minute for an hour."""
    rows = [
        {"name": "queue_depth", "value": float(host + minute % 5), "labels": {"host": f"h{host}"},
         "timestamp": (NOW_MS - (minute + 1) * 60_000) / 1_000}
        for host in range(30)
        for minute in range(60)
    ] + [
        {"name": f"load_{name}", "value": float((minute * step) % 17),
         "timestamp": (NOW_MS - (minute + 1) * 60_000) / 1_000}
        for name, step in (("a", 3), ("b", 5))
        for minute in range(60)
    ]  # fmt: skip
    assert client.post("/api/ingest/metrics", json={"metrics": rows}).status_code == 202


def add_rows(ws: Workspace) -> None:
    ws.events.add_logs([
        Log(f"l{i}", NOW_MS - i * 1_000, f"line {i}", "error" if i % 10 == 0 else "info", "shop",
            trace_id="ab" * 16, attributes={"order": i})
        for i in range(120)
    ])  # fmt: skip
    ws.events.add_spans([
        Span("ab" * 16, "root", "GET /cart", "shop", NOW_MS - 5_000.0, 900.0),
        *[
            Span("ab" * 16, f"s{i}", "SELECT", "db", NOW_MS - 4_990.0 + i / 3, 0.2,
                 parent_span_id="root", attributes={"gen_ai.prompt": "a secret", "z": 1},
                 events=(SpanEvent("retry", 0.1, {"input.value": "a secret", "try": 2}),))
            for i in range(2_000)
        ],
    ])  # fmt: skip


@pytest.mark.parametrize("lang", list(LANGUAGES))
@pytest.mark.parametrize("name", PAGES)
def test_an_empty_hub_says_which_command_fills_the_page(
    workspace: Workspace, name: str, lang: str
) -> None:
    with speaking(lang):
        said = shown(workspace, PAGES[name])
    assert "state-command" in said and "$HUB" in said


def test_metrics_are_cut_by_a_label_and_the_rest_is_said(
    client: FlaskClient, workspace: Workspace
) -> None:
    send(client)
    said = shown(workspace, explore, "metric=queue_depth&by=host&agg=sum", range="1h")
    assert "The 8 largest series are drawn; 22 more are joined in one line." in said
    assert '"h29"' in said and '"h3"' not in said
    means = shown(workspace, explore, "metric=queue_depth&by=host&agg=avg", range="1h")
    assert "22 more are not, because" in means


def test_a_bad_selector_is_answered_with_what_is_wrong(
    client: FlaskClient, workspace: Workspace
) -> None:
    send(client)
    said = shown(workspace, explore, packed(metric='queue_depth{host=~"("}'))
    assert "is not a regular expression" in said and "selector cannot be read" in said
    assert "is not a regular expression" in shown(
        workspace, correlation, packed(m='queue_depth{host=~"("}')
    )


def test_the_earlier_period_is_drawn_beside_the_metric(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    send(client)
    said = shown(workspace, explore, "metric=queue_depth", range="30m", compare="previous")
    assert "Compared period" in said


def test_the_expected_band_says_why_it_cannot_be_judged(
    client: FlaskClient, workspace: Workspace
) -> None:
    send(client)
    said = shown(workspace, explore, "metric=queue_depth&band=1", range="1h")
    assert "state-thin" in said


def test_a_pair_lies_on_one_scale(client: FlaskClient, workspace: Workspace) -> None:
    send(client)
    said = shown(workspace, correlation, "m=load_a&m=load_b", "a=load_a&b=load_b", range="1h")
    assert "correlation-overlay" in said and "standard deviations" in said


def test_lines_are_paged_and_one_is_opened(workspace: Workspace) -> None:
    add_rows(workspace)
    said = shown(workspace, logs, range="1h")
    assert "line 50" in said and "line 51" not in said and "after%3D" in said
    opened = shown(workspace, logs, detail=f"open=l7&at={NOW_MS - 7_000}", range="1h")
    assert "log-full" in opened and "/traces?detail=trace%3D" in opened
    assert "log-full" not in shown(workspace, logs, detail="open=l7&at=900000000000000", range="1h")
    assert "line 110" in shown(workspace, logs, "level=error", range="1h")
    assert "line 111" not in shown(workspace, logs, "level=error", range="1h")


def test_who_may_not_read_logs_is_told_so(backends: Backends, workspace: Workspace) -> None:
    add_rows(workspace)
    sender = backends.workspace(Principal("s", "default", ("sender",), "api_key"))
    said = shown(sender, logs, range="1h")
    assert "logs:read" in said and "line 1" not in said


def test_a_trace_of_two_thousand_spans_is_short_and_small(workspace: Workspace) -> None:
    add_rows(workspace)
    said = shown(workspace, traces, detail="trace=" + "ab" * 16, range="1h")
    assert "spans: 2,001" in said and "spans alike: SELECT" in said
    assert len(gzip.compress(said.encode())) < 50_000
    opened = shown(workspace, traces, detail=f"trace={'ab' * 16}&unfold=root.0", range="1h")
    assert len(gzip.compress(opened.encode())) < 50_000


def test_texts_of_spans_need_their_permission(backends: Backends, workspace: Workspace) -> None:
    add_rows(workspace)
    detail = f"trace={'ab' * 16}&span=s0"
    assert "a secret" in shown(workspace, traces, detail=detail, range="1h")
    viewer = backends.workspace(Principal("v", "default", ("viewer",), "api_key"))
    said = shown(viewer, traces, detail=detail, range="1h")
    assert "a secret" not in said and "retry" in said


def test_an_unknown_trace_is_said_to_be_unknown(workspace: Workspace) -> None:
    assert "There is no trace" in shown(workspace, traces, "trace=" + "cd" * 16)


@given(TEXT, TEXT)
def test_what_is_asked_survives_the_address(metric: str, by: str) -> None:
    text = packed(metric=metric, by=by)
    found = parts.asked(scopes.parse({"focus": text}))
    assert (found.one("metric"), found.one("by")) == (metric, by)
    assert parts.Asked(found.but(by="")).one("metric") == metric


@pytest.mark.parametrize("text", ["&".join(["a=b"] * 100), "%%%", "=&=", "least=nan&order=up"])
@pytest.mark.parametrize("name", PAGES)
def test_any_address_is_answered(hub: Flask, workspace: Workspace, name: str, text: str) -> None:
    add_rows(workspace)
    assert json.loads(shown(workspace, PAGES[name], text, text))
