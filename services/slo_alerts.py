"""Incidents from burning budgets: one a subject, for the objective that burns worst."""

from __future__ import annotations

from collections.abc import Iterator

from engines.slo import AlertState
from services.incidents import Finding, Severity
from services.slo import SloStatus, list_error_budgets
from services.workspace import Workspace

_SEVERITY: dict[str, Severity] = {"page": "critical", "ticket": "warning"}


def burn_rule(ws: Workspace) -> Iterator[Finding]:
    """Budgets burn too fast; a page of a subject stands for its tickets too."""
    worst: dict[str, tuple[SloStatus, AlertState]] = {}
    for status in list_error_budgets(ws):
        for alert in status.alerts:
            if alert.state == "firing":
                subject = status.objective.definition.subject
                known = worst.get(subject)
                if known is None or _rank(alert) > _rank(known[1]):
                    worst[subject] = (status, alert)
    for subject, (status, alert) in worst.items():
        yield _finding(subject, status, alert)


def _rank(alert: AlertState) -> tuple[bool, float]:
    return alert.rule.severity == "page", alert.long_burn or 0.0


def _finding(subject: str, status: SloStatus, alert: AlertState) -> Finding:
    given = status.objective.definition
    title = (
        f"{given.name} of {subject} burns its error budget {alert.long_burn or 0.0:.1f} times "
        "too fast"
    )
    evidence: dict[str, object] = {
        "slo": status.objective.id,
        "objective": given.name,
        "indicator": given.indicator.kind,
        "rule": alert.rule.name,
        "now": alert.long_burn,
        "limit": alert.rule.factor,
        "remaining": status.budget.remaining,
        "p_value": alert.p_value,
    }
    kind = "model" if given.model_id else "service"
    severity = _SEVERITY[alert.rule.severity]
    return Finding("slo_burn", kind, subject, severity, title, evidence)  # type: ignore[arg-type]
