"""What the hub knows of one model, panel by panel: trust, drift, calibration, quality, evidence."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from dash import html

from components import charts, states
from components.charts import Line, Mark
from components.kpi import kpi
from components.live import View
from components.panel import panel
from components.status import mark, pill
from components.tables import Column, meter, meters, table
from components.text import Span, mark_legend, marked_text
from components.theme import Status
from engines.drift import ColumnDrift, DriftReport
from engines.hallucination.result import SentenceVerdict
from engines.reliability import PARTS, Calibration, Overall
from engines.result import Insufficient
from engines.trust import Trust
from i18n import date_time, isolated, number, percent, t, tell
from pages import sources
from services.degradation import get_degradation, get_quality
from services.drift import DriftAnswer, get_drift
from services.hallucination import (
    Example,
    HallucinationAnswer,
    ModelHallucination,
    get_hallucination,
    get_hallucination_examples,
)
from services.models import Model, get_model
from services.reliability import ReliabilityAnswer, get_reliability
from services.trust import TrustAnswer, get_trust
from services.workspace import Workspace

PANELS = ("trust", "drift", "both", "calibration", "reliability", "quality")
SCORED = ("both", "calibration", "reliability")
"""Panels that only a model with features and scores can fill."""
MAX_FEATURES = 12
MAX_EXAMPLES = 3
OUTCOMES: dict[str, tuple[Status, str]] = {
    "drift": ("bad", "outcome_drift"),
    "detectable_but_negligible": ("warn", "outcome_negligible"),
    "no_evidence": ("good", "outcome_none"),
    "insufficient_data": ("none", "outcome_thin"),
}
_TREND: dict[str, Status] = {"degrading": "bad", "improving": "good", "no_evidence": "none"}
HEALTHY, WARNING = 0.8, 0.6
PSI_SOME, PSI_LARGE = 0.1, 0.25


def words(name: str, **values: str) -> str:
    """Return a text of the technical page."""
    return t(f"technical.{name}", **values)


def fill(ws: Workspace, model_id: str, view: View) -> None:
    """Put everything known of a model into the places of the technical page."""
    trust = get_trust(ws, model_id)
    drift = get_drift(ws, model_id)
    reliability = get_reliability(ws, model_id)
    view.slot("technical-trust", _trust_figure(trust))
    view.panel("technical-trust", _trust_parts(trust), sources.provenance(trust), height=250)
    source = sources.provenance(drift)
    view.panel("technical-drift", _drift(drift), source, height=250)
    view.panel("technical-both", _both(drift), source, height=260)
    source = sources.provenance(reliability)
    view.panel("technical-calibration", calibration(reliability), source, height=260)
    view.panel("technical-reliability", _parts(reliability), source, height=260)
    _fill_quality(ws, model_id, view)
    _fill_evidence(ws, model_id, view)


def _trust_figure(answer: TrustAnswer) -> Any:
    found = answer.result
    label, definition = t("unified.trust"), words("trust_definition")
    if found is None:
        return kpi(label, answer.insufficient, kpi_id="technical-trust", definition=definition)
    status, word = sources.health_words(found.band)
    return kpi(
        label, number(found.trust, decimals=2), kpi_id="technical-trust", interval=found.interval,
        status=status, word=word, definition=definition,
    )  # fmt: skip


def _trust_parts(answer: TrustAnswer) -> Any:
    found = answer.result
    if found is None:
        return answer.insufficient
    rows = [
        meter(
            sources.part_name(c.name),
            c.score if c.is_measured else None,
            number(c.score, decimals=2) if c.is_measured else "–",
            status=band(c.score) if c.is_measured else "",
            interval=(c.interval.low, c.interval.high),
        )
        for c in sorted(found.components, key=lambda c: -c.weight)
    ]
    return html.Div([meters(rows), _explanation(found)])


def _explanation(found: Trust) -> html.P:
    return html.P(sources.explain_trust(found), className="panel-note", dir="auto")


def band(score: float) -> Status:
    """Return the status of a score by the limits of trust."""
    return "good" if score >= HEALTHY else "warn" if score >= WARNING else "bad"


def _drift(answer: DriftAnswer) -> Any:
    report = _data_report(answer)
    if isinstance(report, Insufficient):
        return report
    shown = [c for c in report.columns if c.outcome != "insufficient_data"][:MAX_FEATURES]
    if not shown:
        return Insufficient(report.summary)
    outcomes = list(dict.fromkeys(c.outcome for c in shown))
    figure = charts.bars(
        [c.name for c in shown],
        [c.effect for c in shown],
        statuses=[OUTCOMES[c.outcome][0] for c in shown],
    )
    legend = [pill(OUTCOMES[o][0], words(OUTCOMES[o][1])) for o in outcomes]
    chart = charts.graph(
        "technical-drift-chart", figure, label=tell(report.summary),
        height=max(120, 30 + 24 * len(shown)),
    )  # fmt: skip
    return html.Div([html.Div(legend, className="pill-row"), chart, _stability(shown)])


def _stability(columns: list[ColumnDrift]) -> html.Details:
    """Return the population stability index of each feature, with its bands, on demand."""
    head = [
        Column("name", t("models.feature")),
        Column("psi", words("psi"), "number"),
        Column("band", words("psi_band"), "node"),
    ]
    known = [(c.name, c.effects.psi) for c in columns if c.effects and c.effects.psi is not None]
    rows = [
        {"name": name, "psi": psi, "band": mark(*_psi_band(psi))}
        for name, psi in sorted(known, key=lambda row: -row[1])
    ]
    note = html.P(words("psi_definition"), className="panel-note")
    shown = [note, table(head, rows, caption=words("psi"))] if rows else [note]
    return html.Details([html.Summary(words("psi")), *shown])


def _psi_band(psi: float) -> tuple[Status, str]:
    if psi >= PSI_LARGE:
        return "bad", words("psi_large")
    return ("warn", words("psi_some")) if psi >= PSI_SOME else ("good", words("psi_small"))


def _both(answer: DriftAnswer) -> Any:
    report = _data_report(answer)
    if isinstance(report, Insufficient):
        return report
    column = next((c for c in report.columns if c.histogram is not None), None)
    if column is None:
        return Insufficient(report.summary)
    return html.Div(
        [html.P(_both_words(column), className="panel-note"), _pair_chart(column)],
    )


def _both_words(column: ColumnDrift) -> list[Any]:
    status, word = OUTCOMES[column.outcome]
    text = words("both", feature=column.name)
    return [html.Span(text), " ", pill(status, words(word))]


def _pair_chart(column: ColumnDrift) -> Any:
    cells = column.histogram
    assert cells is not None  # the caller chose a column that has one
    figure = charts.histogram_pair(cells.labels or cells.edges, cells.reference, cells.current)
    return charts.graph(
        "technical-pair-chart", figure, label=words("both", feature=column.name), height=225
    )


def _data_report(answer: DriftAnswer) -> DriftReport | Insufficient:
    if answer.result is None:
        return answer.insufficient or Insufficient(words("outcome_thin"))
    return answer.result.data


def calibration(answer: ReliabilityAnswer) -> Any:
    """Return the reliability diagram with its errors."""
    if answer.result is None:
        return answer.insufficient
    found = answer.result.calibration
    if not isinstance(found, Calibration):
        return found
    figure = charts.reliability_diagram(
        [b.mean_score for b in found.bins],
        [b.observed for b in found.bins],
        [b.n for b in found.bins],
        low=[b.interval.low for b in found.bins],
        high=[b.interval.high for b in found.bins],
    )
    error = found.error
    lead = words(
        "ece_lead", ece=number(max(0.0, error.ece), decimals=3),
        low=number(error.interval.low, decimals=3), high=number(error.interval.high, decimals=3),
        brier=number(found.brier.score, decimals=3),
    )  # fmt: skip
    chart = charts.graph("technical-calibration-chart", figure, label=lead, height=225)
    return html.Div([html.P(lead, className="panel-note"), chart])


def _parts(answer: ReliabilityAnswer) -> Any:
    found = answer.result
    if found is None:
        return answer.insufficient
    rows, reasons = [], []
    for name in PARTS:
        part = getattr(found, name)
        label = sources.part_name(name)
        if isinstance(part, Insufficient):
            rows.append(meter(label, None, "–"))
            reasons.append(html.Li([html.B(label), " ", html.Span(tell(part.reason))]))
        else:
            rows.append(
                meter(label, part.score, number(part.score, decimals=2), status=band(part.score))
            )
    if isinstance(found.overall, Overall):
        overall = found.overall
        rows.append(
            meter(
                sources.part_name("reliability"), overall.score, number(overall.score, decimals=2),
                status=band(overall.score), interval=(overall.interval.low, overall.interval.high),
            )
        )  # fmt: skip
    return html.Div([meters(rows), html.Ul(reasons, className="mark-notes", dir="auto")])


def _fill_quality(ws: Workspace, model_id: str, view: View) -> None:
    quality, answer = get_quality(ws, model_id), get_degradation(ws, model_id)
    name = words(f"metric_{quality.metric}")
    source = sources.provenance(answer, method=name)
    if not quality.known.any():
        view.panel("technical-quality", answer.insufficient, source)
        return
    marks: list[Mark] = []
    status: Status = "none"
    trend = words("trend_no_evidence")
    if answer.result is not None:
        found = answer.result
        status, trend = _TREND[found.status], words(f"trend_{found.status}")
        marks = [
            Mark(
                c.time_s * 1_000,
                words("level_change", before=number(c.before), after=number(c.after)),
                "incident" if c.is_worse else "data_change",
            )
            for c in found.changes
        ]
    unit: Literal["share", ""] = "" if quality.metric == "mean_absolute_error" else "share"
    figure = charts.line(
        quality.timestamps_ms.tolist(), [Line(name, sources.plain(quality.values))], unit=unit,
        marks=marks,
    )  # fmt: skip
    chart = charts.graph("technical-quality-chart", figure, label=name, height=205)
    head = html.P([f"{name} ", pill(status, trend)], className="panel-note")
    view.panel("technical-quality", html.Div([head, chart]), source)


def _fill_evidence(ws: Workspace, model_id: str, view: View) -> None:
    """Show doubted answers of a language model; the versions of any other model."""
    model = get_model(ws, model_id)
    if model.model_type not in ("llm", "rag"):
        body: Any = versions(model)
        last = panel(words("versions"), body, panel_id="technical-versions", span=8)
    else:
        may_read = "content:read" in ws.principal.permissions
        read = get_hallucination_examples if may_read else get_hallucination
        answer = read(ws, model_id)
        last = panel(
            words("evidence"),
            examples(answer, may_read=may_read),
            panel_id="technical-evidence",
            span=12,
            definition=words("evidence_definition"),
            source=sources.provenance(answer),
        )
    view.slot("technical-last", last)


def versions(model: Model) -> Any:
    columns = [
        Column("version", words("version")),
        Column("n", words("inferences"), "number"),
        Column("first", words("first_seen")),
        Column("last", t("unified.last_seen")),
    ]
    rows = [
        {
            "version": v.version or "–",
            "n": float(v.inferences),
            "first": _moment(v.first_seen_ms),
            "last": _moment(v.last_seen_ms),
        }
        for v in model.versions
    ]
    return table(columns, rows, caption=words("versions"))


def _moment(at_ms: int) -> str:
    return date_time(at_ms)


def examples(answer: HallucinationAnswer, *, may_read: bool = True) -> Any:
    """Return the doubted outputs, marked; only the rate to those who may not read texts."""
    found = answer.result
    if found is None:
        return answer.insufficient
    lead = words(
        "risk_lead", risk=number(found.hallucination_risk, decimals=2),
        low=number(found.risk_interval.low, decimals=2),
        high=number(found.risk_interval.high, decimals=2), n=number(found.checked),
    )  # fmt: skip
    doubted = [e for e in found.examples if _is_doubted(e)][:MAX_EXAMPLES]
    parts: list[Any] = [html.P(lead, className="panel-note"), _tiers(found)]
    parts.append(_told([*found.notes, *(found.judge.refused if found.judge else ())]))
    if not may_read:
        return html.Div([*parts, html.P(words("texts_hidden"))])
    parts += [mark_legend(), *(_example(example) for example in doubted)]
    if not doubted:
        parts.append(states.calm(words("no_evidence_text"), lead))
    return html.Div(parts)


def _is_doubted(example: Example) -> bool:
    result = example.result
    doubts = (s.checkable and s.verdict != "supported" for s in result.sentences)
    return result.risk_level != "low" or any(doubts)


def _tiers(found: ModelHallucination) -> html.P:
    """Return how many sentences each tier decided, and how many none did."""
    counts = [(words(f"tier_{tier}"), n) for tier, n in found.sentences_by_tier.items()]
    counts.append((t("panel.undecided"), found.undecided))
    said = " · ".join(f"{name} {number(n)}" for name, n in counts)
    return html.P(f"{words('verdict_by')}: {said}", className="panel-note", dir="auto")


def _told(notes: Iterable[str]) -> html.Ul | None:
    """Return what a reader must know of a check, in the reader's language."""
    items = [html.Li(tell(note), dir="auto") for note in notes]
    return html.Ul(items, className="mark-notes") if items else None


def spans_of(example: Example) -> list[Span]:
    """Return the sentences of a checked output with verdict, tier and nearest passage."""
    return [Span(s.start, s.end, s.verdict, _reason(s)) for s in example.result.sentences]


def _reason(sentence: SentenceVerdict) -> str:
    tier = f"{words('verdict_by')}: {words(f'tier_{sentence.tier}')}"
    if sentence.passage is None:
        return tier
    return f"{tier} · {words('passage')}: {isolated(sentence.passage.text)}"


def _example(example: Example) -> html.Blockquote:
    risk = example.result.probability
    return html.Blockquote(
        [
            html.P(example.prompt, className="example-prompt notranslate", dir="auto")
            if example.prompt
            else None,
            marked_text(example.output, spans_of(example)),
            _told(example.result.notes),
            html.Footer([html.Bdi(example.inference_id), " · ", percent(risk, decimals=0)]),
        ],
        className="example",
    )
