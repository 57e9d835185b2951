"""What goes into a trust score and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engines.result import Interval

Band = Literal["healthy", "warning", "critical"]


@dataclass(frozen=True, slots=True)
class Part:
    """One measured ingredient of trust.

    Attributes
    ----------
    score : float
        0 to 1, higher is better.
    interval : Interval or None
        Where the true score lies. Without one, a Wilson interval is computed from `n`; without
        `n` too, the part counts as exact and the explanation says so.
    n : int or None
        Observations behind the score.
    measure : str or None
        What was measured, a key of `engines.trust.maps.MEASURES` where a map made the score.
    value : float or None
        The measured quantity in its own unit, for the explanation.
    """

    score: float
    interval: Interval | None = None
    n: int | None = None
    measure: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Code:
    """One translatable statement: a message key and the values to put into it."""

    key: str
    values: Mapping[str, float | int | str]


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one part did to the trust score.

    Attributes
    ----------
    name : str
        Name of the part.
    weight : float
        Its share of the total weight, 0 to 1.
    score : float
        The score used, 0 to 1; the prior's median when the part is missing.
    interval : Interval
        The interval used, at the level of the trust interval.
    n : int or None
        Observations behind the score.
    measure, value : str or None, float or None
        What was measured and how large it was, as given.
    is_measured : bool
        False when the prior stands in.
    is_critical : bool
        True when the policy lets this part cap the score.
    reason : str or None
        Why the part is missing.
    points_lost : float
        Share of the distance from 1 to the point; over all parts these add up to
        ``1 - point``, without rounding error.
    points_uncertain : float
        Share of the distance from the point to the bound; these add up to ``point - trust``.
    """

    name: str
    weight: float
    score: float
    interval: Interval
    n: int | None
    measure: str | None
    value: float | None
    is_measured: bool
    is_critical: bool
    reason: str | None
    points_lost: float
    points_uncertain: float


@dataclass(frozen=True, slots=True)
class Trust:
    """A trust score with everything needed to explain it.

    Attributes
    ----------
    trust : float
        Lower confidence bound, 0 to 1: the number to decide on.
    point : float
        Best estimate, 0 to 1.
    interval : Interval
        Two-sided interval of the score; its ``low`` is `trust`.
    band : {"healthy", "warning", "critical"}
        From `trust` and the policy's two limits.
    components : tuple of Contribution
        One per part of the policy, largest loss first.
    missing : tuple of str
        Parts that no data speaks for.
    capped_by : str or None
        The critical part that holds the score down.
    known_weight : float
        Share of the weight that was measured, 0 to 1.
    policy, version : str
        The policy that was applied.
    sentence : str
        The explanation in English, made from `codes`.
    codes : tuple of Code
        The same explanation as keys and values, in reading order.
    method : str
        How the number was made.
    """

    trust: float
    point: float
    interval: Interval
    band: Band
    components: tuple[Contribution, ...]
    missing: tuple[str, ...]
    capped_by: str | None
    known_weight: float
    policy: str
    version: str
    sentence: str
    codes: tuple[Code, ...]
    method: str = "weighted geometric mean, interval by MOVER in log space"
