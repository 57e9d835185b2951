"""What a comparison of groups finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.result import Interval

Verdict = Literal["disparity", "no_evidence", "insufficient_data"]


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its count and interval."""

    value: float
    n: int
    interval: Interval


@dataclass(frozen=True, slots=True)
class GroupMetrics:
    """One group. What its rows cannot support is None.

    `calibration_gap` is the mean score minus the observed rate: above 0 the model promises too much
    for this group.
    """

    group: str
    n: int
    is_small: bool
    selection_rate: Share | None
    true_positive_rate: Share | None
    false_positive_rate: Share | None
    calibration_gap: Share | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """One group against the reference group on one metric; the interval is simultaneous."""

    group: str
    difference: float
    interval: Interval
    ratio: float | None
    is_apart: bool


@dataclass(frozen=True, slots=True)
class Disparity:
    """One metric over all groups that are large enough.

    Attributes
    ----------
    metric : str
        ``selection_rate``, ``true_positive_rate``, ``false_positive_rate`` or ``calibration_gap``.
    verdict : str
        ``disparity`` when the test rejects and one comparison is beyond `tolerance` for sure.
    p_value : float or None
        Of equality of all groups, adjusted over the metrics (Holm).
    comparisons : tuple of Comparison
        Every other group against the reference group.
    worst_gap : float
        Largest difference between two groups as measured: descriptive, biased upwards by selection.
    reason : str
        Why there is no verdict, empty when there is one.
    """

    metric: str
    verdict: Verdict
    p_value: float | None
    comparisons: tuple[Comparison, ...]
    worst_gap: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class FairnessReport:
    """Groups by size, and one disparity per metric that could be computed."""

    attribute: str
    reference_group: str
    groups: tuple[GroupMetrics, ...]
    disparities: tuple[Disparity, ...]
    n: int
    small_groups: tuple[str, ...]
