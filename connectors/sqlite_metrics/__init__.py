"""The embedded `MetricBackend`: an append log, compacted into chunks and rollups, in SQLite."""

from connectors.sqlite_metrics.backend import SqliteMetricBackend

__all__ = ["SqliteMetricBackend"]
