"""What OTLP metrics in protobuf and in JSON share: names, histograms, and the columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.decoded import Decoded, empty_batch, without_nan
from connectors.errors import Refused
from connectors.otlp_attributes import check_number, label_name
from connectors.telemetry import Series

DELTA = 1
NO_VALUE = 1  # flag: no recorded value
NS_PER_MS = 1_000_000

NOT_STORED = {
    "exponential": "exponential histograms are not stored; export explicit buckets",
    "summary": "summaries are not stored; export histograms",
}


class Irregular(Exception):
    """Fixed parts that are not where they usually are; the request is read point by point."""


class KnownMetric:
    """One metric of one resource: its series by attribute bytes."""

    __slots__ = ("by_attributes", "by_tail", "labels", "name")

    def __init__(self, name: str, labels: Mapping[str, str], delta: bool) -> None:
        if not name:
            raise Refused("a metric has no name")
        self.name = label_name(name) if len(name) <= 200 else ""
        if not self.name:
            raise Refused(f"a metric name may have 200 characters, got {len(name)}")
        check_number(labels)  # once, not for each of its points
        self.labels = {**labels, "temporality": "delta"} if delta else labels
        self.by_tail: dict[bytes, Series] = {}
        self.by_attributes: dict[tuple[Any, ...], list[Series]] = {}


class Collected:
    """What a request has given so far."""

    def __init__(self) -> None:
        self.heads: dict[int, list[bytes]] = {18: [], 27: []}
        self.owners: dict[int, list[Series]] = {18: [], 27: []}
        self.rows: list[tuple[Series, int, float]] = []
        self.units: dict[str, str] = {}
        self.rejected = 0
        self.absent = 0
        self.reason = ""
        self.careful = False

    def reject(self, count: int, reason: str) -> None:
        self.rejected += count
        self.reason = self.reason or reason


def whole_numbers(packed: bytes) -> bytes:
    if len(packed) % 8:
        raise Refused("a histogram has a list of numbers that is cut short")
    return packed


def histogram_series(name: str, labels: Mapping[str, str], edges: list[float]) -> list[Series]:
    texts = [repr(edge).removesuffix(".0") for edge in edges]
    buckets = [Series(f"{name}_bucket", {**labels, "le": le}) for le in [*texts, "+Inf"]]
    return [*buckets, Series(f"{name}_sum", labels), Series(f"{name}_count", labels)]


def add_histogram(
    series: list[Series],
    counts: NDArray[np.float64],
    time_ns: int,
    count: int,
    total: float | None,
    out: Collected,
) -> None:
    if not len(counts) and len(series) == 3:
        counts = np.array([float(count)])  # a histogram without buckets: everything is below +Inf
    if len(counts) != len(series) - 2:
        raise Refused(f"a histogram of {len(series) - 3} bounds has {len(counts)} buckets")
    time_ms = time_ns // NS_PER_MS
    values = [*np.cumsum(counts).tolist(), np.nan if total is None else total, float(count)]
    out.rows += [(one, time_ms, value) for one, value in zip(series, values, strict=True)]


def finish(out: Collected) -> Decoded:
    series: list[Series] = []
    times: list[NDArray[np.int64]] = []
    values: list[NDArray[np.float64]] = []
    for width in (18, 27):
        if out.heads[width]:
            points, owners = out.heads[width], out.owners[width]
            found_times, found_values = _read_heads(points, owners, width, out)
            series += owners
            times.append(found_times)
            values.append(found_values)
    if out.rows:
        series += [row[0] for row in out.rows]
        times.append(np.array([row[1] for row in out.rows], np.int64))
        values.append(np.array([row[2] for row in out.rows], np.float64))
    if not series:
        return Decoded(empty_batch(), out.rejected, out.reason, out.absent, out.units)
    counts = np.ones(len(series), np.int64)
    batch, absent = without_nan(series, counts, np.concatenate(times), np.concatenate(values))
    return Decoded(batch, out.rejected, out.reason, out.absent + absent, out.units)


def _read_heads(
    points: list[bytes], owners: list[Series], width: int, out: Collected
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    joined = b"".join([point[:width] for point in points])
    if len(joined) != width * len(points):
        raise Irregular
    heads = np.frombuffer(joined, np.uint8).reshape(-1, width)
    at = width - 18
    tags = heads[:, at + 9]
    is_int = tags == 0x31
    good = (heads[:, at] == 0x19) & (is_int | (tags == 0x21))
    if width == 27:
        good &= heads[:, 0] == 0x11
    if not good.all():
        raise Irregular
    nanos = np.ascontiguousarray(heads[:, at + 1 : at + 9]).view("<u8").ravel()
    words = np.ascontiguousarray(heads[:, at + 10 : at + 18])
    values = words.view("<f8").ravel()
    if is_int.any():
        values = np.where(is_int, words.view("<i8").ravel().astype(np.float64), values)
    return (nanos // NS_PER_MS).astype(np.int64), values.astype(np.float64)
