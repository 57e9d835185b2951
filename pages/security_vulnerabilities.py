"""Security: open vulnerabilities by severity and age, what to fix first, and what was scanned."""

from __future__ import annotations

from typing import Any

from dash import html

from components import charts, states
from components.charts import Line
from components.kpi import kpi
from components.live import View
from components.panel import Provenance, moment
from components.status import mark, pill
from components.tables import Column, table
from components.theme import Status
from engines.result import Insufficient, Interval
from i18n import duration, number, t
from pages import sources
from pages.security_panels import words
from services.incidents import Incident
from services.times import DAY_MS, SECOND_MS
from services.vulnerabilities import Listed, System, VulnerabilityView

KPIS = ("vulnerabilities_open", "time_to_fix")
PANELS = (
    ("vulnerability_ages", 5, 240, "vulnerability_ages_definition"),
    ("vulnerability_trend", 4, 240, "vulnerability_trend_definition"),
    ("vulnerability_systems", 3, 240, "vulnerability_systems_definition"),
    ("vulnerability_list", 12, 240, "vulnerability_list_definition"),
)
COMMAND = (
    "trivy image --scanners vuln --format cyclonedx my-image | curl -X POST "
    "'http://127.0.0.1:8000/api/security/vulnerabilities?subject=my-image' "
    "-H 'Content-Type: application/json' --data-binary @-"
)
_DAY_S = DAY_MS / SECOND_MS
_TOKENS = {
    "critical": "bad", "high": "warn", "medium": "series-1", "low": "series-3", "unknown": "text-3",
}  # fmt: skip
_STATUS: dict[str, Status] = {
    "critical": "bad", "high": "bad", "medium": "warn", "low": "none", "unknown": "none",
}  # fmt: skip


def fill(found: VulnerabilityView, incidents: list[Incident], view: View) -> None:
    """Put open vulnerabilities into the page's places, with the open incidents about them."""
    about = {i.subject: i for i in incidents if i.subject_kind == "vulnerability"}
    view.slot("security-vulnerabilities_open", _open(found))
    view.slot("security-time_to_fix", _time_to_fix(found))
    now = Provenance("", found.open, computed_at_ms=found.computed_at_ms)
    view.panel("security-vulnerability_ages", _ages(found), now, height=240)
    view.panel("security-vulnerability_trend", _trend(found), now, height=240)
    view.panel("security-vulnerability_list", _first(found, about), now, height=240)
    scanned = Provenance("", len(found.systems), computed_at_ms=found.computed_at_ms)
    view.panel("security-vulnerability_systems", _systems(found.systems), scanned, height=240)


def _open(found: VulnerabilityView) -> Any:
    name = "vulnerabilities_open"
    label, definition = words(name), words(f"{name}_definition")
    if not found.systems:
        lack = Insufficient(words("no_scans"))
        return kpi(label, lack, kpi_id=f"security-{name}", definition=definition)
    return kpi(
        label, float(found.open), kpi_id=f"security-{name}",
        status="bad" if found.overdue else "good",
        word=words("overdue_n", n=number(found.overdue)), definition=definition,
    )  # fmt: skip


def _time_to_fix(found: VulnerabilityView) -> Any:
    fix = found.time_to_fix
    if fix is None:
        value: Any = found.insufficient
        return kpi(
            words("time_to_fix"), value, kpi_id="security-time_to_fix",
            definition=words("time_to_fix_definition"),
        )  # fmt: skip
    interval = None
    if fix.high_days is not None:
        interval = Interval(fix.low_days * _DAY_S, fix.high_days * _DAY_S, fix.level)
    return kpi(
        words("time_to_fix"), fix.median_days * _DAY_S, unit="s", kpi_id="security-time_to_fix",
        interval=interval, definition=words("time_to_fix_definition"),
        status="none", word=words("fixed_of", n=number(fix.n_fixed), open=number(fix.n_open)),
    )  # fmt: skip


def _nothing(found: VulnerabilityView) -> Any:
    if not found.systems:
        return states.empty(words("no_scans"), hint=words("no_scans_hint"), command=COMMAND)
    if not found.open:
        hint = words("no_open_hint", n=number(len(found.systems)))
        return states.calm(words("no_open"), hint)
    return None


def _ages(found: VulnerabilityView) -> Any:
    if nothing := _nothing(found):
        return nothing
    shown = [
        i for i, row in enumerate(found.by_age) if found.severities[i] != "unknown" or any(row)
    ]
    values = [[float(n) if n else None for n in found.by_age[i]] for i in shown]
    figure = charts.heat_map(
        [_grade(found.severities[i]) for i in shown], _bands(found.borders_days), values,
        limits=(0.0, max(v or 0.0 for row in values for v in row)),
    )  # fmt: skip
    return charts.graph(
        "security-vulnerability_ages-chart", figure, height=230,
        label=words("vulnerability_ages_definition"),
    )  # fmt: skip


def _bands(borders: list[float]) -> list[str]:
    """Signs, not words: four labels share the width of a phone."""
    days = [duration(border * _DAY_S) for border in borders]
    inner = [f"{number(low)}–{high}" for low, high in zip(borders, days[1:], strict=False)]
    return [f"< {days[0]}", *inner, f"≥ {days[-1]}"]


def _trend(found: VulnerabilityView) -> Any:
    if not found.systems:
        return states.empty(words("no_scans"), hint=words("no_scans_hint"))
    # The worst at the base: its own height is read off the axis.
    lines = [
        Line(_grade(grade), values, token=_TOKENS[grade])
        for grade, values in found.trend.open.items()
        if any(values)
    ]
    figure = charts.area([float(at) for at in found.trend.at_ms], lines)
    return charts.graph(
        "security-vulnerability_trend-chart", figure, height=230,
        label=words("vulnerability_trend_definition"),
    )  # fmt: skip


def _first(found: VulnerabilityView, about: dict[str, Incident]) -> Any:
    if nothing := _nothing(found):
        return nothing if found.systems else states.empty(words("no_scans"))
    columns = [
        Column("id", words("vulnerability"), "node"),
        Column("severity", words("severity"), "node"),
        Column("title", words("what_it_is"), "node"),
        Column("component", words("component"), "node"),
        Column("system", words("system"), "node"),
        Column("age", words("age"), "node"),
    ]
    rows = [_row(one, about) for one in found.first_in_line]
    return table(columns, rows, caption=words("vulnerability_list"), total=found.open)


def _row(one: Listed, about: dict[str, Incident]) -> dict[str, Any]:
    row = one.vulnerability
    name: Any = html.Bdi(row.id, dir="ltr", style={"whiteSpace": "nowrap"})
    if row.url:
        name = html.A(name, href=row.url, target="_blank", rel="noopener noreferrer")
    if row.id in about:
        incident = html.A(t("incidents.detail"), href=sources.incident_link(about[row.id]))
        name = html.Span([name, html.Br(), html.Small(incident)])
    score = f" {number(row.score, decimals=1)}" if row.score is not None else ""
    age: list[Any] = [html.Bdi(duration(one.age_days * _DAY_S))]
    if one.is_overdue:
        age.append(pill("bad", words("overdue")))
    if row.is_back:
        age.append(pill("warn", words("is_back")))
    version = html.Bdi(f"{row.component} {row.version}".rstrip(), dir="ltr")
    return {
        "id": name,
        "title": html.Span(row.title, dir="auto", className="notranslate"),
        "severity": mark(_STATUS[row.severity], f"{_grade(row.severity)}{score}"),
        "component": html.Span(version, title=row.place or None, className="notranslate"),
        "system": html.Bdi(one.subject),
        "age": html.Span([part for each in age for part in (each, " ")]),
    }


def _systems(systems: list[System]) -> Any:
    if not systems:
        return states.empty(words("no_scans"))
    columns = [
        Column("system", words("system"), "node"),
        Column("open", words("open_cases"), "number"),
        Column("last", words("last_scan"), "node"),
    ]
    rows = [
        {
            "system": html.Span([html.Bdi(one.subject), html.Br(),
                                 html.Small(html.Bdi(one.source), className="muted")]),
            "open": float(one.open),
            "last": moment(one.scanned_at_ms),
        }
        for one in sorted(systems, key=lambda s: (-s.open, s.subject))
    ]  # fmt: skip
    return table(columns, rows, caption=words("vulnerability_systems"))


def _grade(grade: str) -> str:
    return words("grade_unknown") if grade == "unknown" else words(f"level_{grade}")
