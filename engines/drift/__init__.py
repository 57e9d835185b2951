"""Drift: what changed between two sets of rows, how much, and how sure that is.

``compare(reference, current)`` is the front function; `NUMERIC_TESTS` and `CATEGORY_TESTS` are the
registries of univariate tests. ``sketch_table``, ``merge`` and ``compare_sketches`` answer the same
from mergeable summaries; ``profile_table`` is the reference kept once.
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
from engines.drift.sketch import TableSketch, merge, profile_table, sketch_table
from engines.drift.sketch_bytes import from_bytes, to_bytes
from engines.drift.sketch_compare import compare_sketches

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
    "TableSketch",
    "TestResult",
    "compare",
    "compare_sketches",
    "from_bytes",
    "merge",
    "profile_table",
    "sketch_table",
    "to_bytes",
]
