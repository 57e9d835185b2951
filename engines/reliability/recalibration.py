"""Slope and intercept of the logistic curve that would set the scores right."""

from __future__ import annotations

import numpy as np

from engines.errors import InsufficientData
from engines.reliability.calibration_error import Floats
from engines.reliability.result import Recalibration
from engines.result import Interval
from engines.sentence import say

CLIP = 1e-6
"""Scores of exactly 0 and 1 have no logit; they count as one in a million."""


def recalibrate(scores: Floats, labels: Floats, level: float = 0.9) -> Recalibration:
    """Return the logistic recalibration of `scores`.

    Parameters
    ----------
    scores, labels : array of float, shape (n,)
        Probabilities 0 to 1, and 0 or 1 with both present.
    level : float
        Confidence level of the intervals, in (0, 1).

    Returns
    -------
    Recalibration

    Raises
    ------
    InsufficientData
        When the scores are all equal or part the labels perfectly: no finite curve fits.

    Notes
    -----
    Maximum likelihood by Newton steps, Wald intervals. It sees errors that a logistic curve can
    describe and no others: slope 1 and intercept 0 do not prove calibration.

    Examples
    --------
    >>> p = np.random.default_rng(0).uniform(0.01, 0.99, 4000)
    >>> y = (np.random.default_rng(1).uniform(size=4000) < p).astype(float)
    >>> found = recalibrate(p, y)
    >>> found.slope_interval.low < 1 < found.slope_interval.high
    True

    References
    ----------
    Cox (1958), Two further applications of a model for binary regression, Biometrika 45.
    Van Calster et al. (2019), Calibration: the Achilles heel of predictive analytics, BMC
    Medicine 17, doi:10.1186/s12916-019-1466-7.
    """
    from scipy.special import ndtri

    clipped = np.clip(scores, CLIP, 1 - CLIP)
    logits = np.log(clipped / (1 - clipped))
    if float(np.ptp(logits)) == 0.0:
        raise InsufficientData(
            say(
                "reasons.slope_needs_scores", "a slope needs at least two different scores, got one"
            )
        )
    z = float(ndtri(0.5 + level / 2))
    both, errors = _newton(np.column_stack([np.ones(logits.size), logits]), labels, None)
    alone, error = _newton(np.ones((logits.size, 1)), labels, logits)

    def around(value: float, deviation: float) -> Interval:
        return Interval(value - z * deviation, value + z * deviation, level)

    return Recalibration(
        slope=both[1],
        slope_interval=around(both[1], errors[1]),
        intercept=both[0],
        intercept_interval=around(both[0], errors[0]),
        in_the_large=alone[0],
        in_the_large_interval=around(alone[0], error[0]),
    )


def _newton(
    design: Floats, labels: Floats, offset: Floats | None
) -> tuple[list[float], list[float]]:
    """Return coefficients and standard errors of a logistic regression."""
    from scipy.special import expit

    beta = np.zeros(design.shape[1])
    base = np.zeros(labels.size) if offset is None else offset
    for _ in range(50):
        fitted = expit(base + design @ beta)
        information = (design * (fitted * (1 - fitted))[:, None]).T @ design
        try:
            covariance = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            break
        step = covariance @ (design.T @ (labels - fitted))
        # Far from the optimum a full step can overshoot into saturation.
        beta = beta + np.clip(step, -2.0, 2.0)
        if float(np.abs(step).max()) < 1e-9:
            return beta.tolist(), np.sqrt(np.diag(covariance)).tolist()
    raise InsufficientData(
        say(
            "reasons.perfect_parting",
            "the scores part the labels perfectly, so no finite slope fits",
        )
    )
