"""Drift: what changed between two sets of rows, how much, and how sure that is.

``compare(reference, current)`` is the front function; `NUMERIC_TESTS` and `CATEGORY_TESTS` are the
registries of univariate tests.
"""

from engines.drift.compare import compare
from engines.drift.policy import Policy
from engines.drift.registry import CATEGORY_TESTS, NUMERIC_TESTS
from engines.drift.result import (
    ColumnDrift,
    DriftReport,
    Effects,
    Histogram,
    JointDrift,
    SliceDrift,
    TestResult,
)

__all__ = [
    "CATEGORY_TESTS",
    "NUMERIC_TESTS",
    "ColumnDrift",
    "DriftReport",
    "Effects",
    "Histogram",
    "JointDrift",
    "Policy",
    "SliceDrift",
    "TestResult",
    "compare",
]
