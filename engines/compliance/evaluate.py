"""The status of every control, derived from facts each time it is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engines.compliance.catalogue import DAY_MS, Catalogue, CheckSpec, Control, load_catalogue
from engines.compliance.result import Check, ControlStatus, Coverage, Facts, Status
from engines.compliance.rules import RULES, deployed

STATUSES: tuple[Status, ...] = (
    "gap", "stale", "partial", "attested", "pass", "not_applicable",
)  # fmt: skip


def evaluate(
    facts: Facts, now_ms: int, *, catalogue: Catalogue | None = None
) -> tuple[ControlStatus, ...]:
    """Return the status of every control in the catalogue's order.

    Parameters
    ----------
    facts : Facts
        What the hub has: models, incidents, analyses, attestations, settings.
    now_ms : int
        The time to judge at, epoch milliseconds.
    catalogue : Catalogue, optional
        The shipped one when not given.

    Returns
    -------
    tuple of ControlStatus
        ``pass`` only where every check holds and no evidence is older than the control allows.

    Notes
    -----
    In this order: a control with nothing to apply to is ``not_applicable``; one check that fails,
    or no check with evidence, is ``gap``; evidence older than the control's limit is ``stale``;
    some checks without evidence is ``partial``; only signed statements is ``attested``; the rest
    is ``pass``. Absence is never met: without a model every computed check is ``unknown``.
    Whether something applies is itself evidence: "no high-risk model" holds only when every model
    has a risk class.

    Examples
    --------
    >>> {found.status for found in evaluate(Facts(), 0)}
    {'gap'}
    """
    catalogue = catalogue or load_catalogue()
    return tuple(_status(control, facts, now_ms, catalogue) for control in catalogue.controls)


def cover(statuses: Sequence[ControlStatus], *, framework: str = "") -> Coverage:
    """Return how many controls have which status, of one framework or of all.

    Examples
    --------
    >>> cover(evaluate(Facts(), 0)).share
    0.0
    """
    mine = [s for s in statuses if not framework or s.framework == framework]
    counts: dict[str, int] = {name: sum(s.status == name for s in mine) for name in STATUSES}
    applicable = len(mine) - counts["not_applicable"]
    share = counts["pass"] / applicable if applicable else None
    return Coverage(framework, len(mine), counts, share)


def _status(control: Control, facts: Facts, now_ms: int, catalogue: Catalogue) -> ControlStatus:
    checks = tuple(_check(spec, control, facts, now_ms, catalogue) for spec in control.checks)

    def said(status: Status, reason: str, since_ms: int | None = None) -> ControlStatus:
        return ControlStatus(
            control.id, control.framework, status, reason, now_ms, catalogue.version, checks,
            since_ms,
        )  # fmt: skip

    if beside := _does_not_apply(control, facts, now_ms):
        return said("not_applicable", beside)
    held = [check for check in checks if check.outcome == "holds"]
    if any(check.outcome == "fails" for check in checks):
        return said("gap", "contradicted")
    if not held:
        return said("gap", "no_evidence" if facts.models else "no_models")
    limit_ms = control.max_age_days * DAY_MS
    oldest = min((c.observed_at_ms for c in held if c.observed_at_ms is not None), default=None)
    if oldest is not None and now_ms - oldest > limit_ms:
        return said("stale", "too_old", oldest + limit_ms)
    if len(held) < len(checks):
        return said("partial", "incomplete")
    if all(check.rule == "attested" for check in held):
        return said("attested", "attested")
    return said("pass", "met")


def _does_not_apply(control: Control, facts: Facts, now_ms: int) -> str:
    """Return why a control applies to nothing here, or an empty text when it may apply."""
    models = deployed(facts, now_ms)
    if not models or control.applies == "all":
        return ""
    if control.applies == "high_risk":
        classified = all(m.risk_class for m in models)
        return "no_high_risk" if classified and all(m.risk_class != "high" for m in models) else ""
    if control.applies == "generative":
        return "" if any(m.is_generative for m in models) else "no_generative"
    regime = "gdpr" if control.applies == "breach" else "ai_act"
    judged = {d.incident_id for d in facts.duties if d.regime == regime}
    running = any(d.regime == regime and d.clock for d in facts.duties)
    critical = [i for i in facts.incidents if i.severity == "critical"]
    settled = bool(critical) and all(i.incident_id in judged for i in critical)
    return "no_serious_incident" if settled and not running else ""


def _check(
    spec: CheckSpec, control: Control, facts: Facts, now_ms: int, catalogue: Catalogue
) -> Check:
    if spec.rule == "attested":
        return _attested(control, facts)
    if spec.rule == "unobserved" or not facts.models:
        return Check(spec.rule, "unknown", about=spec.about)
    return RULES[spec.rule](_narrowed(control, facts), now_ms, catalogue.clocks)


def _narrowed(control: Control, facts: Facts) -> Facts:
    """Leave out the models that a control is surely not about; an unknown risk class stays in."""
    if control.applies == "high_risk":
        return replace(facts, models=tuple(m for m in facts.models if m.risk_class in ("", "high")))
    if control.applies == "generative":
        return replace(facts, models=tuple(m for m in facts.models if m.is_generative))
    return facts


def _attested(control: Control, facts: Facts) -> Check:
    mine = [a for a in facts.attestations if a.control_id == control.id]
    if not mine:
        return Check("attested", "unknown")
    newest = max(mine, key=lambda a: a.signed_at_ms)
    found = (f"attestation/{newest.attestation_id}",)
    return Check("attested", "holds", observed_at_ms=newest.signed_at_ms, evidence=found)
