"""Metric series: which move together and in which order, and when one was not as expected.

Front functions: `correlate(columns)` for many series, `find_anomalies(values)` for one,
`find_count_anomalies(counts, exposure)` for events that are rare.
"""

from collections.abc import Callable
from typing import Any

from engines.series.anomalies import Flat, find_anomalies
from engines.series.correlate import correlate
from engines.series.counts import find_count_anomalies
from engines.series.result import Anomalies, Anomaly, Correlations, Pair

METHODS: dict[str, Callable[..., Any]] = {  # each returns its own result
    "correlation": correlate,
    "anomalies": find_anomalies,
    "count_anomalies": find_count_anomalies,
}

__all__ = [
    "METHODS",
    "Anomalies",
    "Anomaly",
    "Correlations",
    "Flat",
    "Pair",
    "correlate",
    "find_anomalies",
    "find_count_anomalies",
]
