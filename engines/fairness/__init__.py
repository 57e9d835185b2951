"""Fairness between groups: `compare_groups` on selection, equal opportunity and calibration.

`METRICS` lists what is compared. A number here is evidence for people to judge, not a verdict of law.
"""  # noqa: E501

from engines.fairness.compare import METRICS, MIN_GROUP, Policy, compare_groups
from engines.fairness.result import Comparison, Disparity, FairnessReport, GroupMetrics, Share

__all__ = [
    "METRICS",
    "MIN_GROUP",
    "Comparison",
    "Disparity",
    "FairnessReport",
    "GroupMetrics",
    "Policy",
    "Share",
    "compare_groups",
]
