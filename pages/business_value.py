"""What users got, as the business page shows it: outcomes by version, return, loss in incidents."""

from __future__ import annotations

from typing import Any

from dash import html

from components import states
from components.address import choice, link
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from engines.business import Estimate, Lift, Loss, Return
from i18n import currency, date_time, number, percent, signed, t
from pages import sources
from services.value import IncidentLoss, Outcome, Value, VersionValue

WHOLE = {"whiteSpace": "nowrap"}
"""The style of a name that does not break into lines."""
STANDARD = ("conversion", "resolution", "satisfaction")
_MOST_ROWS = 50
_VERDICT: dict[str, Status] = {"higher": "good", "lower": "bad", "undecided": "none"}


def versions(value: Value) -> Any:
    """Return every outcome of every version with its interval and lift."""
    known = [(outcome, one) for outcome in value.outcomes for one in outcome.versions]
    if not known:
        return states.empty(
            _t("no_values"), hint=_t("no_values_hint"),
            command="POST /api/ingest/metrics conversion_total conversion_trials_total",
        )  # fmt: skip
    columns = [
        Column("outcome", _t("outcome")), Column("model", _t("model")),
        Column("version", _t("version")), Column("value", _t("value")),
        Column("n", "n", "number"), Column("lift", _t("lift"), "node"),
    ]  # fmt: skip
    rows = [_version_row(outcome, one) for outcome, one in known[:_MOST_ROWS]]
    return table(columns, rows, caption=_t("versions"), total=len(known))


def _version_row(outcome: Outcome, one: VersionValue) -> dict[str, Any]:
    is_share = outcome.metric.kind == "share"
    estimate = one.estimate if isinstance(one.estimate, Estimate) else None
    return {
        "outcome": outcome_name(outcome.metric.name),
        "model": choice(one.model_id, link("", model=one.model_id)),
        "version": choice(
            one.version, link("", model=one.model_id, version=one.version), style=WHOLE
        ),
        "value": html.Bdi(_estimated(estimate, is_share), dir="ltr", style=WHOLE),
        "n": float(estimate.n) if estimate else None,
        "lift": _lift(one, is_share),
    }


def _estimated(found: Estimate | None, is_share: bool) -> str:
    if found is None:
        return "–"
    write = percent if is_share else number
    return f"{write(found.value)} ({write(found.interval.low)} – {write(found.interval.high)})"


def _lift(one: VersionValue, is_share: bool) -> Any:
    if not isinstance(one.lift, Lift):
        return "–"
    size = one.lift.difference * (100 if is_share else 1)
    ends = [v * (100 if is_share else 1) for v in (one.lift.interval.low, one.lift.interval.high)]
    words = f"{signed(size, decimals=1)} ({signed(ends[0], decimals=1)} – "
    words += f"{signed(ends[1], decimals=1)})" + (" pp" if is_share else "")
    return html.Span(
        [mark(_VERDICT[one.lift.verdict], _t(one.lift.verdict)), " ", html.Bdi(words, dir="ltr")],
        title=_t("against", version=one.against),
    )


def returns(value: Value) -> Any:
    """Return the formula of the return and each of its terms."""
    parts: list[Any] = [html.P(_t("formula"), className="panel-note")]
    shown = False
    for outcome in value.outcomes:
        found = outcome.roi
        if not isinstance(found, Return) or not isinstance(outcome.overall, Estimate):
            continue
        shown = True
        metric = outcome.metric
        unit = metric.currency
        ends = found.interval
        rows = [
            (_t("rate"), percent(outcome.overall.value)),
            (_t("baseline"), percent(metric.baseline)),
            (_t("trials"), number(outcome.overall.n)),
            (_t("worth"), currency(metric.worth, unit)),
            (_t("value"), currency(found.value, unit)),
            (_t("cost"), currency(found.cost, unit)),
            (_t("roi"), f"{percent(found.roi)} ({percent(ends.low)} – {percent(ends.high)})"),
        ]
        columns = [Column("what", outcome_name(metric.name)), Column("amount", _t("amount"))]
        cells = [{"what": a, "amount": html.Bdi(b, dir="ltr")} for a, b in rows]
        parts.append(table(columns, cells, caption=outcome_name(metric.name)))
    if not shown:
        return html.Div([*parts, states.empty(_t("no_worth"), command="PUT /api/business/policy")])
    return html.Div(parts)


def losses(found: list[IncidentLoss]) -> Any:
    """Return what incidents cost in successes and money."""
    if not found:
        return states.calm(_t("no_losses"), _t("no_losses_hint"))
    columns = [
        Column("title", _t("incident")), Column("model", _t("model")),
        Column("since", _t("since")), Column("outcome", _t("outcome")),
        Column("lost", _t("lost")), Column("amount", _t("at_risk")),
        Column("n", "n", "number"),
    ]  # fmt: skip
    rows = [_loss_row(one) for one in found]
    return table(columns, rows, caption=_t("losses"), limit=20)


def _loss_row(one: IncidentLoss) -> dict[str, Any]:
    lost = one.loss if isinstance(one.loss, Loss) else None
    count = money = "–"
    if lost is not None:
        ends = lost.outcomes_interval
        count = f"{number(lost.outcomes, decimals=1)} ({number(ends.low, decimals=1)} – "
        count += f"{number(ends.high, decimals=1)})"
        if one.currency:
            span = lost.amount_interval
            money = f"{currency(lost.amount, one.currency)} ({currency(span.low, one.currency)} – "
            money += f"{currency(span.high, one.currency)})"
    return {
        "title": html.A(
            sources.incident_title(one.incident), href=sources.incident_link(one.incident)
        ),
        "model": choice(one.incident.subject, link("", model=one.incident.subject)),
        "since": date_time(one.incident.opened_at_ms),
        "outcome": outcome_name(one.outcome),
        "lost": html.Bdi(count, dir="ltr"),
        "amount": html.Bdi(money, dir="ltr"),
        "n": float(lost.n_during) if lost else None,
    }


def outcome_name(name: str) -> str:
    """Return what an outcome is called: a word of ours, or the sender's."""
    return _t(name) if name in STANDARD else name


def _t(name: str, **values: str) -> str:
    return t(f"business.{name}", **values)
