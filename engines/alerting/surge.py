"""How sure single requests, one after the other, make it that something rare took over."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engines.errors import EngineError, InsufficientData
from engines.sentence import say

SHARE = 0.9
"""Share of the rows that show it when something took over: what the evidence bets on."""


def surge_evidence(
    shows: Sequence[bool], usual_count: float, usual_rows: float, *, share: float = SHARE
) -> tuple[float, int]:
    """Return the logarithm of the evidence of the newest rows, and how many of them it rests on.

    Parameters
    ----------
    shows : sequence of bool
        Whether each row shows it, oldest first.
    usual_count, usual_rows : float
        How many rows of the past did, and rows of the past; `usual_rows` above 0.
    share : float
        In (0, 1): the share bet on.

    Returns
    -------
    tuple of float and int
        Evidence, 0 or more, higher is surer; rows since it began to rise.

    Raises
    ------
    EngineError
        When a count is above its rows, or `share` is not in (0, 1).
    InsufficientData
        Without past rows.

    Notes
    -----
    H0: each row shows it independently with at most the past's share
    ``p = (usual_count + 1) / (usual_rows + 2)`` (Laplace). Each row multiplies the evidence by its
    likelihood ratio, ``share / p`` or ``(1 - share) / (1 - p)``, and evidence below 1 starts anew
    (Page 1954). Under H0 an alarm at ``log(a)`` comes on average after `a` rows or more, however
    often anybody looks (Lorden 1971): unlike a p value it needs no correction for looks. Rows that
    come in bursts break independence: ask for rows that lie apart. Nothing rises when the past's
    share is `share` or more.

    References
    ----------
    Page (1954), Continuous inspection schemes, Biometrika 41(1/2), 100-115, doi:10.2307/2333009.
    Lorden (1971), Procedures for reacting to a change in distribution, Ann. Math. Stat. 42(6),
    doi:10.1214/aoms/1177693055. Shin, Ramdas, Rinaldo (2024), E-detectors, NEJSDS 2(2),
    doi:10.51387/23-NEJSDS51.

    Examples
    --------
    >>> evidence, rows = surge_evidence([False, False, True, True, True], 9, 998)
    >>> round(evidence, 2), rows  # 3 log(0.9 / 0.01)
    (13.5, 3)
    """
    if usual_rows <= 0:
        raise InsufficientData(say("reasons.share_needs_past", "a share needs rows of the past"))
    if not 0 <= usual_count <= usual_rows or not 0 < share < 1:
        raise EngineError(f"got {usual_count} of {usual_rows} past rows and a share of {share}")
    usual = (usual_count + 1.0) / (usual_rows + 2.0)
    if usual >= share:
        return 0.0, 0
    up, down = math.log(share / usual), math.log((1.0 - share) / (1.0 - usual))
    evidence, rows = 0.0, 0
    for one in shows:
        evidence += up if one else down
        rows += 1
        if evidence <= 0.0:
            evidence, rows = 0.0, 0
    return evidence, rows
