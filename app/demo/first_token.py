"""How long the first token of a text answer took, as a model server reports it: an OpenTelemetry
histogram with the name, unit and bucket bounds of the GenAI semantic conventions (1.37)."""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from typing import Any

from app.demo.serving import MS_A_TOKEN, Served

METRIC = "gen_ai.server.time_to_first_token"
BOUNDS_S = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
_BIN_S = 60
_DELTA = 1  # AGGREGATION_TEMPORALITY_DELTA

Json = dict[str, Any]


def first_token_s(one: Served) -> float:
    """Return the time to the first token: what an answer took, less its other tokens' time."""
    rest_ms = (int(one.row["output_tokens"]) - 1) * MS_A_TOKEN
    return max(1.0, float(one.row["latency_ms"]) - rest_ms) / 1_000


def first_tokens_of(served: Sequence[Served]) -> Json | None:
    """Return an OTLP export with one point a model and minute; None without answers."""
    bins: dict[tuple[str, int], list[Served]] = {}
    for one in served:
        if "output_tokens" in one.row and "error" not in one.row:
            key = (one.row["model_id"], int(one.row["timestamp"] // _BIN_S))
            bins.setdefault(key, []).append(one)
    if not bins:
        return None
    points = [_point(model_id, some) for (model_id, _), some in bins.items()]
    histogram = {"aggregationTemporality": _DELTA, "dataPoints": points}
    metric = {"name": METRIC, "unit": "s", "histogram": histogram}
    resource = {"attributes": [_said("service.name", "inference-api"), _said("sample", "true")]}
    scope = {"scope": {"name": "sample-fleet"}, "metrics": [metric]}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [scope]}]}


def _point(model_id: str, some: list[Served]) -> Json:
    times_s = [first_token_s(one) for one in some]
    moments = [int(one.row["timestamp"] * 1e9) for one in some]
    counts = [0] * (len(BOUNDS_S) + 1)
    for time_s in times_s:
        counts[bisect.bisect_left(BOUNDS_S, time_s)] += 1  # a bound belongs to the bucket below
    return {
        "startTimeUnixNano": str(min(moments)),
        "timeUnixNano": str(max(moments)),
        "count": str(len(times_s)),
        "sum": sum(times_s),
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": list(BOUNDS_S),
        "attributes": [
            _said("gen_ai.operation.name", "chat"),
            _said("gen_ai.provider.name", "sample-fleet"),
            _said("gen_ai.request.model", model_id),
        ],
    }


def _said(key: str, value: str) -> Json:
    return {"key": key, "value": {"stringValue": value}}
