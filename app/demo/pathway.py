"""The services of the sample fleet and the way of a request through them, as OpenTelemetry
spans."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer

from app.demo.incidents import Weather

SERVICES = (
    "gateway", "inference-api", "feature-store", "profile-db", "vector-index", "billing",
)  # fmt: skip
TIMEOUT_MS = 250.0


@dataclass(frozen=True, slots=True)
class Hop:
    """One call: who is called, how long its own work takes, and what it calls in turn."""

    service: str
    name: str
    own_ms: float
    calls: tuple[Hop, ...] = ()
    failed: bool = False

    @property
    def total_ms(self) -> float:
        """Own work and the calls made one after another, as the caller sees it."""
        return self.own_ms + sum(call.total_ms for call in self.calls)


def plan(rng: np.random.Generator, kind: str, model_id: str, model_ms: float, now: Weather) -> Hop:
    """Return the way of one request; networks take a few milliseconds a hop."""

    def hop(mean_ms: float) -> float:
        return float(rng.lognormal(np.log(mean_ms), 0.35))

    if kind == "text":
        down = now.retrieval_down
        search = Hop("vector-index", "search", TIMEOUT_MS if down else hop(9), failed=down)
        inner = Hop("inference-api", f"answer {model_id}", hop(4) + model_ms, (search,))
    else:
        failed = bool(rng.random() < now.feature_store_timeouts)
        slow = now.feature_store_ms * float(rng.lognormal(0, 0.25)) if now.feature_store_ms else 0
        read = Hop("profile-db", "select", hop(2))
        own = TIMEOUT_MS if failed else hop(3) + slow
        features = Hop("feature-store", "get_features", own, (read,), failed)
        inner = Hop("inference-api", f"predict {model_id}", hop(3) + model_ms, (features,), failed)
    bill = Hop("billing", "meter", hop(2))
    return Hop("gateway", "POST /predict", hop(2), (inner, bill), inner.failed)


class Tracers:
    """One tracer a service, each with its own resource, as separate processes would have."""

    def __init__(
        self,
        url: str,
        headers: dict[str, str],
        *,
        queue: int = 20_000,
        exporter: Callable[[], SpanExporter] | None = None,
    ) -> None:
        self._providers: dict[str, TracerProvider] = {}
        for service in SERVICES:
            resource = Resource.create({"service.name": service, "sample": "true"})
            provider = TracerProvider(resource=resource, shutdown_on_exit=False)
            sender = (
                OTLPSpanExporter(endpoint=f"{url}/v1/traces", headers=headers)
                if exporter is None
                else exporter()
            )
            provider.add_span_processor(
                BatchSpanProcessor(sender, max_queue_size=queue, max_export_batch_size=2_000)
            )
            self._providers[service] = provider
        self._tracers: dict[str, Tracer] = {
            service: provider.get_tracer("sample-fleet")
            for service, provider in self._providers.items()
        }

    def record(self, hop: Hop, start_s: float) -> str:
        """Write the spans of a request that began at a moment; its trace id."""
        return self._walk(hop, start_s, None)

    def flush(self) -> None:
        """Return when everything written so far was sent."""
        for provider in self._providers.values():
            provider.force_flush(30_000)

    def close(self) -> None:
        """Send what is left and stop."""
        for provider in self._providers.values():
            provider.shutdown()

    def _walk(self, hop: Hop, start_s: float, parent: trace.Span | None) -> str:
        span = self._begin(hop, int(start_s * 1e9), parent)
        at = start_s + hop.own_ms / 2_000
        for call in hop.calls:
            self._walk(call, at, span)
            at += call.total_ms / 1_000
        span.end(end_time=int((start_s + hop.total_ms / 1_000) * 1e9))
        return trace.format_trace_id(span.get_span_context().trace_id)

    def _begin(self, hop: Hop, start_ns: int, parent: trace.Span | None) -> trace.Span:
        context = trace.set_span_in_context(parent) if parent is not None else None
        span = self._tracers[hop.service].start_span(
            hop.name,
            context=context,
            kind=SpanKind.SERVER,
            attributes={"sample": "true"},
            start_time=start_ns,
        )
        if hop.failed:
            span.set_status(Status(StatusCode.ERROR, "timeout"))
        return span
