"""What the AI emits, where and when, how sure that is, and what would make it less."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from dash import html

from components import charts, live, shell, states
from components.address import choice, link
from components.charts import Line
from components.kpi import change, kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from engines.result import Insufficient, Interval
from engines.sustainability import Saving
from i18n import number, percent, quantity, t
from pages import sources
from services.carbon import (
    Carbon,
    CarbonTrack,
    Footprint,
    get_carbon_budget,
    get_recent_carbon,
    get_recent_footprint,
)
from services.footprints import CARBON
from services.savings import Savings, get_savings
from services.sums import Choice, has_history
from services.workspace import Workspace

PATH = "/sustainability"
_KPIS = ("carbon", "energy", "sci", "tokens", "water", "budget")
_METHOD_STATUS: dict[str, Status] = {
    "measured": "good", "reported": "good", "modelled": "warn", "unknown": "none",
}  # fmt: skip
_MASSES = ((1e6, "t"), (1e3, "kg"), (1.0, "g"), (1e-3, "mg"), (1e-6, "µg"))
_BUDGET: dict[str, Status] = {"ok": "good", "at_risk": "warn", "exceeded": "bad"}
_MAX_SAVINGS = 6
_MOST_BARS = 40  # the largest come first
TALL_PX = 340


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    return html.Div(
        [
            shell.page_header(t("nav.sustainability"), _t("purpose")),
            live.view_store("sustainability"),
            row(*[live.slot(f"sus-{name}", states.skeleton(104, "kpi")) for name in _KPIS]),
            grid(
                _place("time", 7, height=TALL_PX),
                _place("savings", 5, menu=False, height=TALL_PX),
                _place("models", 6),
                _place("regions", 6),
                _place("sci", 6),
                _place("method", 6),
                _place("hours", 12),
                panel(
                    _t("limits"), html.Ul([html.Li(_t(f"limit_{i}")) for i in range(1, 6)]),
                    panel_id="sus-limits", span=12, height=60, menu=False,
                ),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "sustainability", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the footprint of the window into the page's places."""
    window = sources.window_of(ws, scope)
    choice = Choice(scope.model, scope.version, scope.segment)
    now = get_recent_carbon(ws, window, choice)
    past = sources.compared(ws, scope)
    before = get_recent_footprint(ws, past, choice) if has_history(ws, past) else None
    track = get_carbon_budget(ws)
    source = Provenance(
        scope.describe(), now.inferences, computed_at_ms=now.computed_at_ms,
        method=_t("table", version=now.table_version),
    )  # fmt: skip
    for name, figure in _figures(now, before, track, source).items():
        view.slot(f"sus-{name}", figure)
    if not now.inferences:
        for name in ("time", "models", "regions", "sci", "hours", "method", "savings"):
            view.panel(f"sus-{name}", _nothing(), source)
        return
    marks = sources.event_marks(ws, window, scope.model)
    view.panel("sus-time", _over_time(now, marks), source, height=TALL_PX)
    found = get_savings(ws, window, choice)
    own = replace(source, computed_at_ms=found.computed_at_ms)
    view.panel("sus-savings", _savings(found), own, height=TALL_PX)
    view.panel("sus-models", _models(now), source)
    view.panel("sus-regions", _regions(now), source)
    view.panel("sus-sci", _per_inference(now), source)
    view.panel("sus-hours", _hours(now), source)
    view.panel("sus-method", _methods(now), source)


@dataclass(frozen=True, slots=True)
class _Before:
    """The figures of the compared period; None when telemetry was not there for all of it."""

    carbon: float | None = None
    energy: float | None = None
    water: float | None = None
    sci: float | Insufficient | None = None
    tokens: float | Insufficient | None = None

    @classmethod
    def of(cls, past: Footprint | None) -> _Before:
        if past is None or past.carbon is None:
            return cls()
        carbon = past.carbon.central
        sci, tokens = past.sci_inference_g, past.sci_thousand_tokens_g
        return cls(carbon, past.energy_kwh, past.water_l, sci, tokens)


def _figures(
    now: Carbon, before: Footprint | None, track: CarbonTrack, source: Provenance
) -> dict[str, Any]:
    lack = Insufficient(_t("no_energy"))
    carbon = now.carbon.central if now.carbon else None
    old = _Before.of(before)
    trend = _total_over_time(now)
    span = None
    if now.carbon is not None:
        span = _ltr(f"{_mass(now.carbon.low)} – {_mass(now.carbon.high)}")
    market = None if now.market_g is None else _t("market", value=_ltr(_mass(now.market_g)))
    return {
        "carbon": kpi(
            _t("carbon"), lack if carbon is None else _mass(carbon), kpi_id="sus-carbon",
            delta=change(carbon, old.carbon), good="down",
            trend=sources.spark(trend), source=source,
            definition=" ".join(
                filter(None, (_t("carbon_definition"), span and _t("range", span=span), market))
            ),
            word=span, status="none" if span else None,
        ),
        "energy": kpi(
            _t("energy"), lack if carbon is None else _energy(now.energy_kwh),
            kpi_id="sus-energy", good="down", source=source,
            trend=_trend(now.energy_over_time),
            delta=change(now.energy_kwh, old.energy),
            definition=_t("energy_definition", low=number(now.pue.low),
                          central=number(now.pue.central), high=number(now.pue.high)),
        ),
        "sci": _sci("sci", now.sci_inference_g, old.sci, source, now.sci_over_time),
        "tokens": _sci(
            "tokens", now.sci_thousand_tokens_g, old.tokens, source
        ),
        "water": kpi(
            _t("water"), lack if carbon is None else _volume(now.water_l), kpi_id="sus-water",
            delta=change(now.water_l, old.water), good="down",
            trend=_trend(now.water_over_time), source=source,
            definition=_t("water_definition"),
        ),
        "budget": _budget(track),
    }  # fmt: skip


def _sci(
    name: str,
    now: float | Insufficient,
    before: float | Insufficient | None,
    source: Provenance,
    trend: list[float | None] | None = None,
) -> Any:
    if isinstance(now, Insufficient):
        return kpi(_t(name), Insufficient(_t(f"no_{name}")), kpi_id=f"sus-{name}",
                   definition=_t(f"{name}_definition"))  # fmt: skip
    old = None if isinstance(before, Insufficient) else before
    return kpi(
        _t(name), _mass(now), kpi_id=f"sus-{name}", delta=change(now, old), good="down",
        definition=_t(f"{name}_definition"), source=source, trend=trend and _trend(trend),
    )  # fmt: skip


def _budget(track: CarbonTrack) -> Any:
    definition = _t("budget_definition")
    if track.budget is None or track.track is None:
        return kpi(_t("budget"), Insufficient(_t("no_budget")), kpi_id="sus-budget",
                   definition=definition)  # fmt: skip
    found = track.track
    interval = None
    if found.interval is not None:
        ends = (found.interval.low / found.limit, found.interval.high / found.limit)
        interval = Interval(*ends, found.interval.level)
        definition = f"{definition} {_t('projected', value=_ltr(_mass(found.projected or 0.0)))}"
    return kpi(
        _t("budget"), found.used, unit="share", kpi_id="sus-budget", interval=interval,
        interval_words=t("panel.at_period_end"), status=_BUDGET[found.status],
        word=_t(f"budget_{found.status}"),
        definition=f"{definition} {_t('limit_is', value=_ltr(_mass(found.limit)))}",
    )  # fmt: skip


def _over_time(now: Carbon, marks: list[charts.Mark]) -> Any:
    scale, unit = _scale(max([_or_zero(v) for v in _total_over_time(now)], default=0.0))
    whole = sources.finished(now.timestamps_ms, now.step_ms, now.window.end_ms)
    lines = [
        Line(_t("usage"), _scaled(now.usage_over_time[:whole], scale)),
        Line(_t("embodied"), _scaled(now.embodied_over_time[:whole], scale)),
    ]
    per = t("sustainability.per_step", unit=unit, minutes=number(now.step_ms / 60_000))
    figure = charts.area(now.timestamps_ms[:whole], lines, unit=per, marks=marks)
    return charts.graph("sus-time-chart", figure, label=_t("time_definition"), height=TALL_PX)


def _savings(found: Savings) -> Any:
    rows = [_saving(saving) for saving in found.savings[:_MAX_SAVINGS]]
    refused = sorted({r.kind for r in found.refused} - {s.kind for s in found.savings})
    notes = [html.P(_t(f"refused_{kind}"), className="panel-note") for kind in refused]
    if not rows:
        return html.Div([states.calm(_t("no_savings"), _t("no_savings_hint")), *notes])
    return html.Div(
        [
            html.Ul(rows, className="issue-list"),
            html.P(_t("not_added"), className="panel-note"),
            *notes,
        ]
    )


def _saving(saving: Saving) -> html.Li:
    facts = saving.facts
    words = {
        "subject": saving.subject,
        "target": str(facts.get("target", "")),
        "share": percent(saving.share),
        "hour": f"{int(float(facts.get('hour', 0))):02d}:00",
        "part": percent(float(facts.get("deferrable", 0.0)), decimals=0),
        "n": number(saving.n),
    }
    return html.Li(
        [
            mark("good", _ltr(f"− {_mass(saving.saved_g)}")),
            html.Span(_t(f"saving_{saving.kind}", **words), className="issue-what"),
            html.Span(_t(f"why_{saving.kind}", **words), className="issue-why"),
        ]
    )


def _models(now: Carbon) -> Any:
    lines = [line for line in now.models if line.known][:_MOST_BARS]
    if not lines:
        return Insufficient(_t("no_energy"))
    scale, unit = _scale(max(line.high_g for line in lines))
    figure = charts.bars(
        [line.key for line in lines], [line.carbon_g / scale for line in lines], unit=unit,
        low=[line.low_g / scale for line in lines], high=[line.high_g / scale for line in lines],
    )  # fmt: skip
    height = max(160, 40 + 26 * len(lines))
    return charts.graph(
        "sus-models-chart", figure, label=_t("models_definition"), height=height,
        choices={line.key: link("", model=line.key) for line in lines},
    )  # fmt: skip


def _per_inference(now: Carbon) -> Any:
    lines = [line for line in now.models if line.known]
    if not lines:
        return Insufficient(_t("no_energy"))
    columns = [
        Column("model", _t("model")), Column("sci", _t("sci")),
        Column("embodied", _t("embodied_share"), "number", "share"),
        Column("n", _t("inferences"), "number"),
    ]  # fmt: skip
    rows = [
        {
            "model": choice(line.key, link("", model=line.key)),
            "sci": html.Bdi(_mass(line.per_inference_g or 0.0), dir="ltr"),
            "embodied": line.embodied_g / line.carbon_g if line.carbon_g else None,
            "n": float(line.inferences),
        }
        for line in lines
    ]
    return table(columns, rows, caption=_t("sci"), total=now.models_known)


def _regions(now: Carbon) -> Any:
    places = {place.region: place for place in now.places}
    columns = [
        Column("region", _t("region")), Column("zone", _t("zone")),
        Column("grid", _t("grid"), "number", "g/kWh"), Column("year", _t("year")),
        Column("energy", _t("energy")), Column("carbon", _t("carbon")),
    ]  # fmt: skip
    rows = []
    for line in now.regions:
        place = places[line.key].intensity
        rows.append(
            {
                "region": choice(line.key, _region(line.key)), "zone": html.Bdi(place.zone),
                "grid": place.g_per_kwh,
                "year": _t("own") if place.source == "own" else str(place.year),
                "energy": html.Bdi(_energy(line.energy_kwh), dir="ltr"),
                "carbon": html.Bdi(_mass(line.carbon_g), dir="ltr"),
            }
        )  # fmt: skip
    return table(columns, rows, caption=_t("regions"), limit=50)


def _hours(now: Carbon) -> Any:
    if not now.hours:
        return Insufficient(_t("no_energy"))
    regions = sorted({cell.region for cell in now.hours})[:12]
    scale, unit = _scale(max(cell.carbon_g for cell in now.hours))
    cells = {(cell.region, cell.hour): cell.carbon_g / scale for cell in now.hours}
    values = [[cells.get((region, hour)) for hour in range(24)] for region in regions]
    figure = charts.heat_map(regions, [f"{h:02d}" for h in range(24)], values, unit=unit)
    figure["data"][0].pop("texttemplate", None)  # 24 columns: words would overlap on a phone
    chart = charts.graph(
        "sus-hours-chart", figure, label=_t("hours_definition"),
        choices={region: _region(region) for region in regions},
    )  # fmt: skip
    note = html.P(html.Bdi(f"{unit} CO2e", dir="ltr"), className="panel-note")
    return html.Div([note, chart])


def _region(region: str) -> str:
    return sources.explore_link(CARBON, by="model_id", region=region)


def _methods(now: Carbon) -> Any:
    columns = [
        Column("method", _t("how"), "node"), Column("n", _t("inferences"), "number"),
        Column("share", _t("share"), "number", "share"), Column("means", _t("means")),
    ]  # fmt: skip
    rows = [
        {
            "method": mark(_METHOD_STATUS[method], _t(f"method_{method}")),
            "n": float(now.by_method.get(method, 0)),
            "share": now.by_method.get(method, 0) / now.inferences,
            "means": _t(f"means_{method}"),
        }
        for method in ("measured", "reported", "modelled", "unknown")
    ]
    return table(columns, rows, caption=_t("method"))


def _place(name: str, span: Any, *, menu: bool = True, height: int = 240) -> Any:
    return panel(
        _t(name), None, panel_id=f"sus-{name}", span=span, menu=menu,
        definition=_t(f"{name}_definition"), height=height,
    )  # fmt: skip


def _nothing() -> html.Div:
    return states.empty(_t("nothing"), hint=_t("nothing_hint"), command="python -m app demo")


def _t(name: str, **values: str) -> str:
    return t(f"sustainability.{name}", **values)


def _scale(grams: float) -> tuple[float, str]:
    return next(((size, unit) for size, unit in _MASSES if grams >= size), _MASSES[-1])


def _mass(grams: float) -> str:
    size, unit = _scale(abs(grams)) if grams else (1.0, "g")
    return f"{number(grams / size)} {unit}"


def _ltr(words: str) -> str:
    """Return a number and unit that keep their order inside a right-to-left sentence."""
    return f"\u2066{words}\u2069"


def _energy(kwh: float) -> str:
    if kwh and kwh < 1:
        return quantity(kwh * 1_000, "Wh")
    return quantity(kwh, "kWh")


def _volume(litres: float) -> str:
    if litres and litres < 1:
        return quantity(litres * 1_000, "mL")
    return quantity(litres, "L")


def _trend(values: list[float | None]) -> list[float | None]:
    return sources.spark([float("nan") if v is None else v for v in values])


def _total_over_time(now: Carbon) -> list[float]:
    pairs = zip(now.usage_over_time, now.embodied_over_time, strict=True)
    return [float("nan") if a is None and b is None else (a or 0.0) + (b or 0.0) for a, b in pairs]


def _or_zero(value: float) -> float:
    return 0.0 if np.isnan(value) else value


def _scaled(values: list[float | None], scale: float) -> list[float | None]:
    return [None if v is None else v / scale for v in values]
