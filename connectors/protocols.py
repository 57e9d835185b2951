"""What the hub asks of a backend. Every protocol has one contract suite that every backend passes.

A *backend* is opened once per process by `app.factory`; `scoped(tenant)` gives the store that
services see, so no service can name another tenant. Times are epoch milliseconds (UTC). Every
method may raise `connectors.errors.ConnectorError`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Literal, Protocol, TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.selector import Selector
from connectors.telemetry import Analysis, Event, Inference, Label, Log, MetricBatch, Series, Span

T = TypeVar("T")

Aggregate = Literal[
    "avg", "sum", "min", "max", "count", "last", "p50", "p95", "p99", "increase", "rate"
]
"""`increase` and `rate` treat the series as a cumulative counter and survive its resets."""


class SeriesPoints(msgspec.Struct, frozen=True):
    """One series (or group of series) over time; a bucket without samples is NaN."""

    series: Series
    timestamps_ms: NDArray[np.int64]
    values: NDArray[np.float64]


class StoreHealth(msgspec.Struct, frozen=True):
    """What readiness and the status strip say of a backend."""

    name: str
    ok: bool
    detail: str = ""
    stats: dict[str, float] = {}


class MetricStore(Protocol):
    """Samples of one tenant. Idempotent by (series, timestamp): the last write wins."""

    def append(self, batch: MetricBatch) -> None:
        """Return once every sample is durable; raise and keep nothing otherwise."""
        ...

    def series(self, selector: Selector, *, limit: int = 10_000) -> list[Series]:
        """Series that match, in order of name and labels."""
        ...

    def names(self) -> list[str]:
        """Metric names in order."""
        ...

    def label_values(self, label: str, selector: Selector | None = None) -> list[str]:
        """Distinct values of a label in order."""
        ...

    def raw(
        self, selector: Selector, start_ms: int, end_ms: int, *, limit: int = 1_000_000
    ) -> list[SeriesPoints]:
        """Stored samples in [start, end), by series; `TooMuch` above `limit` samples."""
        ...

    def window(
        self,
        selector: Selector,
        start_ms: int,
        end_ms: int,
        step_ms: int,
        *,
        over_time: Aggregate = "avg",
        across: Aggregate | None = None,
        by: tuple[str, ...] = (),
    ) -> list[SeriesPoints]:
        """Buckets [start + i·step, start + (i+1)·step) of each series, reduced by `over_time`.

        `across` then reduces the series to one, or to one per distinct values of the labels `by`.
        Start is aligned down to the step. Percentiles over more than raw resolution are taken over
        the finest rollup that answers in time and are documented as such.
        """
        ...

    def latest(self, selector: Selector, *, since_ms: int) -> list[SeriesPoints]:
        """The newest sample of each series at or after `since_ms`, one point each."""
        ...

    def delete(self, selector: Selector) -> int:
        """Delete matching series with their samples; the number of series deleted."""
        ...


class MetricBackend(Protocol):
    """Opens per-tenant stores and does the housekeeping of all."""

    def scoped(self, tenant: str) -> MetricStore: ...

    def maintain(self, now_ms: int) -> None:
        """One bounded step of compaction and retention; called often, cheap when idle."""
        ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...


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

    def models_seen(self) -> list[ModelSeen]: ...

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


class Record(msgspec.Struct, frozen=True):
    """A document of state: `revision` starts at 1 and grows by one with each write."""

    kind: str
    id: str
    revision: int
    body: dict[str, Any]  # JSON
    created_at_ms: int
    updated_at_ms: int


class RecordTransaction(Protocol):
    """Reads and writes that take effect together or not at all."""

    def get(self, kind: str, id: str) -> Record | None: ...

    def put(
        self, kind: str, id: str, body: dict[str, Any], *, expected_revision: int | None = None
    ) -> Record:
        """Write; 0 expects absence, n expects revision n, None overwrites. Raises `Conflict`."""
        ...

    def delete(self, kind: str, id: str) -> bool: ...

    def list(
        self,
        kind: str,
        *,
        where: dict[str, str] | None = None,
        limit: int = 1_000,
        after_id: str | None = None,
    ) -> list[Record]:
        """Records in order of id; `where` compares top-level text fields of the body."""
        ...


class RecordStore(RecordTransaction, Protocol):
    """State of one tenant: each single call is its own transaction."""

    def transaction(self) -> AbstractContextManager[RecordTransaction]: ...

    def put_blob(self, kind: str, id: str, content: bytes) -> None: ...

    def get_blob(self, kind: str, id: str) -> bytes | None: ...

    def delete_blob(self, kind: str, id: str) -> bool: ...


class Lease(msgspec.Struct, frozen=True):
    """A right held until `expires_at_ms`; `token` grows with every grant of the name (fencing)."""

    name: str
    owner: str
    token: int
    expires_at_ms: int


class Lock(Protocol):
    """Leases by name, across processes."""

    def acquire(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        """The lease, renewed when `owner` holds it; None while somebody else does."""
        ...

    def release(self, lease: Lease) -> bool: ...


class RecordBackend(Protocol):
    """Opens per-tenant record stores; tenant ``""`` is the installation itself (tenants, keys)."""

    def scoped(self, tenant: str) -> RecordStore: ...

    def lock(self) -> Lock: ...

    def claim_run(self, job: str, scheduled_at_ms: int, owner: str) -> bool:
        """True for exactly one caller per (job, scheduled_at), over all processes and for ever."""
        ...

    def health(self) -> StoreHealth: ...

    def close(self) -> None: ...


class Cache(Protocol):
    """Results by key, computed by one caller at a time."""

    def get_or_compute(
        self,
        key: str,
        kind: type[T],
        compute: Callable[[], T],
        *,
        fresh_s: float,
        stale_s: float = 0.0,
    ) -> T:
        """The cached value while fresh; while stale, the old value and ONE background refresh;
        otherwise ONE caller computes (across threads, and across processes on a shared cache) and
        the others wait for it. An exception of `compute` reaches every waiter, uncached."""
        ...

    def put(
        self, key: str, value: T, kind: type[T], *, fresh_s: float, stale_s: float = 0.0
    ) -> None: ...

    def get(self, key: str, kind: type[T]) -> T | None: ...

    def invalidate(self, prefix: str) -> None: ...

    def health(self) -> StoreHealth: ...


class Message(msgspec.Struct, frozen=True):
    """What travels on the bus: JSON bytes for one tenant's channel."""

    tenant: str
    channel: str
    data: bytes


class Subscription(Protocol):
    """A bounded queue that drops its oldest message when its reader is slow."""

    def __iter__(self) -> Iterator[Message]: ...

    def get(self, timeout_s: float) -> Message | None: ...

    def close(self) -> None: ...

    @property
    def dropped(self) -> int: ...


class Bus(Protocol):
    """Publish and subscribe, at most once, in order per publisher."""

    def publish(self, message: Message) -> None: ...

    def subscribe(
        self, tenant: str, channels: Sequence[str], *, capacity: int = 100
    ) -> Subscription: ...

    def health(self) -> StoreHealth: ...


class JudgeModel(Protocol):
    """A language model that answers a question with text; `model` is its name."""

    @property
    def model(self) -> str: ...

    def ask(self, system: str, user: str, *, max_output_tokens: int) -> str:
        """Return the text of the answer, within the timeout it was opened with."""
        ...


class Notifier(Protocol):
    """Delivers an alert to people."""

    def notify(self, title: str, body: str, severity: str, dedup_key: str, link: str) -> None: ...
