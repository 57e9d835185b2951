"""What users got: rates and means with intervals, and how one version does against another."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from engines.business.result import Estimate, Floats, Lift
from engines.errors import EngineError, InsufficientData
from engines.result import Interval
from engines.sentence import say

MIN_TRIALS = 20
MIN_SCORES = 5


def estimate_rate(successes: float, trials: float, *, level: float = 0.95) -> Estimate:
    """Return a success rate with Wilson's interval.

    Parameters
    ----------
    successes, trials : float
        Counts; 0 <= successes <= trials.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    Estimate
        `value` is the plain share.

    Raises
    ------
    InsufficientData
        Under 20 trials.
    EngineError
        When there are more successes than trials.

    Examples
    --------
    >>> found = estimate_rate(30, 100)
    >>> round(found.interval.low, 4), round(found.interval.high, 4)
    (0.2189, 0.3958)

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference.
    Journal of the American Statistical Association 22.
    """
    if not 0 <= successes <= trials:
        raise EngineError(f"{successes:g} successes of {trials:g} trials is no rate")
    if trials < MIN_TRIALS:
        reason = say(
            "reasons.rate_needs_trials",
            "a rate needs {needed, number} trials, got {got, number}",
            needed=MIN_TRIALS,
            got=int(trials),
        )
        raise InsufficientData(reason, needed=MIN_TRIALS, got=int(trials))
    z = _normal_quantile(level)
    p = successes / trials
    middle = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2)) / (1 + z * z / trials)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return Estimate(p, Interval(low, high, level), int(trials))


def estimate_mean(scores: Floats, *, level: float = 0.95) -> Estimate:
    """Return a mean with Student's t interval.

    Parameters
    ----------
    scores : Floats
        One number per answer; NaN is left out.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    Estimate
        For scores of a scale the interval may pass its ends when scores are few.

    Raises
    ------
    InsufficientData
        Under 5 scores.

    Examples
    --------
    >>> import numpy as np
    >>> round(estimate_mean(np.array([4.0, 5, 3, 4, 4, 5])).interval.low, 2)
    3.38

    References
    ----------
    Student (1908). The probable error of a mean. Biometrika 6.
    """
    from scipy.special import stdtrit

    known = np.asarray(scores, dtype=np.float64)
    known = known[np.isfinite(known)]
    n = len(known)
    if n < MIN_SCORES:
        raise InsufficientData(
            say(
                "reasons.mean_needs_scores",
                "a mean needs {needed, number} scores, got {got, number}",
                needed=MIN_SCORES,
                got=n,
            ),
            needed=MIN_SCORES,
            got=n,
        )
    mean = float(known.mean())
    half = float(stdtrit(n - 1, (1 + level) / 2)) * float(known.std(ddof=1)) / math.sqrt(n)
    return Estimate(mean, Interval(mean - half, mean + half, level), n)


def compare_rates(new: Estimate, old: Estimate) -> Lift:
    """Return how much higher one rate is than another.

    Parameters
    ----------
    new, old : Estimate
        Rates with Wilson intervals of one level, from `estimate_rate`.

    Returns
    -------
    Lift
        Newcombe's hybrid score interval (method 10) of the difference.

    Notes
    -----
    low = d − √((p1 − l1)² + (u2 − p2)²), high = d + √((u1 − p1)² + (p2 − l2)²). Versions were
    not assigned at random: users, hours and other changes differ too, so a lift is a hint and
    no proof. Several versions against one old one are not corrected for.

    Examples
    --------
    >>> new, old = estimate_rate(56, 70), estimate_rate(48, 80)
    >>> lift = compare_rates(new, old)
    >>> round(lift.interval.low, 4), round(lift.interval.high, 4), lift.verdict
    (0.0524, 0.3339, 'higher')

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent
    proportions. Statistics in Medicine 17.
    """
    difference = new.value - old.value
    below = math.hypot(new.value - new.interval.low, old.interval.high - old.value)
    above = math.hypot(new.interval.high - new.value, old.value - old.interval.low)
    return _lift(difference, difference - below, difference + above, new, old)


def compare_means(new: Floats, old: Floats, *, level: float = 0.95) -> Lift:
    """Return how much higher one mean is than another.

    Parameters
    ----------
    new, old : Floats
        Scores of both sides; NaN is left out.
    level : float
        Confidence, 0 to 1.

    Returns
    -------
    Lift
        Welch's interval: the sides need not have one variance.

    Raises
    ------
    InsufficientData
        Under 5 scores on a side.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.array([4.0, 5, 4, 5, 4]), np.array([2.0, 3, 2, 3, 2])
    >>> compare_means(a, b).verdict
    'higher'

    References
    ----------
    Welch, B. L. (1947). The generalization of Student's problem when several different
    population variances are involved. Biometrika 34.
    """
    from scipy.special import stdtrit

    first, second = estimate_mean(new, level=level), estimate_mean(old, level=level)
    parts = [float(np.nanvar(side, ddof=1)) / e.n for side, e in ((new, first), (old, second))]
    difference = first.value - second.value
    error = sum(parts)
    if error == 0:
        return _lift(difference, difference, difference, first, second)
    degrees = error**2 / sum(p**2 / (e.n - 1) for p, e in zip(parts, (first, second), strict=True))
    half = float(stdtrit(degrees, (1 + level) / 2)) * math.sqrt(error)
    return _lift(difference, difference - half, difference + half, first, second)


def _lift(difference: float, low: float, high: float, new: Estimate, old: Estimate) -> Lift:
    verdict: Literal["higher", "lower", "undecided"] = "undecided"
    if low > 0:
        verdict = "higher"
    elif high < 0:
        verdict = "lower"
    relative = difference / old.value if old.value else None
    return Lift(difference, Interval(low, high, new.interval.level), relative, verdict)


def _normal_quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri((1 + level) / 2))
