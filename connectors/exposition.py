"""Prometheus text: written for `/metrics`, and read from what others expose."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping

import numpy as np

from connectors.decoded import Decoded, without_nan
from connectors.errors import Refused
from connectors.telemetry import Series

Row = tuple[str, str, Mapping[str, str], float]
"""Name, type (gauge, counter, ...), labels, value."""

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_NOT_NAME = re.compile(r"[^a-zA-Z0-9_:]")
_NAME = re.compile(r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{)?")
_LABEL = re.compile(
    r'\s*(?:([a-zA-Z_][a-zA-Z0-9_]*)|"((?:[^"\\]|\\.)*)")\s*(?:=\s*"((?:[^"\\]|\\.)*)")?\s*(,|\})'
)
_ESCAPED = re.compile(r"\\(.)")
_MAX_LINE = 65_536


def write_exposition(rows: Iterable[Row], help: Mapping[str, str] | None = None) -> str:
    """Return rows as Prometheus text; rows of one name are put together under one type line."""
    families: dict[str, tuple[str, list[str]]] = {}
    for name, kind, labels, value in rows:
        plain = _NOT_NAME.sub("_", name)
        _, lines = families.setdefault(plain, (kind, []))
        lines.append(f"{plain}{_write_labels(labels)} {_write_number(value)}\n")
    parts: list[str] = []
    for name, (kind, lines) in families.items():
        if help and name in help:
            text = help[name].replace("\\", r"\\").replace("\n", r"\n")
            parts.append(f"# HELP {name} {text}\n")
        parts.append(f"# TYPE {name} {kind}\n")
        parts += lines
    return "".join(parts)


def _write_labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (
        '{}="{}"'.format(
            _NOT_NAME.sub("_", name),
            value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\""),
        )
        for name, value in sorted(labels.items())
    )
    return "{" + ",".join(pairs) + "}"


def _write_number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


class ExpositionParser:
    """Reads scraped pages. The text before the value is the dictionary key of its series, so the
    labels of a line are parsed once however often it is scraped."""

    def __init__(self, *, max_known: int = 200_000) -> None:
        self._known: dict[str, Series] = {}
        self._max_known = max_known

    def decode(self, body: bytes, now_ms: int, *, openmetrics: bool = False) -> Decoded:
        """Return the samples of a page. Lines that do not hold are counted and the first named."""
        try:
            lines = body.decode().split("\n")
        except UnicodeDecodeError as error:
            raise Refused("page is not UTF-8 text") from error
        series: list[Series] = []
        times: list[int] = []
        values: list[float] = []
        rejected, reason = 0, ""
        per_unit = 1000.0 if openmetrics else 1.0
        for line in lines:
            if not line or line[0] == "#" or line.isspace():
                continue
            try:
                one, value, time = self._line(line)
            except ValueError as error:
                rejected += 1
                reason = reason or f"line {line[:80]!r}: {error}"
                continue
            series.append(one)
            values.append(value)
            times.append(now_ms if time is None else round(time * per_unit))
        counts = np.ones(len(series), np.int64)
        batch, absent = without_nan(
            series, counts, np.array(times, np.int64), np.array(values, np.float64)
        )
        return Decoded(batch, rejected, reason, absent)

    def _line(self, line: str) -> tuple[Series, float, float | None]:
        # With an exemplar the last brace is not that of the labels.
        cut = 0 if " # " in line else line.rfind("}") + 1 or line.find(" ")
        series = self._known.get(line[:cut]) if cut > 0 else None
        if series is None:
            if len(line) > _MAX_LINE:
                raise ValueError("line is too long")
            series, cut = _read_series(line)
            if len(self._known) >= self._max_known:
                self._known = {}
            self._known[line[:cut]] = series
        fields = line[cut:].split(" # ", 1)[0].split()
        if not 1 <= len(fields) <= 2:
            raise ValueError("expected a value and perhaps a time")
        return series, _number(fields[0]), _number(fields[1]) if len(fields) == 2 else None


def _number(text: str) -> float:
    if "_" in text:
        raise ValueError(f"{text[:30]!r} is not a number")
    return float(text)


def _read_series(line: str) -> tuple[Series, int]:
    found = _NAME.match(line)
    if found is None:
        raise ValueError("expected a metric name")
    labels: dict[str, str] = {}
    at = found.end()
    closed = found.group(2) is None
    while not closed:
        if line[at:].lstrip().startswith("}"):
            at = line.index("}", at) + 1
            break
        label = _LABEL.match(line, at)
        if label is None or label.group(3) is None:
            raise ValueError("expected label pairs and a closing brace")
        name = label.group(1) or _unescape(label.group(2))
        if name in labels:
            raise ValueError(f"label {name!r} appears twice")
        labels[name] = _unescape(label.group(3))
        at, closed = label.end(), label.group(4) == "}"
    return Series(found.group(1), labels), at


def _unescape(text: str) -> str:
    if "\\" not in text:
        return text
    return _ESCAPED.sub(lambda m: "\n" if m.group(1) == "n" else m.group(1), text)
