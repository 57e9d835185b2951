"""One model's drift of columns together and by segment, its reliability part by part, and the
course of its quality."""

from __future__ import annotations

from typing import Any

from dash import html

from components import tables
from components.panel import grid, panel, section
from components.status import mark, pill
from components.tables import Column
from components.theme import Status
from engines.degradation import Degradation
from engines.drift import DriftReport
from engines.drift.result import JointDrift
from engines.reliability import Agreement, Calibration, Coverage, Stability, Uncertainty
from engines.reliability.result import CalibrationError, OutOfDistribution
from engines.result import Insufficient, Interval
from i18n import date_time, number, percent, t, tell
from pages import model_evidence, sources
from services.degradation import get_degradation
from services.reliability import get_reliability
from services.workspace import Workspace

Children = Any  # what a Dash component takes as children
OUTCOMES: dict[str, Status] = {"drift": "bad", "detectable_but_negligible": "warn",
                               "no_evidence": "good", "insufficient_data": "none"}  # fmt: skip
TREND: dict[str, Status] = {"degrading": "bad", "improving": "good", "no_evidence": "none"}
DRIVERS = 4
CHANGES = 3


def words(name: str, **values: str) -> str:
    """Return a text of the checks."""
    return t(f"checks.{name}", **values)


def drift_parts(report: DriftReport, source: Any) -> list[Children]:
    """Return the panels of columns together and of segments, where there is something to show."""
    parts = []
    if report.joint:
        parts.append(
            panel(
                words("joint"), _joint(report.joint), panel_id="models-joint", span=6, height=120,
                definition=words("joint_definition"), source=source,
            )
        )  # fmt: skip
    if report.slices:
        parts.append(
            panel(
                words("segments"), _slices(report), panel_id="models-segments", span=6, height=120,
                definition=words("segments_definition"), source=source,
            )
        )  # fmt: skip
    return parts


def sections(ws: Workspace, model_id: str, *, is_text: bool) -> list[Children]:
    """Return the sections of reliability, which texts do not have, and of quality."""
    parts = [] if is_text else [_reliability(ws, model_id)]
    return [*parts, _quality(ws, model_id)]


def _outcome(outcome: str) -> Children:
    return mark(OUTCOMES[outcome], t(f"models.outcome_{outcome}"))


def _joint(tests: tuple[JointDrift, ...]) -> Children:
    head = [
        Column("test", words("test")), Column("outcome", t("models.outcome"), "node"),
        Column("effect", t("models.effect"), "number"), Column("p", words("p"), "number"),
        Column("drivers", words("drivers")),
    ]  # fmt: skip
    rows = [
        {
            "test": words(f"test_{one.name}"),
            "outcome": _outcome(one.outcome),
            "effect": one.effect,
            "p": one.p_value,
            "drivers": ", ".join(" × ".join(d.columns) for d in one.drivers[:DRIVERS]) or "–",
        }
        for one in tests
    ]
    return tables.table(head, rows, caption=words("joint"))


def _slices(report: DriftReport) -> Children:
    head = [
        Column("segment", t("shell.segment")), Column("outcome", t("models.outcome"), "node"),
        Column("before", words("share_before"), "number", "share"),
        Column("now", words("share_now"), "number", "share"), Column("moved", words("moved")),
    ]  # fmt: skip
    rows = [
        {
            "segment": f"{one.column}: {one.value}",
            "outcome": _outcome(one.outcome),
            "before": one.share_reference,
            "now": one.share_current,
            "moved": ", ".join(one.drifted[:DRIVERS]) or "–",
        }
        for one in report.slices
    ]
    return tables.table(head, rows, caption=words("segments"))


def _reliability(ws: Workspace, model_id: str) -> Children:
    answer = get_reliability(ws, model_id)
    found, source = answer.result, sources.provenance(answer)
    lack = answer.insufficient
    bodies = {
        "calibration": _calibration(found.calibration) if found else lack,
        "steady": _steady(found.stability) if found else lack,
        "uncertainty": _uncertainty(found.uncertainty) if found else lack,
        "outliers": _outliers(found.ood_detection) if found else lack,
    }
    diagram = panel(
        t("technical.calibration"), model_evidence.calibration(answer), panel_id="models-diagram",
        span=6, height=260, definition=t("technical.calibration_definition"), source=source,
    )  # fmt: skip
    made = [
        panel(
            words(name), body, panel_id=f"models-{name}", span=6 if name == "calibration" else 4,
            height=120,
            definition=words(f"{name}_definition"), source=source,
        )
        for name, body in bodies.items()
    ]  # fmt: skip
    return section(
        words("reliability"), grid(diagram, *made), section_id="models-reliability-section"
    )


def _range(interval: Interval) -> str:
    return f"{number(interval.low, decimals=3)} – {number(interval.high, decimals=3)}"


def _calibration(found: Calibration | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    head = [
        Column("group", words("group")), Column("n", words("cases"), "number"),
        Column("error", words("error"), "number"), Column("interval", words("interval")),
        Column("p", words("p"), "number"),
    ]  # fmt: skip
    rows = [_group(words("all_rows"), found.error, found.error.p_value)]
    rows += [
        _group(group.name, group.error, group.adjusted_p)
        for group in (*found.classes, *found.segments)
    ]
    return tables.table(head, rows, caption=words("calibration"))


def _group(
    name: str, error: CalibrationError | Insufficient, p_value: float | None
) -> dict[str, Any]:  # cells
    if isinstance(error, Insufficient):
        return {"group": name, "n": error.got, "interval": tell(error.reason)}
    return {
        "group": name, "n": error.n, "error": max(0.0, error.ece),
        "interval": _range(error.interval), "p": p_value,
    }  # fmt: skip


def _steady(found: Stability | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    head = [
        Column("what", words("share")), Column("share", t("shell.value"), "number", "share"),
        Column("interval", words("interval")), Column("n", words("cases"), "number"),
    ]  # fmt: skip
    parts = {
        "repeats": found.repeats, "between": found.versions, "regressions": found.regressions
    }  # fmt: skip
    rows = [_agreed(words(name), part) for name, part in parts.items()]
    shown: list[Children] = [tables.table(head, rows, caption=words("steady"))]
    if found.flips:
        flips = ", ".join(f"{f.before} → {f.after} ({f.n})" for f in found.flips[:DRIVERS])
        shown.append(html.P(words("flips", list=flips), className="panel-note"))
    return html.Div(shown)


def _agreed(name: str, part: Agreement | Insufficient) -> dict[str, Any]:  # cells
    if isinstance(part, Insufficient):
        return {"what": name, "interval": tell(part.reason), "n": part.got}
    return {"what": name, "share": part.share, "interval": _range(part.interval), "n": part.n}


def _uncertainty(found: Uncertainty | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    head = [
        Column("group", words("group")), Column("held", words("held"), "number", "share"),
        Column("interval", words("interval")),
        Column("promised", words("promised"), "number", "share"),
        Column("n", words("cases"), "number"),
    ]  # fmt: skip
    rows = [_covered(words("all_rows"), found.coverage)]
    rows += [_covered(segment.name, segment) for segment in found.segments]
    key = "width" if found.kind == "interval" else "set_size"
    note = words(key, width=number(found.mean_width, decimals=2))
    return html.Div(
        [
            tables.table(head, rows, caption=words("uncertainty")),
            html.P(note, className="panel-note"),
        ]
    )


def _covered(name: str, one: Coverage) -> dict[str, Any]:  # cells
    return {
        "group": name, "held": one.share, "interval": _range(one.interval),
        "promised": one.nominal, "n": one.n,
    }  # fmt: skip


def _outliers(found: OutOfDistribution | Insufficient) -> Children:
    if isinstance(found, Insufficient):
        return found
    facts = {
        "flagged": f"{percent(found.share)} ({_range(found.interval)})",
        "expected": percent(found.alpha),
        "excess": f"{percent(found.excess)} ({_range(found.excess_interval)})",
        "to_look_at": number(found.discoveries),
        "auroc": f"{number(found.auroc, decimals=3)} ({_range(found.auroc_interval)})",
    }
    return _facts(facts, words("outliers"))


def _quality(ws: Workspace, model_id: str) -> Children:
    answer = get_degradation(ws, model_id)
    body: Children = answer.insufficient
    if answer.result is not None:
        body = _course(answer.result)
    name = t(f"technical.metric_{answer.method}")
    made = panel(
        words("course"), body, panel_id="models-course", span=12, height=120,
        definition=words("course_definition"), source=sources.provenance(answer, method=name),
    )  # fmt: skip
    return section(words("course"), grid(made), section_id="models-course-section")


def _course(found: Degradation) -> Children:
    impact, ahead = found.impact, found.projection
    facts: dict[str, Children] = {
        "trend": pill(TREND[found.status], t(f"technical.trend_{found.status}")),
        "p": number(found.trend.p_value, decimals=3),
        "rate": f"{number(found.rate, decimals=4)} ({_range(found.rate_interval)})",
        "ahead": f"{number(ahead.value, decimals=3)} ({_range(ahead.interval)})",
        "lost": f"{number(impact.total, decimals=3)} ({_range(impact.interval)})",
    }
    table = _facts(facts, words("course"))
    changes = [
        html.Li(
            words(
                "changed", time=date_time(change.time_s * 1_000), before=number(change.before),
                after=number(change.after),
            )
        )
        for change in found.changes[-CHANGES:]
    ]  # fmt: skip
    return html.Div([table, html.Ul(changes, className="mark-notes")] if changes else [table])


def _facts(facts: dict[str, Children], caption: str) -> Children:
    head = [Column("name", t("models.property")), Column("value", t("shell.value"), "node")]
    rows = [{"name": words(name), "value": value} for name, value in facts.items()]
    return tables.table(head, rows, caption=caption)
