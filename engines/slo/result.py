"""What the arithmetic of objectives returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BudgetState = Literal["ok", "at_limit", "exhausted", "no_data", "data_error"]
RuleState = Literal["quiet", "firing", "too_little_data", "no_data"]
Severity = Literal["page", "ticket"]


@dataclass(frozen=True, slots=True)
class Counts:
    """Good and all events (or slices of time) of one window.

    Attributes
    ----------
    good, total : float
        0 or more; an event without verdict belongs to neither.
    """

    good: float
    total: float

    @property
    def bad(self) -> float:
        """Events that were not good."""
        return self.total - self.good

    @property
    def error_ratio(self) -> float | None:
        """Share of bad events, 0 to 1; None without events."""
        return self.bad / self.total if self.total > 0 else None


@dataclass(frozen=True, slots=True)
class Budget:
    """An error budget over one period.

    Attributes
    ----------
    target : float
        Share of good events that is promised, in (0, 1).
    good, total, bad : float
        Events of the period.
    sli : float or None
        good / total; None without events.
    allowed_bad : float
        (1 - target) total.
    burn_rate : float
        bad / allowed_bad: 1 uses the budget up exactly at the end of the period.
    remaining : float
        1 - burn_rate: 1 is untouched, 0 used up, below 0 overspent.
    state : str
        ``no_data`` is never shown as 100 %; ``data_error`` when more was good than there was.
    """

    target: float
    good: float
    total: float
    bad: float
    sli: float | None
    allowed_bad: float
    burn_rate: float
    remaining: float
    state: BudgetState


@dataclass(frozen=True, slots=True)
class AlertRule:
    """One line of a multi-window burn-rate plan.

    Attributes
    ----------
    name : str
        ``page_quick``, ``page_slow``, ``ticket_quick`` or ``ticket_slow``.
    severity : str
        ``page`` wakes somebody, ``ticket`` waits for the morning.
    short_s, long_s : int
        Both windows must burn faster than `factor`; the short one ends the alert soon after the
        trouble.
    factor : float
        Burn rate above which the rule fires (strictly).
    planned_factor : float
        Factor by the plan's share of the budget, before the cap.
    threshold : float
        Error ratio above which it fires: factor (1 - target).
    is_reachable : bool
        Whether the planned factor could fire at all: planned_factor (1 - target) < 1.
    budget_share : float
        Share of the budget that is gone when the long window fires at `factor`.
    """

    name: str
    severity: Severity
    short_s: int
    long_s: int
    factor: float
    planned_factor: float
    threshold: float
    is_reachable: bool
    budget_share: float


@dataclass(frozen=True, slots=True)
class AlertState:
    """One rule against the counts of its windows.

    Attributes
    ----------
    rule : AlertRule
    state : str
        ``too_little_data``: the ratios are above the threshold, but so few events were bad that
        chance explains them.
    short_burn, long_burn : float or None
        Burn rates of the two windows; None without events.
    p_value : float or None
        Chance of this many bad events in the long window were the objective just met.
    """

    rule: AlertRule
    state: RuleState
    short_burn: float | None
    long_burn: float | None
    p_value: float | None
