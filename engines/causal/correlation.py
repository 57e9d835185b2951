"""What moves together within one interval, without a direction."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

import numpy as np

from engines.causal.granger import benjamini_hochberg
from engines.causal.inputs import FloatArray

MAX_COLUMNS = 500
"""Above this many series the inverse covariance is not formed and no pair is reported."""
LEAST_SPREAD = 1e-9
"""A standardised series that moves less than this does not move: it has no correlation."""


def residual_correlations(
    residuals: FloatArray, linked: AbstractSet[frozenset[int]], q: float
) -> tuple[tuple[int, int, float, float], ...]:
    """Return (i, j, partial correlation, q value) of pairs that no directed edge joins.

    Parameters
    ----------
    residuals : array of shape (rows, n)
        Standardised residuals of the lagged regressions.
    linked : set of frozenset
        Pairs that already have an edge.
    q : float
        False-discovery rate over the n (n - 1) / 2 pairs.

    Returns
    -------
    tuple
        Sorted by (i, j), of series that move at all; empty where n exceeds half the rows or 500.

    Notes
    -----
    H0: zero partial correlation of Gaussian residuals given all other series; Fisher's z with
    ``rows - n - 1`` in place of the variance. The covariance is not shrunk, so n must stay below
    half the rows.

    References
    ----------
    Fisher (1924), *The distribution of the partial correlation coefficient*, Metron 3.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.standard_normal((400, 3))
    >>> x[:, 1] += x[:, 0]
    >>> [(i, j) for i, j, *_ in residual_correlations(x, set(), 0.05)]
    [(0, 1)]
    """
    from scipy.stats import norm

    moving = np.flatnonzero(residuals.std(axis=0) > LEAST_SPREAD)
    rows, n = residuals.shape[0], moving.size
    if n < 2 or n > min(MAX_COLUMNS, rows // 2):
        return ()
    precision = np.linalg.inv(np.corrcoef(residuals[:, moving], rowvar=False) + 1e-9 * np.eye(n))
    scale = np.sqrt(np.diag(precision))
    i, j = np.triu_indices(n, 1)
    partial = np.clip(-(precision / np.outer(scale, scale))[i, j], -0.999999, 0.999999)
    z = np.arctanh(partial) * np.sqrt(rows - n - 1)
    adjusted = benjamini_hochberg(2 * norm.sf(np.abs(z)), i.size)
    i, j = moving[i], moving[j]
    return tuple(
        (int(i[k]), int(j[k]), float(partial[k]), float(adjusted[k]))
        for k in np.flatnonzero(adjusted < q)
        if frozenset((int(i[k]), int(j[k]))) not in linked
    )
