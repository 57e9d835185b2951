"""Quality of data: `check` current columns against a reference, `check_freshness` of their arrival.

Not the quality of a model's answers: that is `engines.reliability` and `engines.degradation`.
"""

from engines.quality.check import Policy, check
from engines.quality.freshness import check_freshness
from engines.quality.result import (
    PROBLEMS,
    ColumnQuality,
    Finding,
    Freshness,
    FreshnessAnswer,
    Problem,
    QualityReport,
)

__all__ = [
    "PROBLEMS",
    "ColumnQuality",
    "Finding",
    "Freshness",
    "FreshnessAnswer",
    "Policy",
    "Problem",
    "QualityReport",
    "check",
    "check_freshness",
]
