"""What the hub asks of a backend. Every protocol has one contract suite that every backend passes.

A *backend* is opened once per process by `app.factory`; `scoped(tenant)` gives the store that
services see, so no service can name another tenant. Times are epoch milliseconds (UTC). Every
method may raise `connectors.errors.ConnectorError`.
"""

from connectors.protocols.audit import AuditEntry, AuditHead, AuditLog, AuditQuery
from connectors.protocols.events import (
    Added,
    EventBackend,
    EventQuery,
    EventStore,
    InferenceColumns,
    ModelSeen,
    Page,
    ServiceEdge,
    TraceHead,
    TraceQuery,
)
from connectors.protocols.health import StoreHealth
from connectors.protocols.live import Bus, Cache, Message, Subscription
from connectors.protocols.metrics import Aggregate, MetricBackend, MetricStore, SeriesPoints
from connectors.protocols.outside import CosignAnswer, JudgeModel, Notifier, Witness
from connectors.protocols.records import (
    Lease,
    Lock,
    OpenTransaction,
    Record,
    RecordBackend,
    RecordStore,
    RecordTransaction,
)

__all__ = [
    "Added",
    "Aggregate",
    "AuditEntry",
    "AuditHead",
    "AuditLog",
    "AuditQuery",
    "Bus",
    "Cache",
    "CosignAnswer",
    "EventBackend",
    "EventQuery",
    "EventStore",
    "InferenceColumns",
    "JudgeModel",
    "Lease",
    "Lock",
    "Message",
    "MetricBackend",
    "MetricStore",
    "ModelSeen",
    "Notifier",
    "OpenTransaction",
    "Page",
    "Record",
    "RecordBackend",
    "RecordStore",
    "RecordTransaction",
    "SeriesPoints",
    "ServiceEdge",
    "StoreHealth",
    "Subscription",
    "TraceHead",
    "TraceQuery",
    "Witness",
]
