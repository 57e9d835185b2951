"""Which burn-rate rules fire: both windows, strictly above, and not by the chance of few events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from engines.slo.result import AlertRule, AlertState, Counts, RuleState

ALPHA = 0.01
LEAST_BAD = 3


def judge_alerts(
    rules: Sequence[AlertRule],
    count: Callable[[int], Counts],
    target: float,
    *,
    alpha: float = ALPHA,
    least_bad: float = LEAST_BAD,
) -> tuple[AlertState, ...]:
    """Return the state of every rule.

    Parameters
    ----------
    rules : sequence of AlertRule
    count : callable
        Seconds -> counts of the window of that length up to now. Ratios are ratios of sums: an
        hour with ten bad requests weighs ten requests, not an hour.
    target : float
        In (0, 1).
    alpha : float
        A rule fires only when chance explains the bad events of its long window less often.
    least_bad : float
        Bad events the long window needs.

    Returns
    -------
    tuple of AlertState

    Notes
    -----
    H0 of a rule: events fail independently with probability 1 - target. p is the upper tail of the
    binomial distribution at the bad events of the long window. One failure an hour of five
    requests is an error ratio of 20 % and proves nothing; plans without this guard page for it.
    Failures in bursts are not independent, so that p is too small for them: `least_bad` stays.

    Examples
    --------
    >>> from engines.slo.plan import plan_alerts
    >>> rules = plan_alerts(0.999, 30 * 86_400)
    >>> one_of_five = judge_alerts(rules, lambda s: Counts(4, 5), 0.999)
    >>> {state.state for state in one_of_five}
    {'too_little_data'}
    >>> judge_alerts(rules, lambda s: Counts(950, 1_000), 0.999)[0].state
    'firing'
    """
    return tuple(_judge(rule, count, target, alpha, least_bad) for rule in rules)


def _judge(
    rule: AlertRule,
    count: Callable[[int], Counts],
    target: float,
    alpha: float,
    least_bad: float,
) -> AlertState:
    from scipy.stats import binom

    short, long = count(rule.short_s), count(rule.long_s)
    allowed = 1.0 - target
    if long.error_ratio is None:
        return AlertState(rule, "no_data", None, None, None)
    p_value = float(binom.sf(long.bad - 1, long.total, allowed)) if long.bad > 0 else 1.0
    is_over = (
        short.error_ratio is not None
        and short.error_ratio > rule.threshold
        and long.error_ratio > rule.threshold
    )
    state: RuleState = "quiet"
    if is_over:
        state = "firing" if long.bad >= least_bad and p_value < alpha else "too_little_data"
    short_burn = None if short.error_ratio is None else short.error_ratio / allowed
    return AlertState(rule, state, short_burn, long.error_ratio / allowed, p_value)
