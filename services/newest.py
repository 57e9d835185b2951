"""Rules over a model's newest rows: what a handful of requests can already tell.

A window of ten minutes hides the first of them, and a model asked every few seconds has a dozen
rows in two. Each rule compares the newest rows with the model's last day.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import drift as engine
from engines.alerting import excess_p_value, surge_evidence
from engines.drift import ColumnDrift, TableSketch
from engines.drift.category_sketch import CategorySketch
from engines.drift.quantile_sketch import QuantileSketch
from services.incidents import Finding, Severity
from services.models import Model
from services.sketches import feature_columns
from services.times import DAY_MS, MINUTE_MS, WEEK_MS
from services.usual import (
    RECENT_MS,
    Level,
    Usual,
    is_present,
    read_contexts,
    read_usual,
)
from services.workspace import Workspace

MAX_ROWS = 500
FEW, SOME = 12, 20
"""Rows that a count needs, and rows that a rank test needs (Mann and Whitney 1947 show it from 8;
`engines.drift` asks for 20). Where a minute brings more, all of its rows are looked at: a burst of
requests within a second tells little about the model."""
LEAST_RUN, LEAST_RUN_MS = 4, 20_000
"""Requests that the evidence of single ones needs, and the time that they span: four slow answers
within a second may be one pause. Where a minute brings a dozen rows, they are judged together."""
LEAST_USUAL = 100
LARGE_SHIFT = 0.5
"""Distance of distribution functions from which a shift is an incident and not only drift."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How sure a finding must be: the p value for so many tests, and the evidence of single
    requests, as a logarithm, for so many of them a week."""

    p: Callable[[int], float]
    evidence: Callable[[float], float]


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest rows of a model, what is usual for it, and how sure a finding must be."""

    model: Model
    rows: InferenceColumns
    usual: Usual
    p_limit: float
    evidence_limit: float

    def column(self, name: str, least: int = FEW) -> NDArray[Any]:  # float64 or object
        """Return a column's newest values: at least those of the last minute."""
        values = self.rows.columns.get(name)
        return np.array([]) if values is None else values[-self.count(least) :]

    def times(self, least: int) -> NDArray[np.int64]:
        """Return when the rows of `column` came."""
        return self.rows.timestamps_ms[-self.count(least) :]

    def count(self, least: int) -> int:
        """Return how many rows are looked at."""
        return max(least, self.last_minute())

    def last_minute(self) -> int:
        """Return how many rows the minute before the newest one brought."""
        if len(self.rows) == 0:
            return 0
        return int((self.rows.timestamps_ms > self.rows.timestamps_ms[-1] - MINUTE_MS).sum())

    def finding(
        self, rule: str, severity: Severity, title: str, evidence: dict[str, object]
    ) -> Finding:
        """Return a finding about the model."""
        return Finding(rule, "model", self.model.model_id, severity, title, evidence)


def read_newest(ws: Workspace, model: Model, limits: Limits) -> Newest | None:
    """Return the newest rows; None when they or the day before are too few to compare."""
    usual = read_usual(ws, model)
    now = ws.now_ms()
    rows = ws.events.inference_columns(model.model_id, now - RECENT_MS, now, limit=MAX_ROWS)
    if len(rows) < FEW or usual.rows < LEAST_USUAL:
        return None
    features = sum(name.startswith("feature:") for name in rows.columns)
    rows_a_week = WEEK_MS / DAY_MS * max(usual.rows, len(rows) * DAY_MS / RECENT_MS)
    return Newest(model, rows, usual, limits.p(2 * features), limits.evidence(rows_a_week))


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
    if usual is None:
        return None
    column = np.asarray(new.column(name), dtype=float)
    if column.size == 0:
        return None
    known = np.isfinite(column)
    values = column[known]
    marks = [(values > mark.value, mark.above) for mark in usual.marks]
    run = _run(new, new.times(FEW)[known], marks, usual.rows)
    if run:
        return _High(float(np.median(values[-run:])), usual.median, run)
    if len(values) < FEW // 2:
        return None
    above = int((values > usual.high).sum())
    p_value = excess_p_value(above, len(values), 0.05 * usual.rows, usual.rows)
    if p_value >= new.p_limit or above / len(values) <= 0.5:
        return None
    return _High(float(np.median(values)), usual.median, len(values))


def _run(
    new: Newest,
    times_ms: NDArray[np.int64],
    signs: Sequence[tuple[NDArray[np.bool_], float]],
    usual_rows: float,
) -> int:
    """Return how many newest requests, one by one, show for sure that something took over; 0 for
    none.

    `signs` says of each row whether it shows a sign, and how many rows of the past did. Evidence
    is averaged over signs, which keeps its meaning.
    """
    if len(times_ms) < LEAST_RUN or new.last_minute() >= FEW:
        return 0
    found = [surge_evidence(shows.tolist(), count, usual_rows) for shows, count in signs]
    mean = float(np.logaddexp.reduce([evidence for evidence, _ in found])) - np.log(len(found))
    run = max(found)[1]
    is_apart = run >= LEAST_RUN and times_ms[-1] - times_ms[-run] >= LEAST_RUN_MS
    return run if is_apart and mean >= new.evidence_limit else 0


def retrieval_rule(ws: Workspace, new: Newest) -> Iterator[Finding]:
    """Answers come without any passage: retrieval does not deliver."""
    usual = new.usual
    if new.model.model_type != "rag" or not usual.answers:
        return
    rows = read_contexts(ws, new.model.model_id, ws.now_ms() - RECENT_MS, new.count(FEW))
    is_empty = ~is_present(rows.columns["context"])
    run = _run(new, rows.timestamps_ms, [(is_empty, usual.without_context)], usual.answers)
    is_empty = is_empty[-run:]
    empty, n = int(is_empty.sum()), len(is_empty)
    p_value = excess_p_value(empty, n, usual.without_context, usual.answers)
    now, before = empty / n, usual.without_context / usual.answers
    if (run or p_value < new.p_limit) and now >= 0.2:
        title = f"{now:.0%} of the newest answers of {new.model.name} have no passage"
        evidence: dict[str, object] = {"now": now, "before": before, "n": n}
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
    old = dataclasses.replace(new, rows=rows)
    labels = old.column("label", SOME).tolist()
    if len(labels) < SOME:
        return
    is_missing = np.array([label is None or label != label for label in labels], dtype=bool)
    run = _run(old, old.times(SOME), [(is_missing, usual.unlabelled)], usual.old_enough)
    is_missing = is_missing[-run:]
    missing, n = int(is_missing.sum()), len(is_missing)
    p_value = excess_p_value(missing, n, usual.unlabelled, usual.old_enough)
    before = 1 - usual.unlabelled / usual.old_enough
    now = 1 - missing / n
    if (run or p_value < new.p_limit) and before - now >= 0.3:
        title = f"Labels of {new.model.name} are late: {now:.0%} came, usually {before:.0%} do"
        evidence: dict[str, object] = {"now": now, "before": before, "n": n}
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
