"""Rows of telemetry: what is asked of a store of inferences, labels, logs, spans and events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.protocols.health import StoreHealth
from connectors.telemetry import Analysis, Event, Inference, Label, Log, Span


class Added(msgspec.Struct, frozen=True):
    """How a batch of events fared: duplicates are not errors, a retry is harmless."""

    stored: int
    duplicates: int


class InferenceColumns(msgspec.Struct, frozen=True):
    """Inferences as arrays of one length, oldest first.

    Numeric columns are float64 with NaN for missing; text and mixed columns are object arrays with
    None for missing.
    """

    inference_ids: NDArray[np.object_]
    timestamps_ms: NDArray[np.int64]
    versions: NDArray[np.object_]
    columns: dict[str, NDArray[Any]]  # float64 or object, per column

    def __len__(self) -> int:
        return len(self.timestamps_ms)


class Page(msgspec.Struct, frozen=True):
    """Rows newest first, and the cursor that continues, or None at the end."""

    rows: list[Any]  # Inference, Log, Span, TraceHead or Event, as the method says
    cursor: str | None


class EventQuery(msgspec.Struct, frozen=True, omit_defaults=True):
    """Filters for reading rows; None means any. `text` searches words in the message fields."""

    start_ms: int
    end_ms: int
    model_id: str | None = None
    version: str | None = None
    service: str | None = None
    kind: str | None = None  # level of a log, event_type of an event, name of a span
    trace_id: str | None = None
    text: str | None = None
    only_errors: bool = False
    limit: int = 100
    cursor: str | None = None


class TraceQuery(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which traces began in [start, end); `service` and `model_id` may be those of any span."""

    start_ms: int
    end_ms: int
    service: str | None = None
    model_id: str | None = None
    only_errors: bool = False
    min_duration_ms: float | None = None
    order: Literal["newest", "slowest"] = "newest"
    limit: int = 100
    cursor: str | None = None


class TraceHead(msgspec.Struct, frozen=True):
    """A trace in one line: named by its root, or by its earliest span while the root is missing.

    The duration is from the first start to the last end of its spans.
    """

    trace_id: str
    name: str
    service: str
    start_ms: float
    duration_ms: float
    spans: int
    errors: int
    model_id: str | None = None


class ServiceEdge(msgspec.Struct, frozen=True):
    """Calls from one service to another (caller "" = entry), per step, as seen in spans.

    `duration_ms` is the callee's time as its own server spans measured it, `client_ms` what the
    caller saw: both are sums over the step's calls.
    """

    caller: str
    callee: str
    minute_ms: NDArray[np.int64]
    calls: NDArray[np.float64]
    errors: NDArray[np.float64]
    duration_ms: NDArray[np.float64]
    client_ms: NDArray[np.float64]


class ModelSeen(msgspec.Struct, frozen=True):
    """A (model, version) that has sent inferences, with its first and last time and count."""

    model_id: str
    version: str
    first_ms: int
    last_ms: int
    count: int
    is_sample: bool


class EventStore(Protocol):
    """Inferences, logs, spans, events and analyses of one tenant.

    Adding is durable and idempotent by id.
    """

    def add_inferences(self, rows: Sequence[Inference]) -> Added: ...

    def add_labels(self, rows: Sequence[Label]) -> Added:
        """Labels may precede their inference; the latest label for an id wins."""
        ...

    def add_logs(self, rows: Sequence[Log]) -> Added: ...

    def add_spans(self, rows: Sequence[Span]) -> Added: ...

    def add_events(self, rows: Sequence[Event]) -> Added: ...

    def models_seen(self, model_id: str | None = None) -> list[ModelSeen]:
        """What each version of a model, or of all, sent so far, in order of model and version."""
        ...

    def first_seen_ms(self, model_id: str | None = None) -> int | None:
        """When the first inference of a model, or of any, happened; None without one."""
        ...

    def inference_columns(
        self,
        model_id: str,
        start_ms: int,
        end_ms: int,
        *,
        columns: Sequence[str] | None = None,
        version: str | None = None,
        limit: int | None = None,
    ) -> InferenceColumns:
        """Columns of a window. Names: ``feature:<name>``, and every other field of `Inference`
        (``score`` float, ``score:<class>`` per class, ``label`` joined with late labels,
        ``label_timestamp_ms``, ``interval:low``, ``interval:high``); None reads all but texts
        and vectors.
        With `limit`, the newest `limit` rows."""
        ...

    def inference(self, inference_id: str) -> Inference | None: ...

    def inferences(self, query: EventQuery) -> Page: ...

    def touched_minutes(
        self, since_cursor: int, limit: int = 10_000
    ) -> tuple[list[tuple[str, int]], int]:
        """(model_id, minute_ms) pairs that received inferences or labels after a cursor, and the
        next cursor: what incremental rollups need, late data included."""
        ...

    def logs(self, query: EventQuery) -> Page: ...

    def spans(self, query: EventQuery) -> Page: ...

    def trace(self, trace_id: str) -> list[Span]: ...

    def traces(self, query: TraceQuery) -> Page:
        """Traces by their start or their duration, never by reading their spans."""
        ...

    def events(self, query: EventQuery) -> Page: ...

    def service_edges(
        self, start_ms: int, end_ms: int, *, step_ms: int | None = 60_000
    ) -> list[ServiceEdge]:
        """Edges with calls in the window's minutes, summed per whole number of minutes counted from
        its start; None sums the whole window."""
        ...

    def log_counts(
        self,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        by: Literal["level", "service"] = "level",
        service: str | None = None,
    ) -> dict[str, NDArray[np.int64]]:
        """Logs per step and level or service; of one service when it is named."""
        ...

    def put_analysis(self, analysis: Analysis) -> None: ...

    def analyses(
        self, kind: str, subject: str, start_ms: int, end_ms: int, *, limit: int = 100
    ) -> list[Analysis]:
        """Newest first."""
        ...


class EventBackend(Protocol):
    """Opens per-tenant event stores; `maintain` fills the text index and applies retention."""

    def scoped(self, tenant: str) -> EventStore: ...

    def maintain(self, now_ms: int) -> None: ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...
