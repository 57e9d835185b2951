"""Rules over a model's newest rows: what a handful of requests can already tell.

A window of ten minutes hides the first of them, and a model asked every few seconds has a dozen
rows in two. Each rule compares the newest rows with the model's last day.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import drift as engine
from engines.alerting import excess_p_value
from engines.drift import ColumnDrift, TableSketch
from engines.drift.category_sketch import CategorySketch
from engines.drift.quantile_sketch import QuantileSketch
from services.incidents import Finding, Severity
from services.models import Model
from services.sketches import feature_columns
from services.times import MINUTE_MS
from services.usual import (
    RECENT_MS,
    Level,
    Usual,
    count_present,
    read_contexts,
    read_usual,
)
from services.workspace import Workspace

MAX_ROWS = 500
FEW, SOME = 12, 20
"""Rows that a count needs, and rows that a rank test needs (Mann and Whitney 1947 show it from 8;
`engines.drift` asks for 20). Where a minute brings more, all of its rows are looked at: a burst of
requests within a second tells little about the model."""
LEAST_USUAL = 100
LARGE_SHIFT = 0.5
"""Distance of distribution functions from which a shift is an incident and not only drift."""


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest rows of a model, what is usual for it, and how sure a finding must be."""

    model: Model
    rows: InferenceColumns
    usual: Usual
    p_limit: float

    def column(self, name: str, least: int = FEW) -> NDArray[Any]:  # float64 or object
        """Return a column's newest values: at least those of the last minute."""
        values = self.rows.columns.get(name)
        return np.array([]) if values is None else values[-self.count(least) :]

    def count(self, least: int) -> int:
        """Return how many rows are looked at."""
        if len(self.rows) == 0:
            return least
        last_minute = self.rows.timestamps_ms > self.rows.timestamps_ms[-1] - MINUTE_MS
        return max(least, int(last_minute.sum()))

    def finding(
        self, rule: str, severity: Severity, title: str, evidence: dict[str, object]
    ) -> Finding:
        """Return a finding about the model."""
        return Finding(rule, "model", self.model.model_id, severity, title, evidence)


def read_newest(ws: Workspace, model: Model, p_limit: Callable[[int], float]) -> Newest | None:
    """Return the newest rows; None when they or the day before are too few to compare."""
    usual = read_usual(ws, model)
    now = ws.now_ms()
    rows = ws.events.inference_columns(model.model_id, now - RECENT_MS, now, limit=MAX_ROWS)
    if len(rows) < FEW or usual.rows < LEAST_USUAL:
        return None
    features = sum(name.startswith("feature:") for name in rows.columns)
    return Newest(model, rows, usual, p_limit(2 * features))


def slow_rule(ws: Workspace, new: Newest) -> Iterator[Finding]:
    """Most of the newest requests take longer than 95 of 100 did the day before."""
    found = _high(new, "latency_ms", new.usual.latency_ms)
    if found is not None and found.ratio >= 1.5:
        severity: Severity = "critical" if found.ratio >= 5 else "warning"
        title = f"{new.model.name} answers {found.ratio:.1f} times slower than the day before"
        yield new.finding("latency", severity, title, found.evidence())


def cost_rule(ws: Workspace, new: Newest) -> Iterator[Finding]:
    """Most of the newest requests cost more than 95 of 100 did the day before."""
    found = _high(new, "cost", new.usual.cost)
    if found is not None and found.ratio >= 1.5:
        title = f"A request to {new.model.name} costs {found.ratio:.1f} times its usual amount"
        yield new.finding("cost", "warning", title, found.evidence())


@dataclass(frozen=True, slots=True)
class _High:
    now: float
    before: float
    rows: int

    @property
    def ratio(self) -> float:
        return self.now / max(self.before, 1e-12)

    def evidence(self) -> dict[str, object]:
        return {"now": self.now, "before": self.before, "n": self.rows}


def _high(new: Newest, name: str, usual: Level | None) -> _High | None:
    """Return the level of a number when more than half of it is high, and not by chance."""
    values = np.asarray(new.column(name), dtype=float)
    values = values[np.isfinite(values)]
    if usual is None or len(values) < FEW // 2:
        return None
    above = int((values > usual.high).sum())
    p_value = excess_p_value(above, len(values), 0.05 * new.usual.rows, new.usual.rows)
    if p_value >= new.p_limit or above / len(values) <= 0.5:
        return None
    return _High(float(np.median(values)), usual.median, len(values))


def retrieval_rule(ws: Workspace, new: Newest) -> Iterator[Finding]:
    """Answers come without any passage: retrieval does not deliver."""
    if new.model.model_type != "rag" or not new.usual.answers:
        return
    rows = new.count(FEW)
    contexts = read_contexts(ws, new.model.model_id, ws.now_ms() - RECENT_MS, rows)
    empty = len(contexts) - count_present(contexts)
    p_value = excess_p_value(empty, len(contexts), new.usual.without_context, new.usual.answers)
    now, before = empty / len(contexts), new.usual.without_context / new.usual.answers
    if p_value < new.p_limit and now >= 0.2:
        title = f"{now:.0%} of the newest answers of {new.model.name} have no passage"
        evidence: dict[str, object] = {"now": now, "before": before, "n": len(contexts)}
        yield new.finding("retrieval_outage", "critical", title, evidence)


def labels_rule(ws: Workspace, new: Newest) -> Iterator[Finding]:
    """Rows that are old enough for a label have none."""
    usual = new.usual
    if usual.label_delay_ms is None or usual.old_enough < LEAST_USUAL:
        return
    end = ws.now_ms() - round(usual.label_delay_ms)
    rows = ws.events.inference_columns(
        new.model.model_id, end - RECENT_MS, end, columns=("label",), limit=MAX_ROWS
    )
    labels = Newest(new.model, rows, usual, new.p_limit).column("label", SOME)
    if len(labels) < SOME:
        return
    missing = sum(label is None or label != label for label in labels.tolist())
    p_value = excess_p_value(missing, len(labels), usual.unlabelled, usual.old_enough)
    before = 1 - usual.unlabelled / usual.old_enough
    now = 1 - missing / len(labels)
    if p_value < new.p_limit and before - now >= 0.3:
        title = f"Labels of {new.model.name} are late: {now:.0%} came, usually {before:.0%} do"
        evidence: dict[str, object] = {"now": now, "before": before, "n": len(labels)}
        yield new.finding("label_delay", "warning", title, evidence)


def features_rule(ws: Workspace, new: Newest) -> Iterator[Finding]:
    """Features changed: a fault where one value or none took over, otherwise a large shift."""
    if new.usual.profile is None:
        return
    profile = engine.from_bytes(new.usual.profile)
    broken = _broken(new, profile)
    if broken:
        title = f"Features of {new.model.name} look broken: {', '.join(broken[:3])}"
        evidence: dict[str, object] = {"features": broken, "n": new.count(FEW)}
        yield new.finding("sensor_fault", "critical", title, evidence)
        return
    shifted = _shifted(new, profile)
    if shifted:
        names = [column.name for column in shifted]
        title = f"Inputs of {new.model.name} shifted: {', '.join(names[:3])}"
        evidence = {"features": names, "score": shifted[0].effect, "n": shifted[0].n_current}
        yield new.finding("covariate_shift", "critical", title, evidence)


def _broken(new: Newest, profile: TableSketch) -> list[str]:
    found = []
    for name in profile.names:
        values = [v for v in new.column(f"feature:{name}").tolist() if v is not None and v == v]
        rows = new.count(FEW)
        missing = rows - len(values)
        is_gone = missing / rows > 0.5 and _is_new(
            new, missing, rows, profile.rows - profile.present(name), profile.rows
        )
        if is_gone or (values and _is_frozen(new, values, name, profile)):
            found.append(name)
    return found


def _is_frozen(new: Newest, values: list[Any], name: str, profile: TableSketch) -> bool:
    """Whether one value, rare the day before, took over."""
    value, count = Counter(values).most_common(1)[0]
    if count / len(values) <= 0.5:
        return False
    number = profile.numbers.get(name)
    before = (
        _rows_at(number, float(value))
        if number is not None and isinstance(value, int | float)
        else _rows_of(profile.categories.get(name), str(value))
    )
    present = profile.present(name)
    is_rare = before <= 0.25 * present
    return is_rare and _is_new(new, count, len(values), min(before, present), present)


def _rows_at(sketch: QuantileSketch, value: float) -> float:
    rows: float = sketch.at[sketch.values == value].sum()
    return float(rows) + sketch.error


def _rows_of(sketch: CategorySketch | None, label: str) -> float:
    return 0.0 if sketch is None else sketch.counts.get(label, 0) + sketch.error


def _is_new(new: Newest, count: int, rows: int, before: float, rows_before: float) -> bool:
    if rows_before <= 0:
        return False
    return excess_p_value(count, rows, before, rows_before) < new.p_limit


def _shifted(new: Newest, profile: TableSketch) -> list[ColumnDrift]:
    """Return columns whose ranks moved far; the chi-square test is left out, since few rows make
    its p value too small."""
    size = new.count(SOME)
    if len(new.rows) < size:
        return []
    chosen = np.arange(len(new.rows)) >= len(new.rows) - size
    current = engine.sketch_table(feature_columns(new.rows, chosen))
    report = engine.compare_sketches(profile, current)
    found = [
        column
        for column in report.columns
        if column.outcome == "drift"
        and column.effect >= LARGE_SHIFT
        and _rank_p_value(column) < new.p_limit
    ]
    return sorted(found, key=lambda column: -column.effect)


def _rank_p_value(column: ColumnDrift) -> float:
    ranks = ("kolmogorov_smirnov", "mann_whitney")
    known = [test.p_value for test in column.tests if test.name in ranks]
    return min(1.0, len(known) * min(known)) if known else 1.0


NEWEST_RULES = (slow_rule, cost_rule, retrieval_rule, labels_rule, features_rule)
