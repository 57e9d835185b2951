"""Prediction drift: the same tests on what the model answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engines.drift.compare import DEFAULT, compare
from engines.drift.policy import Policy
from engines.drift.result import DriftReport
from engines.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd


def compare_predictions(
    reference: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | pd.DataFrame,
    current: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | pd.DataFrame,
    *,
    policy: Policy = DEFAULT,
    seed: int = 0,
) -> DriftReport:
    """Return whether scores or predicted classes changed.

    Parameters
    ----------
    reference, current : ndarray, mapping or DataFrame
        1-D scores or class labels (column ``prediction``), 2-D class probabilities (columns
        ``score[0]``, ``score[1]``, ...; the last of two is left out, it repeats the first), or
        named columns such as ``{"score": ..., "prediction": ...}``.
    policy, seed
        As for ``compare``.

    Notes
    -----
    H0: the answers come from one distribution. A change here can come from changed inputs, a
    changed model or changed preprocessing; it does not say that answers became worse.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> compare_predictions(rng.beta(2, 5, 2000), rng.beta(3, 5, 2000)).status
    'drift'
    """
    before, after = _named(reference), _named(current)
    return compare(before, after, joint=False, policy=policy, seed=seed)


def _named(
    answers: NDArray[np.generic] | Mapping[str, NDArray[np.generic]] | pd.DataFrame,
) -> Mapping[str, NDArray[np.generic]] | pd.DataFrame:
    if not isinstance(answers, np.ndarray):
        return answers
    if answers.ndim == 1:
        return {"prediction": answers}
    if answers.ndim != 2 or answers.shape[1] < 1:
        raise EngineError(f"answers need 1 or 2 dimensions, got shape {answers.shape}")
    width = 1 if answers.shape[1] == 2 else answers.shape[1]
    return {f"score[{index}]": answers[:, index] for index in range(width)}
