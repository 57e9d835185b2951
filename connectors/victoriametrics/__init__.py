"""The distributed `MetricBackend`: VictoriaMetrics behind the hub's own durable log."""

from connectors.victoriametrics.backend import VictoriaMetricsBackend

__all__ = ["VictoriaMetricsBackend"]
