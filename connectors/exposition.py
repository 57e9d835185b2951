"""Prometheus text, written for `/metrics`."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

Row = tuple[str, str, Mapping[str, str], float]
"""Name, type (gauge, counter, ...), labels, value; names are the hub's own and need no escaping."""


def write_exposition(rows: Iterable[Row]) -> str:
    """Return rows as Prometheus text; rows of one name are put together under one type line."""
    families: dict[str, tuple[str, list[str]]] = {}
    for name, kind, labels, value in rows:
        _, lines = families.setdefault(name, (kind, []))
        lines.append(f"{name}{_write_labels(labels)} {_write_number(value)}\n")
    parts: list[str] = []
    for name, (kind, lines) in families.items():
        parts.append(f"# TYPE {name} {kind}\n")
        parts += lines
    return "".join(parts)


def _write_labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    pairs = (
        '{}="{}"'.format(
            name,
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
