"""Models: the catalogue, and one model with the evidence behind every number."""

from __future__ import annotations

from typing import Any

from dash import html

from components import charts, states, tables
from components.address import choice, link
from components.live import View, slot, view_store
from components.paging import Part
from components.panel import Provenance, grid, panel, section, stack
from components.scope import Scope
from components.shell import page_header
from components.status import mark, pill
from components.tables import Column
from components.theme import Status
from engines.drift import ColumnDrift, DriftReport, PerformanceEstimate
from engines.drift.words import METRIC_WORDS
from engines.result import Insufficient, Interval
from i18n import number, t, tell
from pages import (
    catalogue,
    inference_explorer,
    model_checks,
    model_comparison,
    model_evidence,
    sources,
)
from pages import explore_parts as parts
from services import drift, hallucination, models, trust
from services.computed import Computed
from services.concept import Concept
from services.errors import NotFound
from services.workspace import Workspace

PATH = "/models"
OUTCOMES: dict[str, Status] = {"drift": "bad", "detectable_but_negligible": "warn",
                               "no_evidence": "good", "insufficient_data": "none"}  # fmt: skip
SHOWN_FEATURES, MAX_SHOWN = 4, 40
FEW_FEATURES, LISTED_FEATURES = 10, 15
ALL_FEATURES = "*"
Children = Any  # what a Dash component takes as children


def layout() -> html.Div:
    """Return the frame; the view fills it with the catalogue or with one model."""
    return html.Div(
        [
            page_header(t("nav.models"), t("models.purpose")),
            slot("models-find", block=True),
            slot("models-body", states.skeleton(400), block=True),
            model_comparison.form(),
            inference_explorer.layout(),
            view_store("models"),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer each change of scope and each tick with one view; the explorer answers its words."""
    sources.register_live(dash_app, "models", fill)
    model_comparison.register(dash_app)
    inference_explorer.register(dash_app)


def fill(ws: Workspace, chosen: Scope, view: View) -> None:
    """Put the catalogue, or the chosen model, into the page."""
    if not chosen.model:
        catalogue.fill(ws, chosen, view)
        return
    view.slot("models-find", None)
    view.slot("models-body", _body(ws, chosen))


def _body(ws: Workspace, chosen: Scope) -> Children:
    try:
        return _one(ws, models.get_model(ws, chosen.model), parts.opened(chosen))
    except NotFound as error:
        return states.empty(tell(error.message))


def _one(ws: Workspace, model: models.Model, opened: parts.Asked) -> Children:
    model_id = model.model_id
    shown = [
        html.P(
            [
                html.A(t("models.all_models"), href=link(PATH, model="", focus="", detail="")),
                " · ",
                html.A(t("models.more"), href=link("/technical", model=model_id)),
            ],
            className="no-print",
        ),
        grid(_identity(ws, model), _versions(model)),
    ]
    is_text = model.model_type in ("llm", "rag")
    if is_text:
        shown += _outputs(ws, model)
    else:
        found = drift.get_drift(ws, model_id)
        shown.append(
            section(
                t("models.drift"), grid(*_drift(found, opened)), section_id="models-drift-section"
            )
        )
    shown += model_checks.sections(ws, model_id, is_text=is_text)
    return html.Div(shown)


def _identity(ws: Workspace, model: models.Model) -> Children:
    answer = trust.get_trust(ws, model.model_id)
    found = answer.result
    facts = {
        "trust": html.Span(
            [number(found.trust, decimals=2), " ", pill(*sources.health_words(found.band))]
            if found
            else tell(lack_of(answer).reason)
        ),
        "type": t(f"settings.type_{model.model_type}"),
        "state": t(f"models.{model.status}"),
        "owner": model.owner or "–",
        "purpose_of": model.purpose or "–",
        "inferences": number(model.inferences),
    }
    rows = [{"name": t(f"models.{name}"), "value": value} for name, value in facts.items()]
    columns = [
        Column("name", t("models.property")),
        Column("value", t("shell.value"), "node"),
    ]
    body = tables.table(columns, rows, caption=model.name)
    return panel(
        model.name, body, panel_id="models-identity", span=6, height=120,
        definition=t("models.trust_definition"), source=sources.provenance(answer),
    )  # fmt: skip


def lack_of(answer: Computed[Any]) -> Insufficient:
    """Return why an answer has no result."""
    return answer.insufficient or Insufficient(t("reasons.not_computed"))


def _versions(model: models.Model) -> Children:
    return panel(
        t("models.versions"), model_evidence.versions(model), panel_id="models-versions", span=6,
        height=120,
    )  # fmt: skip


def _drift(answer: drift.DriftAnswer, opened: parts.Asked) -> list[Children]:
    found = answer.result
    source = sources.provenance(answer)
    if found is None or not isinstance(found.data, DriftReport):
        lack = found.data if found is not None else lack_of(answer)
        return [panel(t("models.drift"), lack, panel_id="models-drift", source=source, span=12)]
    columns = found.data.columns
    feature = opened.one("feature")
    more = model_checks.drift_parts(found.data, source)
    is_long = len(columns) > FEW_FEATURES  # a long table has room beside it
    made: list[Children] = [
        panel(
            t("models.drift"), _drift_table(columns, opened), panel_id="models-drift", span=7,
            definition=t("models.drift_definition"), source=source, lead=tell(found.data.summary),
        ),
        stack(
            panel(
                t("models.concept"), _concept(found.concept), panel_id="models-concept",
                height=120, definition=t("models.concept_definition"), source=source,
            ),
            *(more if is_long else []),
            span=5,
        ),
        *([] if is_long else more),
    ]  # fmt: skip
    made += [_distribution(c, source) for c in _shown(columns, feature)]
    if len(columns) > SHOWN_FEATURES and feature != ALL_FEATURES:
        label = t("models.all_distributions", n=number(len(columns)))
        everything = html.A(label, href=_feature(opened, ALL_FEATURES))
        made.append(html.P(everything, className="span-12 no-print"))
    return made


def _shown(columns: tuple[ColumnDrift, ...], feature: str) -> list[ColumnDrift]:
    """Return the features whose distributions are drawn: the chosen one, then the most changed."""
    if feature == ALL_FEATURES:
        return list(columns[:MAX_SHOWN])
    chosen = [c for c in columns if c.name == feature]
    return (chosen + [c for c in columns if c.name != feature])[:SHOWN_FEATURES]


def _feature(opened: parts.Asked, name: str) -> str:
    return link("", detail=opened.but(feature=name))


def _drift_table(columns: tuple[ColumnDrift, ...], opened: parts.Asked) -> Children:
    part = Part(opened.page("columns"), len(columns), LISTED_FEATURES)
    head = [
        Column("name", t("models.feature"), "node"),
        Column("outcome", t("models.outcome"), "node"),
        Column("effect", t("models.effect"), "number"),
        Column("q", t("models.q_value"), "number"),
        Column("least", t("models.detectable"), "number"),
        Column("missing", t("models.missing"), "number", "share"),
    ]
    rows = [
        {
            "name": choice(c.name, _feature(opened, c.name)),
            "outcome": mark(OUTCOMES[c.outcome], t(f"models.outcome_{c.outcome}")),
            "effect": c.effect,
            "q": c.q_value,
            "least": c.minimum_detectable_effect,
            "missing": c.missing_current,
        }
        for c in columns[part.rows]
    ]
    return tables.paged(
        head, rows, caption=t("models.drift"), part=part,
        address=lambda at: link("", detail=opened.but(columns=str(at))),
    )  # fmt: skip


def _distribution(column: ColumnDrift, source: Provenance) -> Children:
    title = t("models.distribution", feature=column.name)
    body: Children = Insufficient(column.reason)
    if column.histogram is not None:
        cells = column.histogram
        figure = charts.histogram_pair(
            cells.labels or [round(e, 4) for e in cells.edges], cells.reference, cells.current
        )
        body = charts.graph(f"models-hist-{column.name}", figure, label=tell(column.reason))
    return panel(
        title, body, panel_id=f"models-hist-{column.name}", source=source, span=6,
        lead=tell(column.reason),
    )  # fmt: skip


def _concept(found: Concept | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    said: list[Children] = []
    labelled = found.labelled
    if isinstance(labelled, Insufficient):
        said.append(html.P(tell(labelled.reason)))
    else:
        word = t(f"models.outcome_{labelled.outcome}")
        said.append(html.P([mark(OUTCOMES[labelled.outcome], word), " · ", tell(labelled.reason)]))
    estimate = found.estimate
    if not isinstance(estimate, Insufficient):
        said.append(_estimates(estimate))
    return html.Div(said)


def _estimates(found: PerformanceEstimate) -> html.Div:
    """Return each metric estimated without labels beside the one that labels showed before."""
    head = [
        Column("metric", t("models.metric")),
        Column("now", t("models.estimate_now"), "node"),
        Column("before", t("models.realised_before"), "number"),
        Column("verdict", t("models.outcome"), "node"),
    ]
    rows = [
        {
            "metric": _metric(m.metric),
            "now": html.Span(
                [
                    html.Bdi(number(m.value, decimals=3), dir="ltr"),
                    html.Br(),
                    html.Small(html.Bdi(_range(m.interval), dir="ltr"), className="muted"),
                ],
                title=t("models.estimate_range"),
            ),
            "before": m.reference,
            "verdict": mark("bad", t("models.falls"))
            if m.is_drop
            else mark("good", t("models.holds")),
        }
        for m in found.metrics
    ]
    notes = [
        html.P(tell(text), className="panel-note") for text in (found.reason, found.assumption)
    ]
    return html.Div([tables.table(head, rows, caption=t("models.estimates")), *notes])


def _range(found: Interval) -> str:
    return f"{number(found.low, decimals=3)} – {number(found.high, decimals=3)}"


def _metric(name: str) -> str:
    return tell(METRIC_WORDS.get(name, name))


def _outputs(ws: Workspace, model: models.Model) -> list[Children]:
    if "content:read" not in ws.principal.permissions:
        return []
    answer = hallucination.get_hallucination_examples(ws, model.model_id)
    made = panel(
        t("models.hallucination"), model_evidence.examples(answer), panel_id="models-outputs",
        span=12, definition=t("models.hallucination_definition"),
        source=sources.provenance(answer),
    )  # fmt: skip
    return [section(t("models.hallucination"), grid(made), section_id="models-outputs-section")]
