"""What the compliance rules take and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.compliance.cards import CardStatus

Outcome = Literal["holds", "fails", "unknown"]
Status = Literal["pass", "partial", "stale", "gap", "attested", "not_applicable"]
ClockStatus = Literal["running", "warning", "late", "met", "met_late"]


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """One model as the registry, telemetry and stored analyses show it.

    Attributes
    ----------
    model_id : str
        Its id.
    is_registered : bool
        Whether somebody said what it is.
    owner, purpose, risk_class : str
        As registered; empty where not said.
    is_generative : bool
        Whether it writes text.
    has_objective : bool
        Whether a latency objective is registered.
    last_seen_ms : int or None
        Time of its last inference.
    drift_at_ms, quality_at_ms, grounding_at_ms : int or None
        Time of the newest stored analysis that came to a result.
    rows, traceable_rows : int
        Newest inferences looked at, and those with version, input and output.
    requests, requests_with_energy : int
        Requests of the last 30 days, and those whose energy is measured or modelled.
    card : str
        Where its model card stands: ``missing``, ``current``, ``due``, ``outdated``, ``overdue``.
    card_due_ms : int or None
        When the card's next review is due.
    """

    model_id: str
    is_registered: bool = False
    owner: str = ""
    purpose: str = ""
    risk_class: str = ""
    is_generative: bool = False
    has_objective: bool = False
    last_seen_ms: int | None = None
    drift_at_ms: int | None = None
    quality_at_ms: int | None = None
    grounding_at_ms: int | None = None
    rows: int = 0
    traceable_rows: int = 0
    requests: int = 0
    requests_with_energy: int = 0
    card: CardStatus = "missing"
    card_due_ms: int | None = None


@dataclass(frozen=True, slots=True)
class IncidentFacts:
    """One incident; times are epoch milliseconds, None where it did not happen.

    `subject` is the model or service that it is about.
    """

    incident_id: str
    rule: str
    severity: str
    opened_at_ms: int
    acknowledged_at_ms: int | None = None
    resolved_at_ms: int | None = None
    has_cause: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class DutyFacts:
    """What a person decided about an incident: which clock runs, since when, reported when.

    `clock` is empty where the decision was that no clock runs.
    """

    incident_id: str
    regime: str
    clock: str
    aware_at_ms: int
    reported_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class AttestationFacts:
    """A signed statement that a person made on a control."""

    attestation_id: str
    control_id: str
    signed_at_ms: int


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """One request of a data subject: what was asked, and how far its time to answer has run."""

    request_id: str
    kind: str
    status: ClockStatus
    completed_at_ms: int | None = None


@dataclass(frozen=True, slots=True)
class ChainFacts:
    """What the audit chain shows of itself.

    Attributes
    ----------
    size : int
        Entries.
    began_ms : int or None
        Time of the first entry.
    verified, verified_at_ms : int, int or None
        Entries that the newest check of the whole chain read, and when; None where none ran.
    is_whole : bool
        Whether that check found nothing wrong.
    cosigned, cosigned_at_ms : int, int or None
        Entries of the newest checkpoint that a witness cosigned, and when; None where none did.
    is_refused : bool
        Whether the witness refused to go on from what it remembers.
    """

    size: int = 0
    began_ms: int | None = None
    verified: int = 0
    verified_at_ms: int | None = None
    is_whole: bool = False
    cosigned: int = 0
    cosigned_at_ms: int | None = None
    is_refused: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything the rules may look at; what is not in it does not exist for them.

    Attributes
    ----------
    retention_days : int
        Days that telemetry is kept.
    access_controlled : bool
        Whether the hub asks every caller for a credential.
    longest_silence_ms : int or None
        Longest time in the last 30 days in which no inference arrived; None where nothing did.
    chain : ChainFacts
        What the audit chain shows of itself.
    running_since_ms : int or None
        When the hub first wrote a model down; None where it never did.
    """

    models: tuple[ModelFacts, ...] = ()
    incidents: tuple[IncidentFacts, ...] = ()
    duties: tuple[DutyFacts, ...] = ()
    attestations: tuple[AttestationFacts, ...] = ()
    requests: tuple[RequestFacts, ...] = ()
    retention_days: int = 0
    access_controlled: bool = False
    longest_silence_ms: int | None = None
    chain: ChainFacts = ChainFacts()
    running_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """What one rule found.

    Attributes
    ----------
    rule : str
        Name of the rule, or ``attested`` or ``unobserved``.
    outcome : {"holds", "fails", "unknown"}
        ``unknown`` when there is nothing to look at: never taken as met.
    met, total : int or None
        How many of how many, where the rule counts.
    observed_at_ms : int or None
        Age of the evidence: the oldest of the newest observations it rests on.
    evidence : tuple of str
        Ids of what speaks for it.
    against : tuple of str
        Ids of what speaks against it, or lacks what is asked.
    about : str
        For ``unobserved``: what the hub does not observe.
    """

    rule: str
    outcome: Outcome
    met: int | None = None
    total: int | None = None
    observed_at_ms: int | None = None
    evidence: tuple[str, ...] = ()
    against: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True)
class ControlStatus:
    """The status of one control, with the checks it follows from.

    `stale_since_ms` is when the evidence became too old; `reason` is a short code:
    ``no_models``, ``contradicted``, ``no_evidence``, ``too_old``, ``incomplete``, ``attested``,
    ``met``, ``no_high_risk``, ``no_generative`` or ``no_serious_incident``.
    """

    control_id: str
    framework: str
    status: Status
    reason: str
    evaluated_at_ms: int
    rule_version: str
    checks: tuple[Check, ...]
    stale_since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many controls have which status; `share` is passing over applicable ones.

    Attested controls are counted apart: a person's word is not a measurement. `share` is None
    where nothing applies.
    """

    framework: str
    total: int
    counts: dict[str, int]
    share: float | None


@dataclass(frozen=True, slots=True)
class ClockState:
    """How far a reporting clock has run; `used` is the share of the time allowed (1 is due)."""

    clock: str
    aware_at_ms: int
    deadline_ms: int
    reported_at_ms: int | None
    used: float
    status: ClockStatus
