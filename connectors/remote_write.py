"""Prometheus remote write 1.0: snappy-compressed protobuf to columns.

Senders repeat themselves: the bytes before a series' samples (length and labels) are the same in
every request. One regular expression splits a body into such heads and runs of sample frames; a
dictionary turns heads into series, and NumPy reads all frames at once. A head enters the dictionary
only after it parsed in full and its length agreed with its frames, so a body made of known heads
and matching runs has exactly one reading. Everything else takes the field-by-field path.
"""

from __future__ import annotations

import re
import struct
import threading

import cramjam
import numpy as np
from numpy.typing import NDArray

from connectors import protobuf_wire as wire
from connectors.decoded import Decoded, empty_batch, without_nan
from connectors.errors import Refused, TooMuch
from connectors.telemetry import Series

_MAX_LABELS = 100
_MAX_TEXT = 4_096

# A sample is 12 10 09 <float64> 10 <6-byte varint>; proto3 leaves out the value 0.0: 12 07 10 ....
_FRAME = rb"\x12(?:\x10\x09.{8}|\x07)\x10.{6}"
_RUNS = re.compile(rb"(" + _FRAME + rb"(?:" + _FRAME + rb")*)", re.DOTALL)
_FRAMES = re.compile(_FRAME, re.DOTALL)
_ZERO = b"\x12\x07\x10"
_ZERO_WRITTEN = b"\x12\x10\x09" + bytes(8) + b"\x10"
_WIDTH = 18


class RemoteWriteDecoder:
    """Decodes request bodies; shared by threads. Known heads are forgotten when they grow large."""

    def __init__(
        self, *, max_bytes: int = 64 * 1024 * 1024, max_known_bytes: int = 64 * 1024 * 1024
    ) -> None:
        self._max_bytes = max_bytes
        self._max_known_bytes = max_known_bytes
        self._known: dict[bytes, tuple[Series, int]] = {}
        self._series: dict[tuple[bytes, ...], Series] = {}
        self._known_bytes = 0
        self._lock = threading.Lock()

    def decode(self, body: bytes) -> Decoded:
        """Return the samples of a body, or raise `Refused` (malformed) or `TooMuch` (too large)."""
        raw = _unsnap(body, self._max_bytes)
        if not raw:
            return Decoded(empty_batch())
        return self._fast(raw) or self._slow(raw)

    def _fast(self, raw: bytes) -> Decoded | None:
        parts = _RUNS.split(raw)
        heads, runs = parts[0:-1:2], parts[1::2]
        if parts[-1] or not heads:
            return None
        known = self._known
        found = list(map(known.get, heads))
        if None in found:
            for i, one in enumerate(found):
                if one is None:
                    found[i] = self._learn(heads[i], len(runs[i]))
                    if found[i] is None:
                        return None
        lengths = [len(run) for run in runs]
        if lengths != [one[1] for one in found if one is not None]:
            return None
        joined = b"".join(runs)
        if _ZERO in joined:
            runs = [_write_zeros(run) for run in runs]
            lengths = [len(run) for run in runs]
            joined = b"".join(runs)
        frames = np.frombuffer(joined, np.uint8).reshape(-1, _WIDTH)
        if not _are_frames(frames):
            return None
        counts = np.array(lengths, np.int64) // _WIDTH
        series = [one[0] for one in found if one is not None]
        values = np.ascontiguousarray(frames[:, 3:11]).view("<f8").ravel().astype(np.float64)
        batch, absent = without_nan(series, counts, _timestamps(frames), values)
        return Decoded(batch, absent=absent)

    def _learn(self, head: bytes, run_length: int) -> tuple[Series, int] | None:
        try:
            if head[0] != 0x0A:
                return None
            size, start = wire.read_varint(head, 1)
            if start + size != len(head) + run_length:
                return None
            series = self._series_of(_label_blocks(head[start:]))
        except (Refused, IndexError):
            return None  # the field-by-field path says what is wrong
        entry = (series, run_length)
        with self._lock:
            self._known_bytes += len(head) + 200
            if self._known_bytes > self._max_known_bytes:
                self._known, self._series, self._known_bytes = {}, {}, 0
            self._known[head] = entry
        return entry

    def _series_of(self, blocks: tuple[bytes, ...]) -> Series:
        series = self._series.get(blocks)
        if series is None:
            series = _series([_label(block) for block in blocks])
            with self._lock:
                self._known_bytes += sum(map(len, blocks)) + 400
                self._series[blocks] = series
        return series

    def _slow(self, raw: bytes) -> Decoded:
        rows: list[tuple[Series, list[tuple[int, float]]]] = []
        rejected, reason = 0, ""
        for number, _, value in wire.read_fields(raw):
            if number != 1:
                continue  # metadata
            blocks, samples, histograms = _time_series(wire.message(value))
            if histograms:
                rejected += histograms
                reason = reason or "native histograms are not stored; send classic buckets"
            try:
                series = self._series_of(blocks)
                if samples:
                    rows.append((series, samples))
            except Refused as error:
                rejected += max(1, len(samples))
                reason = reason or str(error)
        counts = np.array([len(samples) for _, samples in rows], np.int64)
        flat = [sample for _, samples in rows for sample in samples]
        times = np.array([t for t, _ in flat], np.int64)
        values = np.array([v for _, v in flat], np.float64)
        batch, absent = without_nan([series for series, _ in rows], counts, times, values)
        return Decoded(batch, rejected, reason, absent)


def _unsnap(body: bytes, max_bytes: int) -> bytes:
    try:
        size = cramjam.snappy.decompress_raw_len(body)
        if size > max_bytes:
            raise TooMuch(f"a write may hold {max_bytes} bytes uncompressed, this one says {size}")
        return bytes(cramjam.snappy.decompress_raw(body))
    except cramjam.DecompressionError as error:
        raise Refused("body is not snappy-compressed") from error


def _write_zeros(run: bytes) -> bytes:
    if len(run) == _WIDTH // 2:
        return _ZERO_WRITTEN + run[3:]
    if _ZERO not in run:
        return run
    frames = _FRAMES.findall(run)
    return b"".join(_ZERO_WRITTEN + f[3:] if len(f) < _WIDTH else f for f in frames)


def _are_frames(frames: NDArray[np.uint8]) -> bool:
    constant = (frames[:, (0, 1, 2, 11)] == (0x12, 0x10, 0x09, 0x10)).all()
    return bool(constant and (frames[:, 12:17] >= 0x80).all() and (frames[:, 17] < 0x80).all())


def _timestamps(frames: NDArray[np.uint8]) -> NDArray[np.int64]:
    groups = (frames[:, 12:18] & 0x7F).astype(np.int64)
    times: NDArray[np.int64] = (groups << np.arange(0, 42, 7)).sum(axis=1)
    return times


def _label_blocks(block: bytes) -> tuple[bytes, ...]:
    fields = list(wire.read_fields(block))
    if any(number != 1 for number, _, _ in fields):
        raise Refused("not a block of labels")
    return tuple(wire.message(value) for _, _, value in fields)


def _time_series(block: bytes) -> tuple[tuple[bytes, ...], list[tuple[int, float]], int]:
    labels: list[bytes] = []
    samples: list[tuple[int, float]] = []
    histograms = 0
    for number, _, value in wire.read_fields(block):
        if number == 1:
            labels.append(wire.message(value))
        elif number == 2:
            samples.append(_sample(wire.message(value)))
        elif number == 4:
            histograms += 1
    return tuple(labels), samples, histograms


def _label(block: bytes) -> tuple[str, str]:
    name = content = ""
    for number, _, value in wire.read_fields(block):
        if number == 1:
            name = wire.text(value)
        elif number == 2:
            content = wire.text(value)
    return name, content


def _sample(block: bytes) -> tuple[int, float]:
    time_ms, number_value = 0, 0.0
    for number, kind, value in wire.read_fields(block):
        if number == 1 and kind == wire.FIXED64 and isinstance(value, bytes):
            (number_value,) = struct.unpack("<d", value)
        elif number == 2 and isinstance(value, int):
            time_ms = wire.signed(value)
    return time_ms, number_value


def _series(labels: list[tuple[str, str]]) -> Series:
    if len(labels) > _MAX_LABELS:
        raise Refused(f"a series may have {_MAX_LABELS} labels, got {len(labels)}")
    unique = dict(labels)
    if len(unique) != len(labels):
        raise Refused("a label name appears twice in one series")
    if any(not name or len(name) > _MAX_TEXT or len(v) > _MAX_TEXT for name, v in labels):
        raise Refused(f"label names and values have 1 to {_MAX_TEXT} characters")
    name = unique.pop("__name__", "")
    if not name:
        raise Refused("a series has no __name__")
    return Series(name, unique)
