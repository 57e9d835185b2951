"""The JSON API: one file per router, all listed here."""

from app.api import (
    admin,
    causal,
    dashboard,
    explore,
    hallucination,
    incidents,
    ingest,
    languages,
    metrics,
    models,
    otlp,
    realtime,
)

ROUTERS = (
    ingest.router,
    ingest.remote_write_router,
    otlp.router,
    dashboard.router,
    metrics.router,
    causal.metrics_router,
    causal.router,
    models.router,
    hallucination.router,
    explore.router,
    incidents.alerts_router,
    incidents.router,
    languages.router,
    realtime.router,
    admin.router,
)
