"""Objectives: what is promised of a model or a service, and how much of the budget is left."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from connectors.errors import Refused
from connectors.selector import parse_selector
from engines import slo as engine
from engines.sentence import say
from engines.slo import AlertRule, AlertState, Budget, Counts
from services.bodies import as_body
from services.errors import Conflict, Invalid, NotFound
from services.history import store_numbers
from services.identity import permitted
from services.slo_counts import Indicator, Ledger, latency_bound_ms, read_ledger
from services.times import DAY_MS, Window, parse_time
from services.workspace import Workspace

_KIND, _HISTORY = "slo", "slo_revision"
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
MAX_OBJECTIVES = 500
MIN_DAYS, MAX_DAYS = 1, 365
MAX_EXCLUSIONS = 200
MAX_TEXT = 2_000
FRESH_S = 90.0
BURN_WINDOWS = (("1h", 3_600), ("6h", 21_600), ("3d", 259_200))

Health = Literal["healthy", "burning", "exhausted", "no_data"]
Calendar = Literal["day", "week", "month", "quarter", "year"]


class Exclusion(msgspec.Struct, frozen=True):
    """A span that does not count, such as a planned maintenance; RFC 3339 times."""

    start: str
    end: str
    reason: str = ""


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    """What is promised: of whom, measured how, how much, over which period.

    Exactly one of `model_id` and `service`. The period rolls over `days`, or follows a `calendar`
    in a `timezone`.
    """

    name: str
    indicator: Indicator
    target: float
    model_id: str = ""
    service: str = ""
    days: int = 30
    calendar: Calendar | None = None
    timezone: str = "UTC"
    owner: str = ""
    description: str = ""
    exclusions: tuple[Exclusion, ...] = ()

    @property
    def subject(self) -> str:
        """The model or service that the promise is about."""
        return self.model_id or self.service

    @property
    def labels(self) -> dict[str, str]:
        """The label that selects the subject's series."""
        return {"model_id": self.model_id} if self.model_id else {"service": self.service}


class Objective(msgspec.Struct, frozen=True):
    """A definition with its id, revision and alert plan; every edit is a new revision."""

    id: str
    revision: int
    defined_at_ms: int
    defined_by: str
    definition: Definition
    rules: tuple[AlertRule, ...]
    warnings: tuple[str, ...]


class Timeline(msgspec.Struct, frozen=True):
    """The period in steps of half an hour: share of bad events, and what was left of the budget."""

    timestamps_ms: list[int]
    error_ratio: list[float]
    remaining: list[float]


class SloStatus(msgspec.Struct, frozen=True):
    """How an objective stands now."""

    objective: Objective
    computed_at_ms: int
    window: Window
    elapsed: float  # share of the period that has passed; 1 for a rolling one
    health: Health
    budget: Budget
    burn: dict[str, float | None]  # 1h, 6h, 3d
    alerts: tuple[AlertState, ...]
    exhausted_in_s: float | None
    timeline: Timeline


class SloSummary(msgspec.Struct, frozen=True):
    """Every objective's state; `attainment` is the share of those with data that hold."""

    computed_at_ms: int
    by_health: dict[str, int]
    attainment: float | None
    objectives: list[SloStatus]


@permitted("slo:write")
def define(
    ws: Workspace, slo_id: str, definition: Definition, *, is_new: bool = False
) -> Objective:
    """Define an objective or change it: a new revision, whose predecessor stays readable."""
    if not _ID.fullmatch(slo_id):
        raise Invalid(
            say(
                "reasons.slo_id",
                "an id is 1 to 63 of {allowed}, e.g. {example}",
                allowed="a-z 0-9 . _ -",
                example="checkout-latency",
            )
        )
    _check(definition)
    now = ws.now_ms()
    with ws.records.transaction() as tx:
        known = tx.get(_KIND, slo_id)
        if known is not None and is_new:
            raise Conflict(
                say("reasons.slo_known", "there is an objective {id} already", id=slo_id)
            )
        if known is not None:
            now_kept = msgspec.convert(known.body, Objective)
            if now_kept.definition == definition:
                return now_kept  # the same said again is no new revision
        if known is None and len(tx.list(_KIND, limit=MAX_OBJECTIVES)) >= MAX_OBJECTIVES:
            raise Invalid(
                say(
                    "reasons.slo_most",
                    "a tenant has at most {most, number} objectives",
                    most=MAX_OBJECTIVES,
                )
            )
        revisions = tx.list(_HISTORY, where={"id": slo_id}, limit=10_000)
        revision = 1 + max((int(row.body["revision"]) for row in revisions), default=0)
        made = _objective(slo_id, revision, now, ws.principal.id, definition)
        body = as_body(made)
        tx.put(_KIND, slo_id, body)
        tx.put(_HISTORY, f"{slo_id}#{revision:06d}", body)
    ws.cache.invalidate(f"{ws.tenant}/slo")
    return made


def _objective(slo_id: str, revision: int, now: int, who: str, definition: Definition) -> Objective:
    rules = engine.plan_alerts(definition.target, _length_s(definition, now))
    warnings = [
        f"unreachable_alert: {r.name} would need more than 100 % errors at a target of "
        f"{definition.target:g}; it fires above {r.threshold:.0%} instead"
        for r in rules
        if not r.is_reachable
    ]
    indicator = definition.indicator
    if indicator.kind == "latency":
        bound = latency_bound_ms(indicator.threshold or 0.0)
        if bound is not None and abs(bound - (indicator.threshold or 0.0)) > 1e-3:
            warnings.append(f"latency is counted at {bound:g} ms, the histogram's nearest bound")
    return Objective(slo_id, revision, now, who, definition, rules, tuple(warnings))


def _check(definition: Definition) -> None:
    problem = _problem(definition)
    if problem:
        raise Invalid(problem)


def _problem(given: Definition) -> str:
    if not 1 <= len(given.name) <= 120:
        return "name: 1 to 120 characters"
    if max(map(len, (given.subject, given.owner, given.description))) > MAX_TEXT:
        return f"model_id, service, owner and description have at most {MAX_TEXT} characters"
    if bool(given.model_id) == bool(given.service):
        return "name a model_id or a service, one of them"
    if not 0 < given.target < 1:
        return f"target: above 0 and below 1, got {given.target:g}; 1 leaves no budget at all"
    if given.calendar is None and not MIN_DAYS <= given.days <= MAX_DAYS:
        return f"days: {MIN_DAYS} to {MAX_DAYS}, got {given.days}"
    try:
        ZoneInfo(given.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder of zones is no zone
        return f"timezone: {given.timezone!r} is not an IANA name such as Europe/Berlin"
    if len(given.exclusions) > MAX_EXCLUSIONS:
        return f"exclusions: at most {MAX_EXCLUSIONS}, got {len(given.exclusions)}"
    for one in given.exclusions:
        if parse_time(one.start) >= parse_time(one.end):
            return "exclusions: start is before end"
        if len(one.reason) > MAX_TEXT:
            return f"exclusions: a reason has at most {MAX_TEXT} characters"
    return _indicator_problem(given)


def _indicator_problem(given: Definition) -> str:
    indicator = given.indicator
    if given.service and indicator.kind not in ("availability", "metric"):
        return f"indicator: a service has availability or a metric, not {indicator.kind}"
    if indicator.kind == "availability":
        return ""
    if indicator.threshold is None:
        return f"indicator: {indicator.kind} needs a threshold"
    if indicator.kind == "latency" and latency_bound_ms(indicator.threshold) is None:
        return "indicator: a latency threshold is 1 ms to 131 s"
    if indicator.kind in ("trust", "grounding", "drift") and not 0 <= indicator.threshold <= 1:
        return f"indicator: a {indicator.kind} threshold is a score from 0 to 1"
    if indicator.kind == "metric":
        try:
            parse_selector(indicator.metric)
        except Refused as error:
            return f"indicator: {error}"
    return ""


@permitted("slo:write")
def remove(ws: Workspace, slo_id: str) -> None:
    """Delete an objective; its revisions and the series it wrote stay."""
    if not _ID.fullmatch(slo_id) or not ws.records.delete(_KIND, slo_id):
        raise NotFound(say("reasons.no_such_slo", "there is no objective {id}", id=slo_id))
    ws.cache.invalidate(f"{ws.tenant}/slo")


@permitted("slo:read")
def list_objectives(ws: Workspace) -> list[Objective]:
    """Return every objective in order of id."""
    return [
        msgspec.convert(row.body, Objective) for row in ws.records.list(_KIND, limit=MAX_OBJECTIVES)
    ]


@permitted("slo:read")
def get_objective(ws: Workspace, slo_id: str) -> Objective:
    """Return one objective."""
    row = ws.records.get(_KIND, slo_id) if _ID.fullmatch(slo_id) else None
    if row is None:
        raise NotFound(say("reasons.no_such_slo", "there is no objective {id}", id=slo_id))
    return msgspec.convert(row.body, Objective)


@permitted("slo:read")
def list_revisions(ws: Workspace, slo_id: str) -> list[Objective]:
    """Return every revision of an objective, newest first; also of one that was deleted."""
    rows = ws.records.list(_HISTORY, where={"id": slo_id}, limit=10_000)
    found = [msgspec.convert(row.body, Objective) for row in rows]
    if not found:
        raise NotFound(say("reasons.no_such_slo", "there is no objective {id}", id=slo_id))
    return sorted(found, key=lambda o: -o.revision)


@permitted("slo:read")
def get_error_budget(ws: Workspace, slo_id: str) -> SloStatus:
    """Return how an objective stands, computed once for all who look."""
    return _status(ws, get_objective(ws, slo_id))


@permitted("slo:read")
def list_error_budgets(ws: Workspace, model_id: str = "") -> list[SloStatus]:
    """Return every objective's state, the worst first; of one model when it is named."""
    found = [
        _status(ws, o)
        for o in list_objectives(ws)
        if not model_id or o.definition.model_id == model_id
    ]
    return sorted(found, key=lambda s: (_ORDER.index(s.health), s.budget.remaining, s.objective.id))


@permitted("slo:read")
def summarise(ws: Workspace) -> SloSummary:
    """Return how many objectives hold, and each with its state, the worst first."""
    found = list_error_budgets(ws)
    by_health = {name: sum(s.health == name for s in found) for name in _ORDER}
    known = len(found) - by_health["no_data"]
    held = (known - by_health["exhausted"]) / known if known else None
    return SloSummary(ws.now_ms(), by_health, held, found)


def fastest(found: list[SloStatus]) -> SloStatus | None:
    """Return the objective that burns fastest in the last hour; None when none counted then."""
    counted = [s for s in found if s.burn["1h"] is not None and s.budget.sli is not None]
    return max(counted, key=lambda s: (s.burn["1h"] or 0.0, s.objective.id), default=None)


def judge_burn(status: SloStatus) -> Literal["good", "warn", "bad"]:
    """Return how a status is coloured: bad when it pages or is used up, warn on a ticket."""
    firing = {a.rule.severity for a in status.alerts if a.state == "firing"}
    if "page" in firing or status.health == "exhausted":
        return "bad"
    return "warn" if firing else "good"


_ORDER = ("exhausted", "burning", "no_data", "healthy")


@permitted("analysis:run")
def evaluate(ws: Workspace) -> int:
    """Compute every objective now and keep the numbers as series; how many."""
    objectives = list_objectives(ws)
    for objective in objectives:
        found = _compute(ws, objective)
        key = f"{ws.tenant}/{_key(objective)}"
        ws.cache.put(key, found, SloStatus, fresh_s=FRESH_S, stale_s=600)
        _keep(ws, found)
    return len(objectives)


def _key(objective: Objective) -> str:
    return f"slo/{objective.id}/{objective.revision}"


def _status(ws: Workspace, objective: Objective) -> SloStatus:
    return ws.cached(
        _key(objective), SloStatus, lambda: _compute(ws, objective), fresh_s=FRESH_S, stale_s=600
    )


def _keep(ws: Workspace, found: SloStatus) -> None:
    definition = found.objective.definition
    labels = {"slo": found.objective.id}
    if definition.service:
        labels["service"] = definition.service
    numbers: list[tuple[str, dict[str, str], float]] = [
        ("aiobs_slo_target", labels, definition.target)
    ]
    if found.budget.sli is not None:
        numbers += [
            ("aiobs_slo_sli", labels, found.budget.sli),
            ("aiobs_error_budget_remaining", labels, found.budget.remaining),
        ]
    numbers += [
        ("aiobs_slo_burn_rate", labels | {"window": name}, value)
        for name, value in found.burn.items()
        if value is not None
    ]
    store_numbers(ws, definition.model_id, found.computed_at_ms, numbers)


def _compute(ws: Workspace, objective: Objective) -> SloStatus:
    given, now = objective.definition, ws.now_ms()
    period = _period(given, now)
    excluded = [(parse_time(e.start), parse_time(e.end)) for e in given.exclusions]
    ledger = read_ledger(ws, given.labels, given.indicator, period, excluded)
    whole = ledger.whole()
    budget = engine.error_budget(whole.good, whole.total, given.target)
    alerts = engine.judge_alerts(objective.rules, ledger.count, given.target)
    burn = {name: _burn(ledger.count(s), given.target) for name, s in BURN_WINDOWS}
    length_s = period.length_ms / 1_000
    return SloStatus(
        objective=objective,
        computed_at_ms=now,
        window=Window(period.start_ms, min(period.end_ms, now)),
        elapsed=min(1.0, (now - period.start_ms) / period.length_ms),
        health=_health(budget, alerts),
        budget=budget,
        burn=burn,
        alerts=alerts,
        exhausted_in_s=engine.time_to_exhaustion(budget.remaining, burn["6h"] or 0.0, length_s)
        if budget.sli is not None
        else None,
        timeline=_timeline(ledger, budget),
    )


def _burn(counts: Counts, target: float) -> float | None:
    ratio = counts.error_ratio
    return None if ratio is None else ratio / (1.0 - target)


def _health(budget: Budget, alerts: tuple[AlertState, ...]) -> Health:
    if budget.sli is None:
        return "no_data"
    if budget.state == "exhausted":
        return "exhausted"
    return "burning" if any(a.state == "firing" for a in alerts) else "healthy"


def _timeline(ledger: Ledger, budget: Budget) -> Timeline:
    good, total = ledger.past[:, 0], ledger.past[:, 1]
    bad = total - good
    ratio = bad / total.clip(min=1e-12)
    spent = bad.cumsum() / budget.allowed_bad if budget.allowed_bad else bad * 0.0
    return Timeline(ledger.past_ms.tolist(), ratio.tolist(), (1.0 - spent).tolist())


def _period(given: Definition, now_ms: int) -> Window:
    if given.calendar is None:
        return Window(now_ms - given.days * DAY_MS, now_ms)
    moment = datetime.fromtimestamp(now_ms / 1_000, UTC)
    start, end = engine.calendar_window(moment, given.calendar, given.timezone)
    return Window(round(start.timestamp() * 1_000), round(end.timestamp() * 1_000))


def _length_s(given: Definition, now_ms: int) -> float:
    return _period(given, now_ms).length_ms / 1_000
