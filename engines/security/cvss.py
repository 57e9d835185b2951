"""CVSS v3 base scores from their vectors, and the words that a score stands for."""

from __future__ import annotations

import math
from typing import Literal

from engines.errors import EngineError

Grade = Literal["critical", "high", "medium", "low", "unknown"]
GRADES: tuple[Grade, ...] = ("critical", "high", "medium", "low", "unknown")

_METRICS: dict[str, dict[str, float]] = {
    "AV": {"N": 0.85, "A": 0.62, "L": 0.55, "P": 0.2},
    "AC": {"L": 0.77, "H": 0.44},
    "UI": {"N": 0.85, "R": 0.62},
    "C": {"H": 0.56, "L": 0.22, "N": 0.0},
    "I": {"H": 0.56, "L": 0.22, "N": 0.0},
    "A": {"H": 0.56, "L": 0.22, "N": 0.0},
}
_PRIVILEGES = {
    "U": {"N": 0.85, "L": 0.62, "H": 0.27},
    "C": {"N": 0.85, "L": 0.68, "H": 0.5},
}
_BANDS: tuple[tuple[float, Grade], ...] = ((9.0, "critical"), (7.0, "high"), (4.0, "medium"))


def grade_score(score: float) -> Grade:
    """Return the word for a CVSS v3 or v4 score.

    Parameters
    ----------
    score : float
        In 0 to 10.

    Returns
    -------
    str
        ``critical`` from 9.0, ``high`` from 7.0, ``medium`` from 4.0, else ``low``.

    Raises
    ------
    EngineError
        When the score is outside 0 to 10.

    Notes
    -----
    The scale calls 0.0 "none"; a finding that a scanner reports all the same counts as ``low``.

    Examples
    --------
    >>> grade_score(8.9), grade_score(9.0)
    ('high', 'critical')

    References
    ----------
    FIRST (2019), Common Vulnerability Scoring System v3.1: Specification Document, section 5.
    """
    if not 0.0 <= score <= 10.0:
        raise EngineError(f"a CVSS score is 0 to 10, got {score}")
    return next((grade for least, grade in _BANDS if score >= least), "low")


def score_vector(vector: str) -> float:
    """Return the base score of a CVSS v3.0 or v3.1 vector.

    Parameters
    ----------
    vector : str
        E.g. ``CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H``; metrics of the other groups are
        allowed and do not change the base score.

    Returns
    -------
    float
        In 0 to 10 with one decimal, higher is worse.

    Raises
    ------
    EngineError
        When the vector is of another version, or a base metric is missing or unknown.

    Examples
    --------
    >>> score_vector("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H")
    9.8

    References
    ----------
    FIRST (2019), Common Vulnerability Scoring System v3.1: Specification Document, sections 7 and
    appendix A (the rounding up that does not depend on floating point).
    """
    head, *pairs = vector.strip().split("/")
    if head not in ("CVSS:3.0", "CVSS:3.1"):
        raise EngineError(f"not a CVSS v3 vector: {vector[:20]!r}")
    given = dict(pair.partition(":")[::2] for pair in pairs)
    try:
        is_changed = {"U": False, "C": True}[given["S"]]
        value = {name: options[given[name]] for name, options in _METRICS.items()}
        privileges = _PRIVILEGES[given["S"]][given["PR"]]
    except KeyError as error:
        raise EngineError(f"the CVSS vector lacks or does not know {error}") from error
    miss = (1 - value["C"]) * (1 - value["I"]) * (1 - value["A"])
    base = 1 - miss
    impact = 7.52 * (base - 0.029) - 3.25 * (base - 0.02) ** 15 if is_changed else 6.42 * base
    if impact <= 0:
        return 0.0
    ease = 8.22 * value["AV"] * value["AC"] * privileges * value["UI"]
    return _round_up(min((1.08 if is_changed else 1.0) * (impact + ease), 10.0))


def _round_up(score: float) -> float:
    whole = round(score * 100_000)
    if whole % 10_000 == 0:
        return whole / 100_000
    return (math.floor(whole / 10_000) + 1) / 10
