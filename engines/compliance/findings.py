"""Open findings: what an auditor would write down, worst first, by a rule that is stated."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.compliance.catalogue import Clock, load_catalogue
from engines.compliance.clocks import read_clock
from engines.compliance.result import ControlStatus, Facts
from engines.compliance.rules import deployed

Severity = Literal["critical", "high", "medium", "low"]
Kind = Literal["control", "incident", "report", "model_card", "vulnerability"]
SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low")
OF_CONTROL: Mapping[str, Severity] = {
    "contradicted": "high", "no_evidence": "medium", "too_old": "medium", "incomplete": "low",
}  # fmt: skip
"""Severity by the reason of a control's status; a reason that is not here is no finding."""
OF_INCIDENT: Mapping[str, Severity] = {"critical": "critical", "warning": "medium", "info": "low"}


@dataclass(frozen=True, slots=True)
class SystemFacts:
    """A scanned system with open vulnerabilities.

    `severity` is the worst, `since_ms` the first day of the oldest of that severity.
    """

    subject: str
    severity: Severity
    since_ms: int
    is_overdue: bool
    ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenFinding:
    """One thing that is not in order.

    Attributes
    ----------
    id : str
        ``kind/subject``: the same finding has the same id until it is closed.
    kind, subject : str
        What it is about: the id of a control, of a model, or of an incident (for a report that is
        late too), or the name of a scanned system.
    severity : {"critical", "high", "medium", "low"}
        By the rule of `find_open`.
    why : str
        A short code: the reason of the control's status, ``open``, ``late``, ``card_missing``,
        ``card_outdated``, ``card_overdue``, ``vulnerable`` or ``vulnerable_overdue``.
    since_ms : int or None
        Since when it is so, where the facts say it; None where they only say that it is.
    owners : tuple of str
        Who owns the models that it is about, each once; empty where nobody is named.
    evidence : tuple of str
        Ids of what it rests on.
    """

    id: str
    kind: Kind
    subject: str
    severity: Severity
    why: str
    since_ms: int | None = None
    owners: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


def find_open(
    facts: Facts, statuses: Sequence[ControlStatus], now_ms: int,
    *, clocks: Mapping[str, Clock] | None = None,
) -> tuple[OpenFinding, ...]:  # fmt: skip
    """Return everything that is open, worst first.

    Parameters
    ----------
    facts : Facts
        The facts that the statuses were derived from.
    statuses : sequence of ControlStatus
        From `evaluate` over the same facts.
    now_ms : int
        The time to judge at, epoch milliseconds.
    clocks : mapping, optional
        Reporting clocks by id; those of the shipped catalogue when not given.

    Returns
    -------
    tuple of OpenFinding
        By severity, then the oldest first; those of unknown age last.

    Notes
    -----
    ``critical``: an open critical incident, or a report to an authority past its limit.
    ``high``: a control that the evidence contradicts; a high-risk model in service without a
    model card, or with one that is overdue or of an older version.
    ``medium``: a control without evidence or with evidence too old; an open warning; the same of
    the card of any other model in service.
    ``low``: a control with some checks without evidence; an open incident for information.
    Without a model nothing is found: what would be missing evidence is no system at all.

    Examples
    --------
    >>> from engines.compliance import IncidentFacts, evaluate
    >>> facts = Facts(incidents=(IncidentFacts("i1", "errors", "critical", 0),))
    >>> [(f.id, f.severity) for f in find_open(facts, evaluate(facts, 0), 0)]
    [('incident/i1', 'critical')]
    """
    known = load_catalogue().clocks if clocks is None else clocks
    found = [
        *_of_controls(facts, statuses),
        *_of_incidents(facts),
        *_of_reports(facts, now_ms, known),
        *_of_cards(facts, now_ms),
    ]
    return tuple(sorted(found, key=_rank))


def add_vulnerable(
    found: Iterable[OpenFinding], systems: Iterable[SystemFacts]
) -> tuple[OpenFinding, ...]:
    """Return findings with one more for each system that has open vulnerabilities.

    They are apart from `find_open`: not everybody who may see findings may see vulnerabilities.

    Examples
    --------
    >>> [f.why for f in add_vulnerable([], [SystemFacts("app", "high", 0, True)])]
    ['vulnerable_overdue']
    """
    more = [
        OpenFinding(
            f"vulnerability/{one.subject}", "vulnerability", one.subject, one.severity,
            "vulnerable_overdue" if one.is_overdue else "vulnerable", one.since_ms,
            evidence=tuple(f"vulnerability/{name}" for name in one.ids),
        )
        for one in systems
    ]  # fmt: skip
    return tuple(sorted([*found, *more], key=_rank))


def count_severities(found: Iterable[OpenFinding]) -> dict[str, int]:
    """Return how many findings have which severity.

    Examples
    --------
    >>> count_severities([])
    {'critical': 0, 'high': 0, 'medium': 0, 'low': 0}
    """
    rows = [one.severity for one in found]
    return {name: rows.count(name) for name in SEVERITIES}


def _rank(one: OpenFinding) -> tuple[int, bool, int, str]:
    return SEVERITIES.index(one.severity), one.since_ms is None, one.since_ms or 0, one.id


def _of_controls(facts: Facts, statuses: Sequence[ControlStatus]) -> Iterable[OpenFinding]:
    for status in statuses:
        severity = OF_CONTROL.get(status.reason)
        if severity is None:
            continue
        against = tuple(dict.fromkeys(name for c in status.checks for name in c.against))
        held = tuple(dict.fromkeys(name for c in status.checks for name in c.evidence))
        names = against or held
        yield OpenFinding(
            f"control/{status.control_id}", "control", status.control_id, severity, status.reason,
            status.stale_since_ms, _owners(facts, names), names,
        )  # fmt: skip


def _of_incidents(facts: Facts) -> Iterable[OpenFinding]:
    for i in facts.incidents:
        if i.resolved_at_ms is None:
            yield OpenFinding(
                f"incident/{i.incident_id}", "incident", i.incident_id,
                OF_INCIDENT.get(i.severity, "medium"), "open", i.opened_at_ms,
                _owners(facts, (f"model/{i.subject}",)), (f"incident/{i.incident_id}",),
            )  # fmt: skip


def _of_reports(facts: Facts, now_ms: int, clocks: Mapping[str, Clock]) -> Iterable[OpenFinding]:
    subjects = {i.incident_id: i.subject for i in facts.incidents}
    for duty in facts.duties:
        if not duty.clock or duty.reported_at_ms is not None:
            continue
        state = read_clock(clocks[duty.clock], duty.aware_at_ms, now_ms)
        if state.status == "late":
            owners = _owners(facts, (f"model/{subjects.get(duty.incident_id, '')}",))
            yield OpenFinding(
                f"report/{duty.incident_id}.{duty.regime}", "report", duty.incident_id, "critical",
                "late", state.deadline_ms, owners, (f"incident/{duty.incident_id}",),
            )  # fmt: skip


def _of_cards(facts: Facts, now_ms: int) -> Iterable[OpenFinding]:
    for model in deployed(facts, now_ms):
        if model.card in ("missing", "outdated", "overdue"):
            severity: Severity = "high" if model.risk_class == "high" else "medium"
            name = f"model/{model.model_id}"
            yield OpenFinding(
                f"model_card/{model.model_id}", "model_card", model.model_id, severity,
                f"card_{model.card}", model.card_due_ms if model.card == "overdue" else None,
                _owners(facts, (name,)), (name,),
            )  # fmt: skip


def _owners(facts: Facts, names: Iterable[str]) -> tuple[str, ...]:
    by_model = {f"model/{m.model_id}": m.owner for m in facts.models}
    return tuple(dict.fromkeys(by_model[name] for name in names if by_model.get(name)))
