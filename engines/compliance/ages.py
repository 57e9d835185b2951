"""How old the evidence of a control is, against what the control allows, and of all together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engines.compliance.catalogue import DAY_MS, Control
from engines.compliance.result import ControlStatus

HOUR_MS = 3_600_000
BANDS_MS = (HOUR_MS, DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 90 * DAY_MS, 365 * DAY_MS)
"""Upper edges, not included: the limits that controls have (a day to a year), and one hour."""


@dataclass(frozen=True, slots=True)
class EvidenceAge:
    """The age of what a control rests on.

    Attributes
    ----------
    control_id : str
        Its id.
    age_ms : int or None
        Age of the oldest observation among its checks, at least 0; None where nothing was
        observed.
    allowed_ms : int
        How old evidence of this control may be.
    """

    control_id: str
    age_ms: int | None
    allowed_ms: int

    @property
    def used(self) -> float | None:
        """Share of the allowed age that is used; above 1 is too old."""
        return None if self.age_ms is None else self.age_ms / self.allowed_ms


@dataclass(frozen=True, slots=True)
class AgeBand:
    """Controls whose evidence is younger than `below_ms` and not in a band before.

    `below_ms` is None for the last band. `in_date` and `too_old` count controls.
    """

    below_ms: int | None
    in_date: int
    too_old: int


def evidence_age(control: Control, status: ControlStatus) -> EvidenceAge:
    """Return how old the evidence of a control was when its status was derived.

    Parameters
    ----------
    control : Control
        Says how old evidence may be, in days.
    status : ControlStatus
        Its checks say when each was observed. What was observed against the control counts too:
        the status rests on it.

    Returns
    -------
    EvidenceAge
        A higher age is worse.

    Examples
    --------
    >>> from engines.compliance import Facts, evaluate, load_catalogue
    >>> first = load_catalogue().controls[0]
    >>> evidence_age(first, evaluate(Facts(), 0)[0]).age_ms is None
    True
    """
    seen = [c.observed_at_ms for c in status.checks if c.observed_at_ms is not None]
    age = max(0, status.evaluated_at_ms - min(seen)) if seen else None
    return EvidenceAge(control.id, age, control.max_age_days * DAY_MS)


def spread_ages(ages: Sequence[EvidenceAge]) -> tuple[AgeBand, ...]:
    """Return how many controls have evidence of which age; those without any are in no band.

    Examples
    --------
    >>> old = EvidenceAge("a", 8 * DAY_MS, 7 * DAY_MS)
    >>> [(b.in_date, b.too_old) for b in spread_ages([old])][3]
    (0, 1)
    """
    edges = (*BANDS_MS, None)
    counts = [[0, 0] for _ in edges]
    for one in ages:
        if one.age_ms is None:
            continue
        place = sum(one.age_ms >= edge for edge in BANDS_MS)
        counts[place][one.age_ms > one.allowed_ms] += 1
    return tuple(AgeBand(edge, *pair) for edge, pair in zip(edges, counts, strict=True))
