"""Random histories: the store answers as a few lists and dictionaries would."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from connectors.protocols import EventBackend, EventQuery
from connectors.sqlite_events import SqliteEventBackend
from connectors.telemetry import Inference, Label, Log, Span

DAY_MS = 86_400_000
T0 = 20_000 * DAY_MS + 12 * 3_600_000
ERRORS = ("error", "critical")

times = st.integers(-2 * 86_400, 86_400).map(lambda s: T0 + s * 1_000)
near_times = st.integers(0, 40).map(lambda i: T0 + i * 7_000)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70).filter(lambda i: abs(i) < 2**63),
    st.floats(allow_nan=False),
    st.sampled_from(["red", "green", "", "ü"]),
)
numbers = st.one_of(st.none(), st.integers(-5, 5), st.floats(-1, 1), st.booleans())
ids = st.integers(0, 60).map(lambda i: f"i{i}")
words = st.sampled_from(["connection", "refused", "timeout", "model", "loaded", "ok"])
messages = st.lists(words, max_size=4).map(" ".join)

inferences = st.builds(
    Inference,
    inference_id=ids,
    model_id=st.sampled_from(["m", "n"]),
    timestamp_ms=st.one_of(times, near_times),
    model_version=st.sampled_from(["", "2"]),
    features=st.one_of(
        st.none(),
        st.fixed_dictionaries({"x": numbers}, optional={"y": scalars, "z": scalars}),
    ),
    prediction=st.one_of(st.none(), st.booleans(), st.integers(0, 3), st.sampled_from("ab")),
    score=st.one_of(
        st.none(), st.floats(0, 1), st.dictionaries(st.sampled_from("ab"), st.floats(0, 1))
    ),
    interval=st.one_of(st.none(), st.tuples(st.floats(0, 1), st.floats(1, 2))),
    label=st.one_of(st.none(), st.booleans(), st.sampled_from("ab")),
    embedding=st.one_of(st.none(), st.lists(st.floats(-1, 1), max_size=3)),
    prompt=st.one_of(st.none(), messages),
    context=st.one_of(st.none(), st.lists(messages, max_size=2)),
    error=st.one_of(st.none(), messages),
    trace_id=st.one_of(st.none(), st.sampled_from(["t1", "t2"])),
    latency_ms=st.one_of(st.none(), st.floats(0, 100)),
    input_tokens=st.one_of(st.none(), st.integers(0, 9)),
    tags=st.one_of(st.none(), st.just({"sample": "true"}), st.just({"k": "v"})),
)
labels = st.builds(
    Label, inference_id=ids, label=st.sampled_from([True, 1, "a", 0.5]), timestamp_ms=near_times
)
logs = st.builds(
    Log,
    log_id=st.integers(0, 80).map(str),
    timestamp_ms=near_times,
    message=messages,
    level=st.sampled_from(["info", "error"]),
    service=st.sampled_from(["", "api", "db"]),
    trace_id=st.one_of(st.none(), st.sampled_from(["t1", "t2"])),
)
spans = st.builds(
    Span,
    trace_id=st.sampled_from(["t1", "t2"]),
    span_id=st.sampled_from("abcdef"),
    name=messages,
    service=st.sampled_from(["api", "db", "web"]),
    start_ms=near_times.map(lambda t: t + 0.5),
    duration_ms=st.integers(0, 50).map(float),
    parent_span_id=st.sampled_from(["", "a", "b", "c", "zz"]),
    kind=st.sampled_from(["server", "client", "internal"]),
    is_error=st.booleans(),
)


class Naive:
    """What the store is, said in dictionaries."""

    def __init__(self) -> None:
        self.inferences: dict[str, Inference] = {}
        self.labels: dict[str, Label] = {}
        self.logs: dict[str, Log] = {}
        self.spans: dict[tuple[str, str], Span] = {}
        self.touched: set[tuple[str, int]] = set()

    def add(self, kept: dict[Any, Any], rows: list[Any], key: Callable[[Any], Any]) -> int:
        before = len(kept)
        for row in rows:
            kept.setdefault(key(row), row)
        return len(kept) - before

    def add_inferences(self, rows: list[Inference]) -> int:
        stored = 0
        for row in rows:
            if row.inference_id in self.inferences:
                continue
            stored += 1
            self.inferences[row.inference_id] = row
            self.touched.add((row.model_id, row.timestamp_ms // 60_000 * 60_000))
            if row.label is not None:
                self.offer(Label(row.inference_id, row.label, row.timestamp_ms))
        return stored

    def offer(self, new: Label) -> bool:
        old = self.labels.get(new.inference_id)
        if old is not None:
            same = type(old.label) is type(new.label) and old.label == new.label
            if new.timestamp_ms < old.timestamp_ms:
                return False
            if new.timestamp_ms == old.timestamp_ms and same:
                return False
        self.labels[new.inference_id] = new
        row = self.inferences.get(new.inference_id)
        if row is not None:
            self.touched.add((row.model_id, row.timestamp_ms // 60_000 * 60_000))
        return True

    def joined(self, row: Inference) -> Inference:
        label = self.labels.get(row.inference_id)
        values = {f: getattr(row, f) for f in row.__struct_fields__}
        return Inference(**{**values, "label": label.label if label else None})

    def edges(self) -> dict[tuple[str, str, int], list[float]]:
        found: dict[tuple[str, str, int], list[float]] = {}
        for span in self.spans.values():
            parent = self.spans.get((span.trace_id, span.parent_span_id))
            if not span.parent_span_id:
                caller, seen = "", span.duration_ms
                if span.kind == "client":
                    continue
            elif parent is None or parent.service == span.service:
                continue
            else:
                caller = parent.service
                seen = parent.duration_ms if parent.kind == "client" else span.duration_ms
            cell = found.setdefault(
                (caller, span.service, int(span.start_ms) // 60_000 * 60_000), [0, 0, 0, 0]
            )
            for i, value in enumerate((1, span.is_error, span.duration_ms, seen)):
                cell[i] += value
        return found


class Histories(RuleBasedStateMachine):
    """Adds, retries, late labels, maintenance and reopening, in any order."""

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.naive = Naive()
        self.cursor = 0
        self.open()

    def open(self) -> None:
        self.backend: EventBackend = SqliteEventBackend(
            self.folder, retention_days=30, clock=lambda: T0
        )
        self.store = self.backend.scoped("t")

    @rule(rows=st.lists(inferences, max_size=12))
    def add_inferences(self, rows: list[Inference]) -> None:
        assert self.store.add_inferences(rows).stored == self.naive.add_inferences(rows)

    @rule(rows=st.lists(inferences, min_size=6, max_size=9))
    def add_one_by_one(self, rows: list[Inference]) -> None:
        for row in rows:
            self.add_inferences([row])

    @rule(rows=st.lists(labels, max_size=8))
    def add_labels(self, rows: list[Label]) -> None:
        expected = sum([self.naive.offer(row) for row in rows])
        assert self.store.add_labels(rows).stored == expected

    @rule(rows=st.lists(labels, min_size=8, max_size=9))
    def add_labels_one_by_one(self, rows: list[Label]) -> None:
        for row in rows:
            self.add_labels([row])

    @rule(rows=st.lists(logs, max_size=12))
    def add_logs(self, rows: list[Log]) -> None:
        expected = self.naive.add(self.naive.logs, rows, lambda row: row.log_id)
        assert self.store.add_logs(rows).stored == expected

    @rule(rows=st.lists(spans, max_size=5))
    def add_spans(self, rows: list[Span]) -> None:
        expected = self.naive.add(self.naive.spans, rows, lambda r: (r.trace_id, r.span_id))
        assert self.store.add_spans(rows).stored == expected

    @rule(days=st.sampled_from([0, 0, 2]))
    def maintain(self, days: int) -> None:
        # With days passed, past partitions merge; edges of lost parents would settle too.
        if not days or all(
            not s.parent_span_id or (s.trace_id, s.parent_span_id) in self.naive.spans
            for s in self.naive.spans.values()
        ):
            self.backend.maintain(T0 + days * DAY_MS)

    @rule()
    def reopen(self) -> None:
        self.backend.close()
        self.open()

    @rule(limit=st.integers(1, 7), text=st.one_of(st.none(), words), errors=st.booleans())
    def pages_agree(self, limit: int, text: str | None, errors: bool) -> None:
        def wanted(row: Any) -> bool:
            if isinstance(row, Inference):
                parts = [row.prompt or "", *(row.context or []), row.error or ""]
                spoken, failed = " ".join(parts), row.error is not None
            else:
                spoken, failed = row.message, row.level in ERRORS
            return (text is None or text in spoken.split()) and (failed or not errors)

        kept = (self.naive.logs, self.store.logs), (self.naive.inferences, self.store.inferences)
        for rows, read in kept:
            found: list[Any] = []
            cursor = None
            while True:
                query = EventQuery(
                    0, 2 * T0, text=text, only_errors=errors, limit=limit, cursor=cursor
                )
                page = read(query)
                assert len(page.rows) <= limit
                found, cursor = found + page.rows, page.cursor
                if cursor is None:
                    break
            assert [r.timestamp_ms for r in found] == sorted(
                (r.timestamp_ms for r in found), reverse=True
            )
            expected = [self._final(row) for row in rows.values() if wanted(row)]
            assert sorted(map(repr, found)) == sorted(map(repr, expected))

    def _final(self, row: Any) -> Any:
        return self.naive.joined(row) if isinstance(row, Inference) else row

    @rule(
        start=st.one_of(st.just(0), times),
        end=st.one_of(st.just(2 * T0), times),
        version=st.sampled_from([None, "", "2"]),
        limit=st.one_of(st.none(), st.integers(0, 5)),
    )
    def columns_agree(self, start: int, end: int, version: str | None, limit: int | None) -> None:
        found = self.store.inference_columns("m", start, end, version=version, limit=limit)
        inside = [
            self.naive.joined(row)
            for row in self.naive.inferences.values()
            if row.model_id == "m"
            and start <= row.timestamp_ms < end
            and version in (None, row.model_version)
        ]
        stamps = sorted(row.timestamp_ms for row in inside)
        stamps = stamps if limit is None else stamps[len(stamps) - min(limit, len(stamps)) :]
        assert found.timestamps_ms.tolist() == stamps
        rows = [self.naive.joined(self.naive.inferences[i]) for i in found.inference_ids]
        assert [row.timestamp_ms for row in rows] == stamps
        assert found.versions.tolist() == [row.model_version for row in rows]
        expected = {"label": [row.label for row in rows]}
        expected["label_timestamp_ms"] = [
            None if row.label is None else self.naive.labels[row.inference_id].timestamp_ms
            for row in rows
        ]
        for name in "xyz":
            expected[f"feature:{name}"] = [(row.features or {}).get(name) for row in rows]
        for name in ("prediction", "latency_ms", "input_tokens", "error", "tags"):
            expected[name] = [getattr(row, name) for row in rows]
        scores = [row.score if isinstance(row.score, dict) else {} for row in rows]
        expected["score"] = [None if isinstance(row.score, dict) else row.score for row in rows]
        expected |= {f"score:{c}": [score.get(c) for score in scores] for c in "ab"}
        expected["interval:low"] = [row.interval and row.interval[0] for row in rows]
        for name, values in expected.items():
            self._same_column(found.columns.get(name), values)
        assert not set(found.columns) & {"prompt", "context", "embedding"}

    @staticmethod
    def _same_column(found: Any, values: list[Any]) -> None:
        if all(value is None for value in values):
            assert found is None
        elif all(value is None or isinstance(value, bool | int | float) for value in values):
            assert found.dtype == np.float64
            np.testing.assert_array_equal(
                found, [math.nan if value is None else float(value) for value in values]
            )
        else:
            assert list(map(repr, found.tolist())) == list(map(repr, values))

    @rule(
        start=st.integers(-2, 6).map(lambda m: T0 + m * 30_000),
        length=st.integers(1, 400).map(lambda s: s * 1_000),
        step=st.sampled_from([7_000, 60_000, 120_000]),
        by=st.sampled_from(["level", "service"]),
    )
    def log_counts_agree(self, start: int, length: int, step: int, by: str) -> None:
        expected: dict[str, list[int]] = {}
        for row in self.naive.logs.values():
            if start <= row.timestamp_ms < start + length:
                steps = expected.setdefault(getattr(row, by), [0] * math.ceil(length / step))
                steps[(row.timestamp_ms - start) // step] += 1
        found = self.store.log_counts(start, start + length, step, by=by)  # type: ignore[arg-type]
        assert {value: counts.tolist() for value, counts in found.items()} == expected

    @rule()
    def incremental_answers_agree(self) -> None:
        pairs, self.cursor = self.store.touched_minutes(self.cursor)
        assert set(pairs) == self.naive.touched
        self.naive.touched = set()
        edges = {
            (edge.caller, edge.callee, minute): list(numbers)
            for edge in self.store.service_edges(0, 2 * T0)
            for minute, *numbers in zip(
                edge.minute_ms.tolist(),
                edge.calls,
                edge.errors,
                edge.duration_ms,
                edge.client_ms,
                strict=True,
            )
        }
        assert edges == self.naive.edges()
        seen = {(m.model_id, m.version): m.count for m in self.store.models_seen()}
        expected: dict[tuple[str, str], int] = {}
        for row in self.naive.inferences.values():
            key = (row.model_id, row.model_version)
            expected[key] = expected.get(key, 0) + 1
        assert seen == expected

    @invariant()
    def every_inference_is_found(self) -> None:
        for key, row in list(getattr(self, "naive", Naive()).inferences.items())[:5]:
            assert repr(self.store.inference(key)) == repr(self.naive.joined(row))

    def teardown(self) -> None:
        if hasattr(self, "backend"):
            self.backend.close()
            shutil.rmtree(self.folder)


Histories.TestCase.settings = settings(
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestHistories = Histories.TestCase
