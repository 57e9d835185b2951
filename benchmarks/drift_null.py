"""Drift: share of reports that alarm when nothing changed, joint tests on, nominal 5 %.

``AIOBS_BENCH_REPORTS`` sets the reports per size (400); at 100,000 rows a quarter of them are made.
"""

from __future__ import annotations

import os
from collections import Counter

import numpy as np

from benchmarks.drift_tables import table
from benchmarks.study import Row, run
from engines.drift import compare

REPORTS = int(os.environ.get("AIOBS_BENCH_REPORTS", "400"))


def alarms(rows: int, reports: int) -> list[Row]:
    """Share of null reports with drift, in any part and per part."""
    rng = np.random.default_rng(rows)
    found: Counter[str] = Counter()
    for index in range(reports):
        report = compare(table(rng, rows), table(rng, rows), seed=index)
        found["report"] += report.status == "drift"
        found["columns"] += bool(report.drifted_columns)
        found.update(test.name for test in report.joint if test.outcome == "drift")
    parts = ("columns", "correlation", "dependence", "domain_classifier")
    return [
        Row(f"{rows:,} rows: reports with drift", found["report"] / reports, None, 0.065, reports),
        *(Row(f"  by {part}", found[part] / reports, repetitions=reports) for part in parts),
    ]


def measure() -> list[Row]:
    return [
        *alarms(500, REPORTS),
        *alarms(5_000, REPORTS),
        *alarms(100_000, max(1, REPORTS // 4)),
    ]


if __name__ == "__main__":
    run("drift_null", "A report without change alarms in at most 6.5 % of cases.", measure)
