"""Objectives on real stores: what is counted, what is left, what burns, and who may say so."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest
from flask.testing import FlaskClient

from connectors.telemetry import MetricBatch, Series
from services import alerts, degradation, jobs, slo, slo_counts
from services.errors import Conflict, Forbidden, Invalid, NotFound
from services.identity import Principal
from services.slo import Definition, Exclusion
from services.slo_counts import Indicator
from services.times import DAY_MS, HOUR_MS, MINUTE_MS, Window, to_rfc3339
from services.widgets import read_widgets
from services.workspace import Backends, Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import Row, Send

AVAILABLE = Definition(
    name="Answers", model_id="m", target=0.99, days=7, indicator=Indicator("availability")
)


def rows(
    count: int, *, minutes: float = 1_440, failed_in_last: int = 0, ms: float = 20.0
) -> list[Row]:
    """Requests spread over the last minutes; the newest `failed_in_last` of them fail."""
    apart_ms = minutes * MINUTE_MS / count
    return [
        {
            "inference_id": f"{minutes}-{i}", "model_id": "m", "latency_ms": ms, "cost": 0.01,
            "currency": "EUR", "timestamp": (NOW_MS - (i + 0.5) * apart_ms) / 1_000,
            **({"error": "timeout"} if i < failed_in_last else {}),
        }
        for i in range(count)
    ]  # fmt: skip


def test_a_budget_by_hand(workspace: Workspace, send: Send) -> None:
    send(rows(2_000, failed_in_last=5))
    slo.define(workspace, "answers", AVAILABLE)
    found = slo.get_error_budget(workspace, "answers")
    assert (found.budget.good, found.budget.total) == (1_995, 2_000)
    assert found.budget.remaining == pytest.approx(1 - 5 / 20)
    assert found.timeline.remaining[-1] == pytest.approx(found.budget.remaining)
    assert found.health == "healthy"


def test_a_burning_budget_opens_one_incident_and_the_job_keeps_series(
    workspace: Workspace, send: Send
) -> None:
    send(rows(2_000, minutes=2_000, failed_in_last=60))
    slo.define(workspace, "answers", AVAILABLE)
    slo.define(workspace, "more", replace_target(AVAILABLE, 0.999))
    assert jobs.evaluate_objectives(workspace) == 2
    opened = [i for i in alerts.evaluate(workspace) if i.rule == "slo_burn"]
    assert [(i.subject, i.severity, i.evidence["slo"]) for i in opened] == [
        ("m", "critical", "more")
    ]
    names = workspace.metrics.names()
    assert {"aiobs_slo_sli", "aiobs_slo_burn_rate", "aiobs_error_budget_remaining"} <= set(names)


def replace_target(definition: Definition, target: float) -> Definition:

    return msgspec.structs.replace(definition, target=target)


def test_nothing_sent_is_no_data_and_not_a_promise_kept(workspace: Workspace) -> None:
    slo.define(workspace, "answers", AVAILABLE)
    found = slo.get_error_budget(workspace, "answers")
    assert found.health == "no_data" and found.budget.sli is None and found.exhausted_in_s is None
    assert slo.summarise(workspace).attainment is None


def test_slow_answers_are_bad_and_the_bound_is_said(workspace: Workspace, send: Send) -> None:
    send(rows(100) + rows(50, minutes=60, ms=900.0))
    made = slo.define(
        workspace, "fast", Definition(
            name="Fast", model_id="m", target=0.5, indicator=Indicator("latency", 200.0)
        )
    )  # fmt: skip
    found = slo.get_error_budget(workspace, "fast")
    assert (found.budget.good, found.budget.total) == (100, 150)
    assert any("181.019 ms" in warning for warning in made.warnings)


def test_time_slices_judge_cost_per_request(workspace: Workspace, send: Send) -> None:
    send(rows(288))
    for slo_id, limit, good in (("dear", 0.02, 288), ("cheap", 0.001, 0)):
        indicator = Indicator("cost_per_request", limit)
        slo.define(workspace, slo_id, Definition(
            name=slo_id, model_id="m", target=0.9, indicator=indicator
        ))  # fmt: skip
        assert slo.get_error_budget(workspace, slo_id).budget.good == good


def test_any_metric_can_be_promised(client: FlaskClient, workspace: Workspace) -> None:
    samples = [
        {"name": "queue_depth", "value": float(i), "labels": {"queue": "a"},
         "timestamp": (NOW_MS - i * 5 * MINUTE_MS) / 1_000}
        for i in range(1, 21)
    ]  # fmt: skip
    assert client.post("/api/ingest/metrics", json={"metrics": samples}).status_code == 202
    indicator = Indicator("metric", 15.0, 'queue_depth{queue="a"}', "below")
    slo.define(workspace, "queue", Definition(
        name="Queue", service="worker", target=0.7, days=1, indicator=indicator
    ))  # fmt: skip
    budget = slo.get_error_budget(workspace, "queue").budget
    assert (budget.good, budget.total) == (15, 20)


def test_calls_of_a_service_are_counted_from_spans_once(
    client: FlaskClient, workspace: Workspace
) -> None:
    spans = [span(i, failed=i < 4) for i in range(40)]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "pay"}}]}
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    assert client.post("/v1/traces", json=body).status_code == 200
    slo_counts.track_services(workspace)
    slo_counts.track_services(workspace)
    slo.define(workspace, "pay", Definition(
        name="Pay", service="pay", target=0.95, days=1, indicator=Indicator("availability")
    ))  # fmt: skip
    found = slo.get_error_budget(workspace, "pay")
    assert (found.budget.bad, found.budget.total, found.health) == (4, 40, "exhausted")


def test_back_filled_calls_are_counted_within_minutes(
    client: FlaskClient, workspace: Workspace, clock: list[int]
) -> None:
    slo_counts.track_services(workspace)
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": "pay"}}]}
    spans = [span(i, failed=False) for i in range(40)]
    body = {"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]}
    assert client.post("/v1/traces", json=body).status_code == 200
    assert slo_counts.track_services(workspace) == 0
    clock[0] += 11 * MINUTE_MS
    assert slo_counts.track_services(workspace) > 0


def span(number: int, *, failed: bool) -> dict[str, Any]:  # OTLP JSON
    start = (NOW_MS - 30 * MINUTE_MS + number * 10_000) * 1_000_000
    return {
        "traceId": f"{number + 1:032x}", "spanId": f"{number + 1:016x}", "name": "GET /", "kind": 2,
        "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 5_000_000),
        "status": {"code": 2 if failed else 1},
    }  # fmt: skip


def test_planned_maintenance_does_not_count(workspace: Workspace, send: Send) -> None:
    send(rows(2_880, failed_in_last=60))  # the last half hour fails

    span_ = Exclusion(to_rfc3339(NOW_MS - HOUR_MS), to_rfc3339(NOW_MS), "upgrade")
    slo.define(workspace, "answers", msgspec.structs.replace(AVAILABLE, exclusions=(span_,)))
    found = slo.get_error_budget(workspace, "answers")
    assert found.budget.bad == 0 and found.budget.total == pytest.approx(2_760, abs=60)


def test_every_edit_is_a_revision_and_deletion_keeps_them(workspace: Workspace) -> None:
    slo.define(workspace, "answers", AVAILABLE, is_new=True)
    with pytest.raises(Conflict):
        slo.define(workspace, "answers", AVAILABLE, is_new=True)
    assert slo.define(workspace, "answers", AVAILABLE).revision == 1
    slo.define(workspace, "answers", replace_target(AVAILABLE, 0.95))
    slo.remove(workspace, "answers")
    found = slo.list_revisions(workspace, "answers")
    assert [(o.revision, o.definition.target) for o in found] == [(2, 0.95), (1, 0.99)]
    with pytest.raises(NotFound):
        slo.get_error_budget(workspace, "answers")


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"target": 1.0}, "leaves no budget"),
        ({"target": 0.0}, "target"),
        ({"service": "x"}, "one of them"),
        ({"days": 0}, "days"),
        ({"timezone": "Mars/Base"}, "IANA"),
        ({"timezone": "Europe"}, "IANA"),
        ({"indicator": Indicator("speed", 1.0)}, "speed"),  # type: ignore[arg-type]
        (
            {"exclusions": (Exclusion("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),) * 201},
            "most",
        ),
        ({"indicator": Indicator("latency")}, "threshold"),
        ({"indicator": Indicator("latency", 0.1)}, "1 ms"),
        ({"indicator": Indicator("trust", 7.0)}, "0 to 1"),
        ({"indicator": Indicator("metric", 1.0, "a{")}, "indicator"),
        ({"exclusions": (Exclusion("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),)}, "before"),
        ({"name": ""}, "name"),
        ({"owner": "x" * 2_001}, "at most 2000"),
    ],
)
def test_a_promise_that_cannot_be_kept_is_refused(
    workspace: Workspace, change: dict[str, Any], part: str
) -> None:

    with pytest.raises(Invalid, match=part):
        slo.define(workspace, "x", msgspec.structs.replace(AVAILABLE, **change))


def test_an_alert_that_could_never_fire_is_named(workspace: Workspace) -> None:
    made = slo.define(workspace, "x", replace_target(AVAILABLE, 0.9))
    assert any(w.startswith("unreachable_alert: page_quick") for w in made.warnings)
    assert all(rule.threshold < 1 for rule in made.rules)


def test_viewers_read_and_do_not_define(backends: Backends, workspace: Workspace) -> None:
    slo.define(workspace, "answers", AVAILABLE)
    viewer = backends.workspace(Principal("v", "default", ("viewer",), "api_key"))
    assert slo.get_error_budget(viewer, "answers").objective.id == "answers"
    with pytest.raises(Forbidden):
        slo.remove(viewer, "answers")
    stranger = backends.workspace(Principal("s", "other", ("tenant_admin",), "api_key"))
    with pytest.raises(NotFound):
        slo.get_error_budget(stranger, "answers")


def test_the_api_defines_reads_and_deletes(client: FlaskClient) -> None:
    body = {
        "id": "fast",
        "definition": {"name": "Fast", "model_id": "m", "target": 0.9,
                       "indicator": {"kind": "latency", "threshold": 250}},
    }  # fmt: skip
    made = client.post("/api/slo", json=body)
    assert (made.status_code, made.get_json()["data"]["revision"]) == (201, 1)
    assert client.post("/api/slo", json=body).status_code == 409
    bad = {**body, "id": "Not An Id"}
    assert client.post("/api/slo", json=bad).status_code == 422
    shown = client.get("/api/dashboard/slo").get_json()["data"]
    assert shown["by_health"]["no_data"] == 1 and shown["attainment"] is None
    assert client.get("/api/slo/fast").get_json()["data"]["budget"]["state"] == "no_data"
    assert client.get("/api/slo?model_id=other").get_json()["data"] == []
    assert client.delete("/api/slo/fast").status_code == 200
    assert client.delete("/api/slo/fast").status_code == 404


def test_a_calendar_month_starts_at_local_midnight(workspace: Workspace) -> None:

    given = msgspec.structs.replace(AVAILABLE, calendar="month", timezone="Asia/Tokyo")
    slo.define(workspace, "x", given)
    window = slo.get_error_budget(workspace, "x").window
    assert window.start_ms == NOW_MS - NOW_MS % DAY_MS - 9 * HOUR_MS


def test_figures_name_the_share_that_holds_and_the_fastest_burn(
    workspace: Workspace, send: Send
) -> None:
    now = workspace.now_ms()
    window = Window(now - DAY_MS, now)
    ids = ("slo_attainment", "slo_burn")
    none = [figure for _, figure in read_widgets(workspace, ids, window)]
    assert all(f.value is None and "no objective is defined" in f.reason for f in none)
    send(rows(2_000, minutes=2_000, failed_in_last=60))
    slo.define(workspace, "strict", replace_target(AVAILABLE, 0.999))
    slo.define(workspace, "loose", replace_target(AVAILABLE, 0.5))
    held, burn = (figure for _, figure in read_widgets(workspace, ids, window))
    assert (held.value, held.said["n"], held.said["total"], held.judgement) == (0.5, 1, 2, "bad")
    assert burn.value == pytest.approx(1 / 0.001) and burn.judgement == "bad"


def test_an_objective_is_the_threshold_of_the_trend_it_promises(
    client: FlaskClient, workspace: Workspace
) -> None:
    labels = {"model_id": "bot"}
    samples = [
        {"name": "aiobs_grounding_score", "value": 0.95 - 0.001 * (96 - i), "labels": labels,
         "timestamp": (NOW_MS - i * 15 * MINUTE_MS) / 1_000}
        for i in range(96)
    ]  # fmt: skip
    row = {"inference_id": "b1", "model_id": "bot", "timestamp": NOW_MS / 1_000 - 60, "output": "x"}
    assert client.post("/api/ingest/inferences", json={"inferences": [row]}).status_code == 202
    workspace.metrics.append(_batch(samples))
    client.put("/api/models/bot", json={"model_type": "rag"})
    before = degradation.track_degradation(workspace, "bot")
    assert before.result is not None and before.result.crossing is None
    for slo_id, limit in (("low", 0.5), ("high", 0.8)):
        slo.define(workspace, slo_id, Definition(
            name=slo_id, model_id="bot", target=0.9, indicator=Indicator("grounding", limit)
        ))  # fmt: skip
    after = degradation.track_degradation(workspace, "bot")
    assert after.result is not None and after.result.crossing is not None
    assert after.result.crossing.threshold == 0.8
    assert not after.result.crossing.is_breached and after.result.crossing.in_s is not None


def _batch(samples: list[dict[str, Any]]) -> MetricBatch:  # JSON rows of one series
    return MetricBatch(
        [Series(samples[0]["name"], samples[0]["labels"])],
        np.zeros(len(samples), dtype=np.int32),
        np.array([round(s["timestamp"] * 1_000) for s in samples], dtype=np.int64),
        np.array([s["value"] for s in samples]),
    )
