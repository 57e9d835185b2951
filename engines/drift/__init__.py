"""Drift: what changed between two sets of rows, how much, and how sure that is.

``compare(reference, current)`` is the front function; `NUMERIC_TESTS` and `CATEGORY_TESTS` are the
registries of univariate tests. ``sketch_table``, ``merge`` and ``compare_sketches`` answer the same
from mergeable summaries; ``profile_table`` is the reference kept once. ``compare_predictions``,
``compare_concept`` (with labels), ``watch`` (online) and ``estimate_performance`` (without labels)
answer for the model. `engines.drift.windows` selects which rows are compared.
"""

from engines.drift.compare import compare
from engines.drift.concept import ConceptBin, ConceptDrift, compare_concept
from engines.drift.detector import Alarm, DetectorState, watch
from engines.drift.performance import (
    MetricEstimate,
    PerformanceEstimate,
    estimate_performance,
)
from engines.drift.policy import Policy
from engines.drift.prediction import compare_predictions
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
    "Alarm",
    "ColumnDrift",
    "ConceptBin",
    "ConceptDrift",
    "DetectorState",
    "DriftReport",
    "Effects",
    "Histogram",
    "JointDrift",
    "MetricEstimate",
    "PerformanceEstimate",
    "Policy",
    "SliceDrift",
    "TableSketch",
    "TestResult",
    "compare",
    "compare_concept",
    "compare_predictions",
    "compare_sketches",
    "estimate_performance",
    "from_bytes",
    "merge",
    "profile_table",
    "sketch_table",
    "to_bytes",
    "watch",
]
