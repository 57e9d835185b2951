"""Service-level objectives: error budgets, burn-rate alerts, calendar and rolling periods.

>>> budget = error_budget(998_000, 1_000_000, 0.999)
>>> budget.burn_rate, budget.remaining, budget.state
(2.0, -1.0, 'exhausted')
"""

from engines.slo.alerts import judge_alerts
from engines.slo.budget import error_budget, time_to_exhaustion
from engines.slo.counters import increase
from engines.slo.periods import calendar_window, without
from engines.slo.plan import allowed_downtime, burn_rate, plan_alerts, scaled_window, time_to_detect
from engines.slo.result import AlertRule, AlertState, Budget, BudgetState, Counts, RuleState

__all__ = [
    "AlertRule",
    "AlertState",
    "Budget",
    "BudgetState",
    "Counts",
    "RuleState",
    "allowed_downtime",
    "burn_rate",
    "calendar_window",
    "error_budget",
    "increase",
    "judge_alerts",
    "plan_alerts",
    "scaled_window",
    "time_to_detect",
    "time_to_exhaustion",
    "without",
]
