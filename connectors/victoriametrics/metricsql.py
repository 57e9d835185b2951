"""Selectors and windows as MetricsQL, and its answers as arrays."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import Aggregate
from connectors.selector import Matcher, Selector
from connectors.telemetry import Series

TENANT_LABEL = "aiobs_tenant"
_PLAIN = re.compile(r"[a-zA-Z0-9_:]")
_QUANTILES = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}


def match_of(selector: Selector, tenant: str) -> str:
    """Return the selector of one tenant's series; no value in it can leave its quotes."""
    matchers = [Matcher(TENANT_LABEL, "=", tenant)]
    if selector.name is not None:
        matchers.append(Matcher("__name__", "=", selector.name))
    matchers.extend(m for m in selector.matchers if m.label != TENANT_LABEL)
    return "{" + ",".join(f"{_name(m.label)}{m.operator}{_quoted(m.value)}" for m in matchers) + "}"


def over_time(how: Aggregate, match: str, window_ms: int) -> str:
    """Return the reduction of one bucket; the query is evaluated at its last millisecond."""
    if how in _QUANTILES:
        return f"quantile_over_time({_QUANTILES[how]}, {match}[{window_ms}ms])"
    return f"{how}_over_time({match}[{window_ms}ms])"


def across(how: Aggregate, expression: str, by: tuple[str, ...]) -> str:
    labels = ",".join(_name(label) for label in by)
    if how in _QUANTILES:
        return f"quantile({_QUANTILES[how]}, {expression}) by ({labels})"
    return f"{how}({expression}) by ({labels})"


def series_of(labels: dict[str, str]) -> Series:
    plain = {k: v for k, v in labels.items() if k not in ("__name__", TENANT_LABEL)}
    return Series(labels.get("__name__", ""), plain)


def grid_values(
    pairs: list[list[Any]], first_ms: int, step_ms: int, buckets: int
) -> NDArray[np.float64]:
    """Return the values of a range answer by bucket; NaN where it has none."""
    values = np.full(buckets, np.nan)
    if pairs:
        moments = np.rint(np.array([p[0] for p in pairs], np.float64) * 1_000).astype(np.int64)
        values[(moments - first_ms) // step_ms] = np.array([p[1] for p in pairs], np.float64)
    return values


def _name(label: str) -> str:
    return "".join(c if _PLAIN.match(c) else "\\" + c for c in label)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
