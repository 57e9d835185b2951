"""OTLP metrics to columns: gauges, sums and histograms with explicit buckets.

A number point is 18 or 27 fixed bytes (start, time, value) and then its attributes. The attribute
bytes are the dictionary key of the series; NumPy reads all the fixed parts at once. A point of any
other form is read field by field.

Names and label names are escaped as Prometheus does (``http.server.duration`` becomes
``http_server_duration``); histograms become ``_bucket``, ``_sum`` and ``_count``. Points of delta
temporality carry the label ``temporality="delta"``: sum them over time, do not take their increase.
"""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from connectors import otlp_schema
from connectors import protobuf_wire as wire
from connectors.decoded import Decoded
from connectors.errors import Refused
from connectors.otlp_attributes import (
    point_labels,
    read_attributes,
    read_resource,
    resource_labels,
)
from connectors.otlp_points import (
    DELTA,
    NO_VALUE,
    NOT_STORED,
    NS_PER_MS,
    Collected,
    Irregular,
    KnownMetric,
    add_histogram,
    finish,
    histogram_series,
    whole_numbers,
)
from connectors.telemetry import Series

_MAX_KNOWN_BYTES = 256 * 1024 * 1024
_OVERHEAD = 1_000  # bytes of a series beside its texts


class OtlpMetricsDecoder:
    """Decodes export requests; shared by threads. Known series are forgotten when they grow
    large."""

    def __init__(self, *, max_known_bytes: int = _MAX_KNOWN_BYTES) -> None:
        self._max_known_bytes = max_known_bytes
        self._metrics: dict[tuple[Any, ...], KnownMetric] = {}
        self._known_bytes = 0

    def decode(self, body: bytes) -> Decoded:
        """Return the samples of a request, or raise `Refused` when it is malformed."""
        if self._known_bytes > self._max_known_bytes:
            self._metrics, self._known_bytes = {}, 0
        request = otlp_schema.parse("MetricsRequest", body)
        try:
            return finish(self._read(request, Collected()))
        except Irregular:
            careful = Collected()
            careful.careful = True
            return finish(self._read(request, careful))

    def _read(self, request: Any, out: Collected) -> Collected:
        for resource in request.resources:
            key: bytes = resource.resource
            for scope in resource.scopes:
                for metric in scope.metrics:
                    self._read_metric(key, metric, out)
        return out

    def _read_metric(self, resource: bytes, metric: Any, out: Collected) -> None:
        name = metric.name
        try:
            if metric.HasField("sum"):
                numbers = metric.sum
                known = self._metric(resource, name, numbers.temporality == DELTA)
                self._read_numbers(known, list(numbers.points), out)
            elif metric.HasField("gauge"):
                known = self._metric(resource, name, False)
                self._read_numbers(known, list(metric.gauge.points), out)
            elif metric.HasField("histogram"):
                known = self._metric(resource, name, metric.histogram.temporality == DELTA)
                for point in metric.histogram.points:
                    self._read_histogram(known, point, out)
            else:
                _reject_other(metric, out)
                return
        except Refused as error:
            out.reject(_count_points(metric), str(error))
            return
        if metric.unit:
            out.units[known.name] = metric.unit

    def _metric(self, resource: bytes, name: str, delta: bool) -> KnownMetric:
        key = (resource, name, delta)
        known = self._metrics.get(key)
        if known is None:
            labels = resource_labels(read_resource(resource))
            known = self._metrics[key] = KnownMetric(name, labels, delta)
            self._known_bytes += 3 * len(resource) + _OVERHEAD
        return known

    def _read_numbers(self, metric: KnownMetric, points: list[bytes], out: Collected) -> None:
        if not points:
            return
        # Points of one metric have one form; where they do not, the check of the heads finds out.
        width = 27 if points[0][:1] == b"\x11" else 18
        known = {} if out.careful else metric.by_tail
        found = [known.get(point[width:]) for point in points]
        if None not in found:
            out.heads[width] += points
            out.owners[width] += found  # type: ignore[arg-type]
            return
        for point, series in zip(points, found, strict=True):
            if series is None:
                self._read_point(metric, point, width, out)
            else:
                out.heads[width].append(point)
                out.owners[width].append(series)

    def _read_point(self, metric: KnownMetric, point: bytes, width: int, out: Collected) -> None:
        try:
            attributes, time_ns, value, is_plain = _number_point(point)
            if value is None:
                out.absent += 1
                return
            series = self._series(metric, attributes)
        except Refused as error:
            out.reject(1, str(error))
            return
        if is_plain and _has_head(point, width) and not out.careful:
            # To the heads, cold or known: the order of equal points must not depend on the cache.
            metric.by_tail[point[width:]] = series
            out.heads[width].append(point)
            out.owners[width].append(series)
        else:
            out.rows.append((series, time_ns // NS_PER_MS, value))

    def _series(self, metric: KnownMetric, attributes: tuple[bytes, ...]) -> Series:
        key = (attributes, None)
        series = metric.by_attributes.get(key)
        if series is None:
            labels = point_labels(metric.labels, read_attributes(attributes))
            series = metric.by_attributes[key] = [Series(metric.name, labels)]
            self._known_bytes += 4 * sum(map(len, attributes)) + _OVERHEAD
        return series[0]

    def _read_histogram(self, metric: KnownMetric, point: Any, out: Collected) -> None:
        if point.flags & NO_VALUE:
            out.absent += 1
            return
        attributes, bounds = tuple(point.attributes), point.bounds
        try:
            series = metric.by_attributes.get((attributes, bounds))
            if series is None:
                labels = point_labels(metric.labels, read_attributes(attributes))
                edges = np.frombuffer(whole_numbers(bounds), "<f8").tolist()
                series = histogram_series(metric.name, labels, edges)
                metric.by_attributes[attributes, bounds] = series
                size = sum(map(len, attributes)) + _OVERHEAD
                self._known_bytes += len(series) * size
            counts = np.frombuffer(whole_numbers(point.buckets), "<u8").astype(np.float64)
            total = point.sum if point.HasField("sum") else None
            add_histogram(series, counts, point.time, point.count, total, out)
        except Refused as error:
            out.reject(1, str(error))


def _has_head(point: bytes, width: int) -> bool:
    if width == 27:
        return point[0] == 0x11 and point[9] == 0x19 and point[18] in (0x21, 0x31)
    return point[0] == 0x19 and point[9] in (0x21, 0x31)


def _number_point(point: bytes) -> tuple[tuple[bytes, ...], int, float | None, bool]:
    attributes: list[bytes] = []
    time_ns, flags, value = 0, 0, None
    fixed, is_plain = 0, True
    for number, kind, content in wire.read_fields(point):
        if number == 7:
            attributes.append(wire.message(content))
        elif number == 8 and isinstance(content, int):
            flags, is_plain = content, False
        elif number in (2, 3, 4, 6) and kind == wire.FIXED64 and isinstance(content, bytes):
            fixed += 1
            if number == 3:
                time_ns = int.from_bytes(content, "little")
            elif number == 4:
                (value,) = struct.unpack("<d", content)
            elif number == 6:
                value = float(int.from_bytes(content, "little", signed=True))
        else:
            is_plain = False
    # A field that comes twice counts with its last value, which is not in the head.
    is_plain = is_plain and fixed == (3 if point[:1] == b"\x11" else 2)
    return tuple(attributes), time_ns, None if flags & NO_VALUE else value, is_plain


def _reject_other(metric: Any, out: Collected) -> None:
    for kind in ("exponential", "summary"):
        if metric.HasField(kind):
            out.reject(len(getattr(metric, kind).points), NOT_STORED[kind])


def _count_points(metric: Any) -> int:
    return sum(
        len(getattr(metric, kind).points)
        for kind in ("gauge", "sum", "histogram", "exponential", "summary")
    )
