"""How a language model writes, panel by panel: speed, first token, tokens, risk, refusals."""

from __future__ import annotations

from typing import Any

import numpy as np

from components import charts
from components.charts import Line, Mark
from components.kpi import kpi, row
from components.live import View
from components.panel import Provenance
from components.scope import Scope
from engines.result import Insufficient
from i18n import number, t
from pages import sources
from pages.model_evidence import words
from services.generation import Generation, Percentiles, get_generation
from services.series import read_points, step_for
from services.times import MINUTE_MS, Window
from services.workspace import Workspace

PANELS = ("tokens", "risk")
FIGURES = ("speed", "first_token", "refused")


def fill(ws: Workspace, scope: Scope, window: Window, marks: list[Mark], view: View) -> None:
    """Put the figures and charts of a language model into the technical page's places."""
    found = get_generation(ws, window, scope.model, version=scope.version or None)
    view.slot("technical-writing", row(*_figures(found, scope)))
    source = Provenance(scope.describe(), computed_at_ms=found.computed_at_ms)
    view.panel("technical-tokens", _tokens(ws, scope, window, marks), source, height=240)
    view.panel("technical-risk", _risk(ws, scope.model, window, marks), source, height=240)


def _figures(found: Generation, scope: Scope) -> list[Any]:
    speed, first, refused = found.tokens_per_s, found.first_token_ms, found.refused
    at = found.computed_at_ms
    return [
        kpi(
            words("speed"), _median(speed), unit="/s", kpi_id="technical-speed",
            definition=words("speed_definition"), source=_source(speed, scope, at),
            word=_slow("speed_slow", speed, "/s"), status=_plain(speed),
        ),
        kpi(
            words("first_token"), _median(first), unit="ms", kpi_id="technical-first_token",
            definition=words("first_token_definition"), source=_source(first, scope, at),
            word=_slow("first_token_slow", first, "ms"), status=_plain(first),
        ),
        kpi(
            words("refused"), refused if isinstance(refused, Insufficient) else refused.share,
            unit="share", kpi_id="technical-refused", definition=words("refused_definition"),
            interval=None if isinstance(refused, Insufficient) else refused.interval,
            source=None if isinstance(refused, Insufficient)
            else Provenance(scope.describe(), refused.n, computed_at_ms=at),
        ),
    ]  # fmt: skip


def _median(found: Percentiles | Insufficient) -> float | Insufficient:
    return found if isinstance(found, Insufficient) else found.p50


def _plain(found: Percentiles | Insufficient) -> Any:
    return None if isinstance(found, Insufficient) else "none"


def _slow(name: str, found: Percentiles | Insufficient, unit: str) -> str | None:
    if isinstance(found, Insufficient):
        return None
    return words(name, value=f"{number(found.p95, decimals=0)} {unit}".replace(" /", "/"))


def _source(found: Percentiles | Insufficient, scope: Scope, at_ms: int) -> Provenance | None:
    if isinstance(found, Insufficient):
        return None
    return Provenance(scope.describe(), found.n, computed_at_ms=at_ms)


def _tokens(ws: Workspace, scope: Scope, window: Window, marks: list[Mark]) -> Any:
    step = step_for(window, 60)
    labels = f'model_id="{sources.quoted(scope.model)}"'
    if scope.version:
        labels += f',version="{sources.quoted(scope.version)}"'
    found = read_points(
        ws, f"aiobs_tokens_total{{{labels}}}", window, step, agg="sum", by=("direction",)
    )
    times = np.arange(window.start_ms // step * step, window.end_ms, step)
    lines = []
    for points in sorted(found, key=lambda p: p.series.label("direction")):
        values = np.zeros(len(times))
        at = np.searchsorted(times, points.timestamps_ms)
        inside = at < len(times)
        values[at[inside]] = np.nan_to_num(points.values[inside])
        lines.append(Line(words(f"tokens_{points.series.label('direction')}"), values.tolist()))
    if not lines:
        return Insufficient(words("no_tokens"))
    whole = max(1, sources.finished(times.tolist(), step, window.end_ms))
    lines = [Line(one.name, one.y[:whole]) for one in lines]
    unit = words("tokens_unit", minutes=number(step / MINUTE_MS))
    figure = charts.area(times[:whole].tolist(), lines, unit=unit, marks=marks)
    return charts.graph(
        "technical-tokens-chart", figure, label=words("tokens_definition"), height=240
    )


def _risk(ws: Workspace, model_id: str, window: Window, marks: list[Mark]) -> Any:
    step = max(step_for(window, 120), 5 * MINUTE_MS)
    chosen = f'{{model_id="{sources.quoted(model_id)}"}}'
    found = read_points(ws, f"aiobs_hallucination_risk{chosen}", window, step)
    if not found or not np.isfinite(found[0].values).any():
        return Insufficient(words("no_risk"))
    points = found[0]
    line = Line(words("risk"), sources.plain(points.values), token="bad")
    top = float(np.nanmax(points.values))
    figure = charts.line(
        points.timestamps_ms.tolist(), [line], zero=True, marks=marks,
        window_ms=(window.start_ms, window.end_ms),
        y_range=(0.0, max(0.2, 1.15 * top)),
    )  # fmt: skip
    return charts.graph("technical-risk-chart", figure, label=t("technical.risk_definition"),
                        height=240)  # fmt: skip
