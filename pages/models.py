"""Models: the catalogue, and one model with the evidence behind every number."""

from __future__ import annotations

from typing import Any

from dash import Input, html

from components import charts, scope, states, tables
from components.kpi import kpi, row
from components.live import View, slot, view_output, view_store
from components.panel import Provenance, grid, moment, panel, section
from components.shell import page_header
from components.status import mark
from components.tables import Column
from components.text import Span, mark_legend, marked_text
from components.theme import Status
from engines.drift import ColumnDrift, DriftReport
from engines.reliability import Calibration
from engines.result import Insufficient
from engines.trust import Trust
from i18n import number, percent, t
from services import degradation, drift, fleet, hallucination, models, reliability, trust
from services.computed import Computed
from services.concept import Concept
from services.errors import NotFound
from services.hallucination import Example
from services.workspace import Workspace, current_workspace

PATH = "/models"
BANDS: dict[str, Status] = {"healthy": "good", "warning": "warn", "critical": "bad"}
OUTCOMES: dict[str, Status] = {"drift": "bad", "detectable_but_negligible": "warn",
                               "no_evidence": "good", "insufficient_data": "none"}  # fmt: skip
SHOWN_FEATURES = 4
Children = Any  # what a Dash component takes as children


def layout() -> html.Div:
    """Return the frame; the view fills it with the catalogue or with one model."""
    return html.Div(
        [
            page_header(t("nav.models"), t("models.purpose")),
            slot("models-body", states.skeleton(400), block=True),
            view_store("models"),
        ]
    )


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer each change of scope and each tick with one view."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        view_output("models"), Input("scope", "data"), Input("tick", "n_intervals")
    )
    def _view(data: dict[str, Any] | None, _tick: int | None) -> str:  # JSON of the scope store
        view = View()
        chosen = scope.parse(data)
        view.slot("models-body", _body(current_workspace(), chosen.model))
        return view.to_json()


def _body(ws: Workspace, model_id: str) -> Children:
    if not model_id:
        return _catalogue(ws)
    try:
        return _one(ws, models.get_model(ws, model_id))
    except NotFound as error:
        return states.empty(error.message)


def _catalogue(ws: Workspace) -> Children:
    overview = fleet.get_overview(ws)
    if not overview.models:
        return states.empty(t("models.none"), command="python -m app demo")
    columns = [
        Column("model", t("models.model"), "node"),
        Column("health", t("models.trust"), "node"),
        Column("trust", t("models.trust"), "number"),
        Column("type", t("models.type")),
        Column("state", t("models.state")),
        Column("requests", t("models.requests"), "number"),
        Column("errors", t("models.error_rate"), "number", "share"),
        Column("seen", t("models.last_seen"), "node"),
    ]
    rows = [
        {
            "model": html.A(m.name, href=f"{PATH}?model={m.model_id}"),
            "health": mark(BANDS.get(m.health, "none")),
            "trust": m.trust,
            "type": m.model_type,
            "state": t(f"models.{m.status}"),
            "requests": m.traffic.requests,
            "errors": m.traffic.error_rate,
            "seen": moment(m.last_seen_ms) if m.last_seen_ms else "–",
        }
        for m in overview.models
    ]
    listed = tables.table(columns, rows, caption=t("models.catalogue"))
    source = Provenance(n=len(rows), computed_at_ms=overview.computed_at_ms)
    return grid(
        panel(t("models.catalogue"), listed, panel_id="models-list", source=source, span=12)
    )


def _one(ws: Workspace, model: models.Model) -> Children:
    model_id = model.model_id
    found = drift.get_drift(ws, model_id)
    return html.Div(
        [
            html.P(html.A(t("models.all_models"), href=f"{PATH}?model="), className="no-print"),
            _identity(ws, model),
            section(
                t("models.why"),
                grid(_trust(trust.get_trust(ws, model_id)), _versions(model)),
                section_id="models-why",
            ),
            section(t("models.drift"), grid(*_drift(found)), section_id="models-drift-section"),
            section(
                t("models.reliability"),
                grid(*_reliability(reliability.get_reliability(ws, model_id))),
                section_id="models-reliability-section",
            ),
            section(
                t("models.quality"), grid(_quality(ws, model_id)), section_id="models-quality-s"
            ),
            *_outputs(ws, model),
        ]
    )


def source_of(answer: Computed[Any]) -> Provenance:
    """Return what the footer says of a computed answer."""
    return Provenance(
        n=answer.n_current,
        n_reference=answer.n_reference or None,
        computed_at_ms=answer.computed_at_ms,
        method=answer.method,
    )


def lack_of(answer: Computed[Any]) -> Insufficient:
    """Return why an answer has no result."""
    return answer.insufficient or Insufficient("not computed yet")


def _identity(ws: Workspace, model: models.Model) -> Children:
    answer = trust.get_trust(ws, model.model_id)
    found = answer.result
    return row(
        kpi(
            t("models.trust"),
            found.trust if found else lack_of(answer),
            kpi_id="models-trust",
            interval=found.interval if found else None,
            status=BANDS[found.band] if found else "none",
            definition=t("models.trust_definition"),
            source=source_of(answer),
        ),
        kpi(t("models.type"), model.model_type, kpi_id="models-type"),
        kpi(t("models.owner"), model.owner or "–", kpi_id="models-owner"),
        kpi(t("models.state"), t(f"models.{model.status}"), kpi_id="models-state"),
        kpi(t("models.inferences"), float(model.inferences), kpi_id="models-count"),
    )


def _trust(answer: Computed[Trust]) -> Children:
    body: Children = lack_of(answer)
    lead = None
    if answer.result is not None:
        parts = [p for p in answer.result.components if p.points_lost > 0.0005]
        figure = charts.bars(
            [p.name for p in parts], [100 * p.points_lost for p in parts], unit=t("models.points")
        )
        body = charts.graph("models-trust-graph", figure, label=answer.result.sentence)
        lead = answer.result.sentence
    return panel(
        t("models.why"), body, panel_id="models-why-panel", definition=t("models.why_definition"),
        source=source_of(answer), span=7, lead=lead,
    )  # fmt: skip


def _versions(model: models.Model) -> Children:
    columns = [
        Column("version", t("models.versions")),
        Column("count", t("models.inferences"), "number"),
        Column("first", t("models.first_seen"), "node"),
        Column("last", t("models.last_seen"), "node"),
    ]
    rows = [
        {
            "version": v.version or "–",
            "count": v.inferences,
            "first": moment(v.first_seen_ms),
            "last": moment(v.last_seen_ms),
        }
        for v in model.versions
    ]
    listed = tables.table(columns, rows, caption=t("models.versions"))
    return panel(t("models.versions"), listed, panel_id="models-versions", span=5)


def _drift(answer: drift.DriftAnswer) -> list[Children]:
    found = answer.result
    source = source_of(answer)
    if found is None or not isinstance(found.data, DriftReport):
        lack = found.data if found is not None else lack_of(answer)
        return [panel(t("models.drift"), lack, panel_id="models-drift", source=source, span=12)]
    columns = found.data.columns
    parts = [
        panel(
            t("models.drift"), _drift_table(columns), panel_id="models-drift", span=7,
            definition=t("models.drift_definition"), source=source, lead=found.data.summary,
        ),
        panel(
            t("models.concept"), _concept(found.concept), panel_id="models-concept", span=5,
            definition=t("models.concept_definition"), source=source,
        ),
    ]  # fmt: skip
    return parts + [_distribution(c, source) for c in columns[:SHOWN_FEATURES]]


def _drift_table(columns: tuple[ColumnDrift, ...]) -> Children:
    head = [
        Column("name", t("models.feature")),
        Column("outcome", t("models.outcome"), "node"),
        Column("effect", t("models.effect"), "number"),
        Column("q", t("models.q_value"), "number"),
        Column("least", t("models.detectable"), "number"),
        Column("missing", t("models.missing"), "number", "share"),
    ]
    rows = [
        {
            "name": c.name,
            "outcome": mark(OUTCOMES[c.outcome], t(f"models.outcome_{c.outcome}")),
            "effect": c.effect,
            "q": c.q_value,
            "least": c.minimum_detectable_effect,
            "missing": c.missing_current,
        }
        for c in columns
    ]
    return tables.table(head, rows, caption=t("models.drift"))


def _distribution(column: ColumnDrift, source: Provenance) -> Children:
    title = t("models.distribution", feature=column.name)
    body: Children = Insufficient(column.reason)
    if column.histogram is not None:
        cells = column.histogram
        figure = charts.histogram_pair(
            cells.labels or [round(e, 4) for e in cells.edges], cells.reference, cells.current
        )
        body = charts.graph(f"models-hist-{column.name}", figure, label=column.reason)
    return panel(
        title, body, panel_id=f"models-hist-{column.name}", source=source, span=6,
        lead=column.reason,
    )  # fmt: skip


def _concept(found: Concept | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    parts: list[Children] = []
    labelled = found.labelled
    if isinstance(labelled, Insufficient):
        parts.append(html.P(labelled.reason))
    else:
        parts.append(html.P([mark(OUTCOMES[labelled.outcome]), " ", labelled.reason]))
    estimate = found.estimate
    if not isinstance(estimate, Insufficient):
        parts += [
            html.P(t("models.estimated", metric=m.metric, value=number(m.value, decimals=3)))
            for m in estimate.metrics[:2]
        ]
        parts.append(html.P([estimate.reason, " ", estimate.assumption], className="muted"))
    return html.Div(parts, lang="en")


def _reliability(answer: reliability.ReliabilityAnswer) -> list[Children]:
    found = answer.result
    source = source_of(answer)
    if found is None:
        lack = lack_of(answer)
        return [panel(t("models.reliability"), lack, panel_id="models-rel", source=source, span=12)]
    parts = {
        "calibration": found.calibration,
        "stability": found.stability,
        "uncertainty": found.uncertainty,
        "ood_detection": found.ood_detection,
    }
    columns = [
        Column("part", t("models.part")),
        Column("score", t("models.score"), "number"),
        Column("detail", t("models.detail")),
    ]
    rows = [
        {
            "part": name,
            "score": None if isinstance(part, Insufficient) else part.score,
            "detail": part.reason if isinstance(part, Insufficient) else part.method,
        }
        for name, part in parts.items()
    ]
    listed = tables.table(columns, rows, caption=t("models.reliability"))
    return [
        panel(
            t("models.calibration"), _diagram(found.calibration), panel_id="models-calibration",
            definition=t("models.calibration_definition"), source=source, span=6,
        ),
        panel(t("models.reliability"), listed, panel_id="models-rel", source=source, span=6),
    ]  # fmt: skip


def _diagram(found: Calibration | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    bins = found.bins
    figure = charts.reliability_diagram(
        [b.mean_score for b in bins],
        [b.observed for b in bins],
        [b.n for b in bins],
        low=[b.interval.low for b in bins],
        high=[b.interval.high for b in bins],
    )
    words = f"ECE {number(found.error.ece, decimals=3)}"
    return charts.graph("models-calibration-graph", figure, label=words)


def _quality(ws: Workspace, model_id: str) -> Children:
    answer = degradation.get_degradation(ws, model_id)
    found = answer.result
    body: Children = lack_of(answer)
    if found is not None:
        quality = degradation.get_quality(ws, model_id)
        marks = [charts.Mark(c.time_s * 1_000, t("models.change"), "alert") for c in found.changes]
        known = quality.known
        figure = charts.line(
            quality.timestamps_ms[known].astype(float).tolist(),
            [charts.Line(quality.metric, quality.values[known].tolist())],
            unit="share" if quality.metric != "mean_absolute_error" else "",
            marks=marks,
        )
        body = charts.graph("models-quality-graph", figure, label=found.status)
    return panel(
        t("models.quality"), body, panel_id="models-quality", source=source_of(answer), span=12,
        definition=t("models.quality_definition"),
    )  # fmt: skip


def _outputs(ws: Workspace, model: models.Model) -> list[Children]:
    if model.model_type not in ("llm", "rag"):
        return []
    if "content:read" not in ws.principal.permissions:
        return []
    answer = hallucination.get_hallucination_examples(ws, model.model_id)
    body: Children = lack_of(answer)
    if answer.result is not None:
        shown = [_example(e) for e in answer.result.examples[:8]]
        body = html.Div([mark_legend(), *shown])
    made = panel(
        t("models.hallucination"), body, panel_id="models-outputs", span=12,
        definition=t("models.hallucination_definition"), source=source_of(answer),
    )  # fmt: skip
    return [section(t("models.hallucination"), grid(made), section_id="models-outputs-section")]


def _example(example: Example) -> html.Article:
    spans = [
        Span(s.start, s.end, s.verdict, "; ".join(f"{f.rule}: {f.missing}" for f in s.findings))
        for s in example.result.sentences
    ]
    risk = t("models.risk", value=percent(example.result.probability))
    return html.Article(
        [
            html.Header([html.Strong(risk), " · ", moment(example.timestamp_ms)]),
            html.P([html.B(t("models.question")), " ", example.prompt or "–"], dir="auto"),
            marked_text(example.output, spans, language="en"),
            html.Details(
                [
                    html.Summary(t("models.passages")),
                    html.Ul([html.Li(p, dir="auto", lang="en") for p in example.context]),
                ]
            ),
        ],
        className="example",
    )
