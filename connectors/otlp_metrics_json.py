"""OTLP metrics in JSON to columns."""

from __future__ import annotations

from typing import Any

import numpy as np

from connectors import otlp_json
from connectors.decoded import Decoded
from connectors.errors import Refused
from connectors.otlp_attributes import point_labels, resource_labels
from connectors.otlp_points import (
    NO_VALUE,
    NOT_STORED,
    NS_PER_MS,
    Collected,
    KnownMetric,
    add_histogram,
    finish,
    histogram_series,
)
from connectors.telemetry import Series

_Key = tuple[Any, ...]  # resource labels, metric name, whether delta
_MAX_KNOWN = 100_000
_MAX_LEARNT = 4_096  # characters of labels: longer ones are seldom seen twice
_known: dict[tuple[Any, ...], list[Series]] = {}


def decode_metrics_json(body: bytes) -> Decoded:
    """Return the samples of a request, or raise `Refused` when it is malformed."""
    out = Collected()
    for resource in otlp_json.parse_metrics(body).resource_metrics:
        labels = resource_labels(resource.resource.plain)
        about = tuple(labels.items())
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                _read_metric(labels, about, metric, out)
    return finish(out)


def _read_metric(
    labels: dict[str, str], about: _Key, metric: otlp_json.Metric, out: Collected
) -> None:
    numbers, histogram = metric.gauge or metric.sum, metric.histogram
    delta = any(part is not None and part.is_delta for part in (metric.sum, histogram))
    try:
        known = KnownMetric(metric.name, labels, delta)
    except Refused as error:
        out.reject(metric.n_points, str(error))
        return
    if metric.unit:
        out.units[known.name] = metric.unit
    key = (about, known.name, delta)
    for point in numbers.data_points if numbers else ():
        _read_number(known, key, point, out)
    for bucketed in histogram.data_points if histogram else ():
        _read_histogram(known, key, bucketed, out)
    _reject_other(metric, out)


def _series(metric: KnownMetric, key: _Key, raw: bytes, bounds: list[float] | None) -> list[Series]:
    place = (key, raw, None if bounds is None else tuple(bounds))
    series = _known.get(place)
    if series is None:
        labels = point_labels(metric.labels, otlp_json.parse_attributes(raw))
        if bounds is None:
            series = [Series(metric.name, labels)]
        else:
            series = histogram_series(metric.name, labels, bounds)
        if len(raw) + sum(len(k) + len(v) for k, v in metric.labels.items()) <= _MAX_LEARNT:
            if len(_known) >= _MAX_KNOWN:
                _known.clear()
            _known[place] = series
    return series


def _read_number(
    metric: KnownMetric, key: _Key, point: otlp_json.NumberPoint, out: Collected
) -> None:
    try:
        value = point.value
        if value is None or point.flags & NO_VALUE:
            out.absent += 1
            return
        (series,) = _series(metric, key, bytes(point.attributes), None)
        out.rows.append((series, point.time_ns // NS_PER_MS, value))
    except Refused as error:
        out.reject(1, str(error))


def _read_histogram(
    metric: KnownMetric, key: _Key, point: otlp_json.HistogramPoint, out: Collected
) -> None:
    if point.flags & NO_VALUE:
        out.absent += 1
        return
    try:
        series = _series(metric, key, bytes(point.attributes), point.explicit_bounds)
        counts = np.array([otlp_json.integer(n) for n in point.bucket_counts], np.float64)
        count = otlp_json.integer(point.count)
        add_histogram(series, counts, point.time_ns, count, point.sum, out)
    except Refused as error:
        out.reject(1, str(error))


def _reject_other(metric: otlp_json.Metric, out: Collected) -> None:
    for kind, points in (
        ("exponential", metric.exponential_histogram),
        ("summary", metric.summary),
    ):
        if points is not None:
            out.reject(len(points.data_points), NOT_STORED[kind])
