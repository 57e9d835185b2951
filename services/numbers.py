"""The numbers of services and models that one can ask about, found by words."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from engines.causal import Series
from engines.causal.inputs import Key
from engines.progress import Progress
from i18n import quantity, t
from services.analyses import Job, follow
from services.burning import BURN_RATE
from services.causal import LOOK_BACK_MS
from services.errors import Malformed
from services.identity import permitted
from services.scene import read_scene
from services.times import Window
from services.workspace import Workspace

FRESH_S = 300.0
PRESENT_S = 15 * 60
EVENTS = ("deployment", "config_change", "data_change", "incident", "security")
METRICS = (
    "requests", "errors", "latency_ms", "input_tokens", "output_tokens", "cost", "energy_kwh",
    "carbon_g", "data_drift", "prediction_drift", "concept_drift", "hallucination_risk",
    "grounding", "reliability", "trust",
    "retrieval_hit_rate", "label_availability", "accuracy",
)  # fmt: skip
FEATURE_DRIFT = "feature_drift:"
UNITS = {
    "latency_ms": "ms", "energy_kwh": "kWh", "carbon_g": "g", "retrieval_hit_rate": "share",
    "label_availability": "share", "accuracy": "share",
}  # fmt: skip


class Number(msgspec.Struct, frozen=True):
    """One metric of a service or model, as the language in use writes it.

    `level` is its mean over the last quarter of an hour, None where it reports no more; `now` says
    it in words. `unit` is that in which a level is typed: a share in per cent.
    """

    node: str
    metric: str
    label: str
    unit: str
    level: float | None
    now: str


class Numbers(msgspec.Struct, frozen=True):
    """The first numbers that match, in order of node and metric, and how many do.

    `is_complete` is false while the hub still looks which numbers there are.
    """

    rows: list[Number]
    total: int
    is_complete: bool


Level = tuple[str, str, float | None]  # node, metric, present mean


class _Levels(msgspec.Struct, frozen=True):
    rows: list[Level]


@permitted("causal:read")
def find_numbers(
    ws: Workspace, text: str = "", *, limit: int = 30, patience_s: float = 1.5
) -> Numbers:
    """Return numbers of the last hours whose name, or whose label, holds every word of `text`.

    Which there are is an analysis of its own: nobody waits for it longer than `patience_s`.
    """
    if not 1 <= limit <= 200:
        raise Malformed(f"limit is 1 to 200, got {limit}")
    known = _known(ws, patience_s)
    found = _holding(known or [], text.casefold().split())
    return Numbers([_number(row) for row in found[:limit]], len(found), known is not None)


@permitted("causal:read")
def largest_numbers(ws: Workspace, metrics: Sequence[str]) -> list[Number]:
    """Return for each metric the number with the largest level, where any has one."""
    best: dict[str, Level] = {}
    for row in _known(ws, 0.0) or []:
        if row[2] and (row[1] not in best or row[2] >= (best[row[1]][2] or 0.0)):
            best[row[1]] = row
    return [_number(best[metric]) for metric in metrics if metric in best]


def _known(ws: Workspace, patience_s: float) -> list[Level] | None:
    known = follow(
        ws, "numbers", _Levels, lambda progress: _Levels(_read(ws, progress.at)),
        fresh_s=FRESH_S, patience_s=patience_s,
    )  # fmt: skip
    return None if isinstance(known, Job) else known.rows


def _read(ws: Workspace, progress: Progress) -> list[Level]:
    now = ws.now_ms()
    found = read_scene(ws, Window(now - LOOK_BACK_MS, now), progress).metrics
    return [(*key, _present(found[key])) for key in sorted(found)]


def _present(series: Series) -> float | None:
    late = series.times_s >= series.times_s[-1] - PRESENT_S if series.times_s.size else []
    values = series.values[late & np.isfinite(series.values)] if len(late) else np.empty(0)
    return float(values.mean()) if values.size else None


def _holding(rows: list[Level], words: list[str]) -> list[Level]:
    if not words:
        return rows
    names = {metric: metric_name(metric) for metric in {row[1] for row in rows}}
    wholes = [f"{names[metric]} {node} {metric}".casefold() for node, metric, _ in rows]
    return [
        row for row, whole in zip(rows, wholes, strict=True) if all(word in whole for word in words)
    ]


def _number(row: Level) -> Number:
    node, metric, level = row
    unit = UNITS.get(metric, "")
    now = "" if level is None else t("impact.now", value=quantity(level, unit))
    return Number(node, metric, title((node, metric)), "%" if unit == "share" else unit, level, now)


def metric_name(metric: str) -> str:
    """Return the name of a metric in the language in use; unknown ones keep their own."""
    if metric in EVENTS:
        return t(f"chart.mark_{metric}")
    if metric.startswith(BURN_RATE):
        return t("causal_graph.m_burn_rate", objective=metric.removeprefix(BURN_RATE))
    if metric.startswith(FEATURE_DRIFT):
        return t("causal_graph.m_feature_drift", feature=metric.removeprefix(FEATURE_DRIFT))
    return t(f"causal_graph.m_{metric}") if metric in METRICS else metric


def title(key: Key) -> str:
    """Return a number as a reader says it."""
    return f"{metric_name(key[1])} · {key[0]}" if key[1] else key[0]
