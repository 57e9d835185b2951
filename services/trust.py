"""The trust score of a model: what is known of it, in one bounded and explained number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from connectors.protocols import SeriesPoints
from connectors.selector import Matcher, Selector, any_of, select
from engines import trust as engine
from engines.drift import DriftReport
from engines.reliability import Overall, wilson
from engines.result import Insufficient, Interval
from engines.sentence import Sentence, say
from engines.trust import Anchors, Part, Trust, TrustPolicy
from services.computed import Computed, attempt, latest, remember
from services.degradation import DegradationAnswer, get_degradation
from services.drift import DriftAnswer, get_drift
from services.hallucination import HallucinationAnswer, get_hallucination
from services.history import keep, store_numbers
from services.identity import permitted
from services.models import Model, get_model
from services.reliability import ReliabilityAnswer, get_reliability
from services.sums import to_list
from services.times import DAY_MS, HOUR_MS, Window
from services.traffic import RequestStats, get_request_stats
from services.trust_policy import as_engine_policy, get_policy, list_policies
from services.workspace import Workspace

TrustAnswer = Computed[Trust]
Given = Part | Insufficient | None

_KOLMOGOROV_90 = 1.2238
"""90 % point of Kolmogorov's distribution: how far a measured KS distance may be off."""
MIN_REQUESTS = 30
AT_ONCE = 32
"""Models that one look at the fleet may compute: a small fleet is whole at once, a large one waits
for the scheduler."""
BUCKET_REACH = 1.19
"""A latency bucket is a factor of 1.41 wide and linear inside: half of it is the resolution."""
GROWTH = Anchors(1.0, 3.0)
"""Latency that doubled since yesterday scores 0.8, four times 0.6; a policy choice."""


@permitted("trust:read")
def get_trust(ws: Workspace, model_id: str) -> TrustAnswer:
    """Return the latest trust score with its parts, interval and explanation."""
    model = get_model(ws, model_id)
    return latest(ws, "trust", model_id, TrustAnswer, lambda: _compute(ws, model))


@permitted("trust:read")
def list_trust(ws: Workspace, model_ids: Sequence[str]) -> dict[str, TrustAnswer]:
    """Return the newest trust of many models without refreshing any: that is the scheduler's work.

    A model whose result was never computed, is gone from cache and store, or was made by a policy
    that is no longer in use is computed here, at most `AT_ONCE` a call; the others are left out.
    """
    found: dict[str, TrustAnswer] = {}
    missing = []
    for model_id in model_ids:
        known = ws.cache.get(f"{ws.tenant}/trust/{model_id}", TrustAnswer)
        if known is None:
            missing.append(model_id)
        else:
            found[model_id] = known
    left = AT_ONCE
    in_use = {_method(as_engine_policy(p)) for p in list_policies(ws)} if missing else set()
    for model_id in missing:
        kept = _kept(ws, model_id)
        is_current = kept is not None and kept.method in in_use
        if not is_current and left > 0:
            left -= 1
            kept = get_trust(ws, model_id)
        elif kept is not None and is_current:
            remember(ws, "trust", model_id, kept, TrustAnswer)
        if kept is not None:  # beyond the limit, what an older policy said is better than nothing
            found[model_id] = kept
    return found


@permitted("trust:read")
def read_trust_history(
    ws: Workspace, model_ids: Sequence[str], window: Window, step_ms: int
) -> list[SeriesPoints]:
    """Return the mean trust per step of some models, those without history left out."""
    if not model_ids:
        return []
    selector = Selector(
        "aiobs_trust_score", (Matcher("bound", "=", ""), any_of("model_id", model_ids))
    )
    return ws.metrics.window(
        selector, window.start_ms, window.end_ms, step_ms, across="avg", by=("model_id",)
    )


class FleetTrust(msgspec.Struct, frozen=True):
    """The mean trust of all models over time; None where none was known."""

    computed_at_ms: int
    timestamps_ms: list[int]
    values: list[float | None]


@permitted("trust:read")
def read_fleet_trust(ws: Workspace, window: Window, step_ms: int) -> FleetTrust:
    """Return the mean trust of all models per step, read anew each minute for all who look."""

    def read() -> FleetTrust:
        found = ws.metrics.window(
            select("aiobs_trust_score", {"bound": ""}), window.start_ms, window.end_ms, step_ms,
            across="avg",
        )  # fmt: skip
        times = found[0].timestamps_ms.tolist() if found else []
        return FleetTrust(ws.now_ms(), times, to_list(found[0].values) if found else [])

    key = f"fleet_trust/{window.seen_from(ws.now_ms())}/{step_ms}"
    return ws.cached(key, FleetTrust, read, fresh_s=60, stale_s=600)


def _kept(ws: Workspace, model_id: str) -> TrustAnswer | None:
    """Return the newest stored result of the last hour: after a start, say."""
    now = ws.now_ms()
    rows = ws.events.analyses("trust", model_id, now - HOUR_MS, now + 1, limit=1)
    if not rows:
        return None
    return msgspec.json.decode(rows[0].body, type=TrustAnswer)


@permitted("analysis:run")
def compute_trust_score(ws: Workspace, model_id: str) -> TrustAnswer:
    """Compute trust now from the latest results, keep it and its history, and return it."""
    answer = _compute(ws, get_model(ws, model_id))
    if answer.result is not None:
        found = answer.result
        numbers: list[tuple[str, dict[str, str], float]] = [
            ("aiobs_trust_score", {}, found.trust),
            ("aiobs_trust_score", {"bound": "point"}, found.point),
        ]
        store_numbers(ws, model_id, answer.computed_at_ms, numbers)
        keep(ws, "trust", model_id, answer.computed_at_ms, answer)
    return remember(ws, "trust", model_id, answer, TrustAnswer)


def _compute(ws: Workspace, model: Model) -> TrustAnswer:
    end = ws.now_ms()
    window = Window(end - HOUR_MS, end)
    policy = as_engine_policy(get_policy(ws, model.model_type))
    traffic = get_request_stats(ws, window, model_id=model.model_id)
    result, insufficient = attempt(
        lambda: engine.score(_parts(ws, model, traffic, policy), policy=policy)
    )
    return Computed(
        model_id=model.model_id,
        computed_at_ms=ws.now_ms(),
        window=window,
        reference=None,
        n_reference=0,
        n_current=traffic.requests,
        method=_method(policy),
        result=result,
        insufficient=insufficient,
    )


def _method(policy: TrustPolicy) -> Sentence:
    return say(
        "methods.trust_policy",
        "policy {name} {version}",
        name=policy.name,
        version=policy.version,
    )


def _parts(
    ws: Workspace, model: Model, traffic: RequestStats, policy: TrustPolicy
) -> dict[str, Given]:
    model_id = model.model_id
    start = traffic.window.start_ms
    before = get_request_stats(ws, Window(start - DAY_MS, start), model_id=model_id)
    measured: dict[str, Given] = {
        "drift": drift_part(get_drift(ws, model_id)),
        "reliability": reliability_part(get_reliability(ws, model_id)),
        "degradation": degradation_part(get_degradation(ws, model_id)),
        "errors": errors_part(traffic),
        "latency": latency_part(traffic, before, model.objective_latency_ms),
    }
    if policy.part("hallucination") is not None:
        measured["hallucination"] = hallucination_part(get_hallucination(ws, model_id))
    return {name: part for name, part in measured.items() if policy.part(name) is not None}


def drift_part(answer: DriftAnswer) -> Given:
    """Grade the largest detected change; where none was detected, what could have hidden counts.

    The effect is a KS distance or Cramér's V. Its interval is the measured value give or take the
    90 % point of the Kolmogorov distribution at these sizes.
    """
    if answer.result is None:
        return answer.insufficient
    reports = [
        r for r in (answer.result.data, answer.result.prediction) if isinstance(r, DriftReport)
    ]
    tested = [c for r in reports for c in r.columns if c.outcome != "insufficient_data"]
    if not tested:
        return Insufficient(say("reasons.no_column_tested", "no column could be tested for drift"))
    worst = max((c.effect for c in tested if c.outcome == "drift"), default=0.0)
    n, m = answer.n_reference, answer.n_current
    reach = _KOLMOGOROV_90 * math.sqrt((n + m) / (n * m))
    interval = Interval(max(0.0, worst - reach), min(1.0, worst + reach), 0.9)
    return engine.part("drift_effect", worst, interval, min(n, m))


def reliability_part(answer: ReliabilityAnswer) -> Given:
    """Take the overall score of reliability as it is: it is already mapped by the same table."""
    if answer.result is None:
        return answer.insufficient
    overall = answer.result.overall
    if not isinstance(overall, Overall):
        return overall
    return Part(overall.score, overall.interval, answer.n_current, "reliability", overall.score)


def degradation_part(answer: DegradationAnswer) -> Given:
    """Grade the loss expected over the next day, or already suffered at the last step."""
    found = answer.result
    if found is None:
        return answer.insufficient
    impact = found.impact
    if impact.relative is None or impact.relative_interval is None:
        return Insufficient(
            say(
                "reasons.quality_is_zero",
                "the quality metric is zero, so a relative loss has no meaning",
            )
        )
    shown = found.status == "degrading"
    value = max(0.0, impact.relative) if shown else 0.0
    low = max(0.0, impact.relative_interval.low) if shown else 0.0
    high = max(value, impact.relative_interval.high, 0.0)
    interval = Interval(min(low, value), high, impact.relative_interval.level)
    return engine.part("relative_loss", value, interval, found.n)


def errors_part(traffic: RequestStats) -> Given:
    """Grade the share of failed requests, with a Wilson interval."""
    if traffic.requests < MIN_REQUESTS:
        return Insufficient(
            say(
                "reasons.few_requests",
                "an error rate needs {needed, number} requests in the last hour, got {got, number}",
                needed=MIN_REQUESTS,
                got=traffic.requests,
            ),
            needed=MIN_REQUESTS,
            got=traffic.requests,
        )
    n, rate = traffic.requests, traffic.errors / traffic.requests
    interval = wilson(traffic.errors, n, 0.9)
    return engine.part("error_rate", rate, interval, n)


def latency_part(now: RequestStats, before: RequestStats, objective_ms: float | None) -> Given:
    """Grade the 95th percentile against its objective, or its growth since the day before."""
    if now.latency_ms is None or now.requests < MIN_REQUESTS:
        return Insufficient(
            say(
                "reasons.few_latencies",
                "latency needs {needed, number} measured requests in the last hour",
                needed=MIN_REQUESTS,
            )
        )
    p95 = now.latency_ms["p95"]
    if objective_ms is not None:
        ratio = p95 / max(objective_ms, 1e-9)
        interval = Interval(ratio / BUCKET_REACH, ratio * BUCKET_REACH, 0.9)
        return engine.part("latency_ratio", ratio, interval, now.requests)
    if before.latency_ms is None:
        return Insufficient(
            say(
                "reasons.latency_without_level",
                "latency has neither an objective nor a day before to compare with",
            )
        )
    ratio = p95 / max(before.latency_ms["p95"], 1e-9)
    interval = Interval(max(0.0, ratio / BUCKET_REACH - 1), max(0.0, ratio * BUCKET_REACH - 1), 0.9)
    return engine.part(
        "latency_growth", max(0.0, ratio - 1), interval, now.requests, anchors=GROWTH
    )


def hallucination_part(answer: HallucinationAnswer) -> Given:
    """Grade the share of outputs that their context does not support."""
    found = answer.result
    if found is None:
        return answer.insufficient
    return engine.part(
        "hallucination_risk", found.hallucination_risk, found.risk_interval, found.checked
    )
