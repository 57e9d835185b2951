"""The JSON API: one file per router, all listed here."""

from app.api import (
    admin,
    dashboard,
    explore,
    hallucination,
    incidents,
    languages,
    metrics,
    models,
    realtime,
)

ROUTERS = (
    dashboard.router,
    metrics.router,
    models.router,
    hallucination.router,
    explore.router,
    incidents.alerts_router,
    incidents.router,
    languages.router,
    realtime.router,
    admin.router,
)
