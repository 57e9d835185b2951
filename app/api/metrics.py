"""/api/metrics: computed numbers and stored series."""

from __future__ import annotations

import re
from typing import Annotated, Literal

import msgspec

from app.api.queries import Span, window_of
from app.api.routing import Router
from connectors.protocols import Aggregate
from services import anomalies, cognitive, correlation, series
from services.errors import Malformed
from services.trust import get_trust
from services.workspace import Workspace

router = Router("metrics", "/api/metrics")
_QUOTED = r'"(?:[^"\\]|\\.)*"'
# What is not closed stands for itself, so that the parser can say what is wrong with it.
_SELECTORS = re.compile(rf'(?:[^,"{{]|{_QUOTED}|\{{(?:[^"}}]|{_QUOTED})*\}}|[{{"])+')


class TimeseriesQuery(Span, frozen=True):
    """``metrics`` is a comma-separated list of names or selectors."""

    metrics: str = ""
    granularity: series.Granularity = "minute"
    agg: Aggregate = "avg"
    by: str = ""


class CompareQuery(Span, frozen=True):
    """``metrics`` as in ``timeseries``; without it, every stored metric."""

    metrics: str = ""
    granularity: Literal["", "minute", "hour", "day"] = ""
    by: str = ""


class CorrelationQuery(CompareQuery, frozen=True):
    """Lags from -``max_lag`` to ``max_lag`` steps are searched."""

    max_lag: Annotated[int, msgspec.Meta(ge=0, le=48)] = correlation.MAX_LAG


class AnomaliesQuery(CompareQuery, frozen=True):
    """``expectations`` adds what each series was expected to be, step by step."""

    expectations: bool = False


@router.route(
    "GET", "/cognitive/<text:model_id>", permission="trust:read", returns=cognitive.Cognitive,
    errors=(404,),
)  # fmt: skip
def get_cognitive(ws: Workspace, model_id: str) -> cognitive.Cognitive:
    """Return drift, reliability, hallucination, degradation and trust of a model."""
    return cognitive.get_cognitive(ws, model_id)


@router.route(
    "GET", "/trust/<text:model_id>", permission="trust:read", returns=cognitive.TrustView,
    errors=(404,),
)  # fmt: skip
def trust(ws: Workspace, model_id: str) -> cognitive.TrustView:
    """Return the trust score of a model with its parts, interval and explanation."""
    return cognitive.TrustView(model_id, cognitive.trust_part(get_trust(ws, model_id)))


@router.route(
    "GET", "/timeseries", permission="metrics:read", query=TimeseriesQuery,
    returns=list[series.MetricSeries],
)  # fmt: skip
def timeseries(ws: Workspace, query: TimeseriesQuery) -> list[series.MetricSeries]:
    """Return metrics over a window; several series of a selector are joined by `agg`."""
    metrics = split_selectors(query.metrics)
    if not metrics:
        raise Malformed("name at least one metric: ?metrics=a,b")
    return series.read_series(
        ws,
        metrics,
        window_of(ws, query),
        granularity=query.granularity,
        agg=query.agg,
        by=_names(query.by),
    )


@router.route(
    "GET", "/correlation", permission="metrics:read", query=CorrelationQuery,
    returns=correlation.CorrelationAnswer,
)  # fmt: skip
def correlate(ws: Workspace, query: CorrelationQuery) -> correlation.CorrelationAnswer:
    """Return which metrics move together, with lags and a false-discovery rate."""
    return correlation.correlate_metrics(
        ws,
        split_selectors(query.metrics),
        window_of(ws, query),
        step_ms=series.STEPS_MS.get(query.granularity),
        by=_names(query.by),
        max_lag=query.max_lag,
    )


@router.route(
    "GET", "/anomalies", permission="metrics:read", query=AnomaliesQuery,
    returns=anomalies.AnomaliesAnswer,
)  # fmt: skip
def find_anomalies(ws: Workspace, query: AnomaliesQuery) -> anomalies.AnomaliesAnswer:
    """Return when metrics were not what their level, time of day and noise foretell."""
    return anomalies.find_metric_anomalies(
        ws,
        split_selectors(query.metrics),
        window_of(ws, query),
        step_ms=series.STEPS_MS.get(query.granularity),
        by=_names(query.by),
        with_expectations=query.expectations,
    )


@router.route("GET", "/names", permission="metrics:read", returns=list[str])
def names(ws: Workspace) -> list[str]:
    """Return the names of all stored metrics, a histogram by the name that its parts share."""
    return series.metric_names(ws)


def _names(text: str) -> tuple[str, ...]:
    return tuple(label for label in text.split(",") if label)


def split_selectors(text: str) -> list[str]:
    """Split at commas outside braces and quotes.

    >>> split_selectors('a,b{x="1,2",y="3"}')
    ['a', 'b{x="1,2",y="3"}']
    """
    return [part.strip() for part in _SELECTORS.findall(text) if part.strip()]
