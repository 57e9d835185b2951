"""Service levels: what was promised, how much of its budget is left, how fast that goes."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import html

from components import charts, live, shell, states
from components.charts import Line, Threshold
from components.kpi import kpi, row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from engines.result import Insufficient
from engines.slo import AlertState
from i18n import duration, number, percent, quantity, t
from pages import explore_parts as parts
from pages import slo_form, sources
from pages.slo_form import words
from services.slo import SloStatus, list_error_budgets
from services.slo_counts import latency_bound_ms
from services.workspace import Workspace

PATH = "/slo"
_KPIS = ("holding", "burning", "least")
_HEALTH: dict[str, Status] = {
    "healthy": "good", "burning": "warn", "exhausted": "bad", "no_data": "none",
}  # fmt: skip
_STATE: dict[str, Status] = {
    "quiet": "good", "firing": "bad", "too_little_data": "none", "no_data": "none",
}  # fmt: skip
_SEVERITY: dict[str, Status] = {"page": "bad", "ticket": "warn"}
COMMAND = (
    "curl -X POST http://127.0.0.1:8000/api/slo -H 'Content-Type: application/json' -d '"
    '{"id": "answers", "definition": {"name": "Answers", "model_id": "my-model", "target": 0.99, '
    '"indicator": {"kind": "availability"}}}\''
)


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    return html.Div(
        [
            shell.page_header(t("nav.slo"), words("purpose")),
            live.view_store("slo"),
            row(*[live.slot(f"slo-{name}", states.skeleton(104, "kpi")) for name in _KPIS]),
            grid(
                panel(
                    words("objectives"), None, panel_id="slo-objectives", span=12, height=200,
                    definition=words("objectives_definition"),
                ),
                panel(
                    words("over_time"), None, panel_id="slo-over-time", span=6, height=240,
                    definition=words("over_time_definition"),
                ),
                panel(
                    words("burn_over_time"), None, panel_id="slo-burn", span=6, height=240,
                    definition=words("burn_definition"),
                ),
                panel(
                    words("alerts"), None, panel_id="slo-alerts", span=8, height=220,
                    definition=words("alerts_definition"),
                ),
                panel(words("promise"), None, panel_id="slo-promise", span=4, height=220),
                panel(
                    words("form"), slo_form.layout(), panel_id="slo-form", span=12, menu=False,
                ),
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view, and carry out what a person defines."""
    sources.register_live(dash_app, "slo", fill)
    slo_form.register(dash_app)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put every objective, and the chosen or worst one in detail, into the page's places."""
    found = list_error_budgets(ws, scope.model)
    source = Provenance(n=len(found), computed_at_ms=_newest(ws, found))
    _fill_figures(view, found)
    view.panel("slo-objectives", _objectives(found), source, height=200)
    wanted = parts.asked(scope).one("slo")
    one = next((s for s in found if s.objective.id == wanted), None)
    if wanted and one is None:
        _fill_one(view, states.empty(words("gone")))
    elif not found:
        _fill_one(view, states.empty(words("empty")))
    else:
        _fill_detail(ws, view, one or found[0])


def _newest(ws: Workspace, found: list[SloStatus]) -> int:
    return max((s.computed_at_ms for s in found), default=ws.now_ms())


def _fill_figures(view: View, found: list[SloStatus]) -> None:
    known = [s for s in found if s.health != "no_data"]
    held = sum(s.health != "exhausted" for s in known)
    burning = sum(s.health == "burning" for s in found)
    least = min((s.budget.remaining for s in known), default=None)
    nothing = Insufficient(words("no_events") if found else words("empty"))
    figures = {
        "holding": kpi(
            words("holding"),
            words("holding_of", n=number(held), total=number(len(known))) if known else nothing,
            kpi_id="slo-holding", definition=words("holding_definition"),
            status=None if not known else "good" if held == len(known) else "bad",
        ),
        "burning": kpi(
            words("burning_now"), float(burning) if known else nothing, kpi_id="slo-burning",
            status=None if not known else "warn" if burning else "good",
            definition=words("burning_definition"),
        ),
        "least": kpi(
            words("least"), nothing if least is None else least, unit="share", kpi_id="slo-least",
            status=None if least is None else "good" if least > 0 else "bad",
            definition=words("least_definition"),
        ),
    }  # fmt: skip
    for name in _KPIS:
        view.slot(f"slo-{name}", figures[name])


def _objectives(found: list[SloStatus]) -> Any:
    if not found:
        return states.empty(words("empty"), hint=words("empty_hint"), command=COMMAND)
    columns = [
        Column("name", words("name"), "node"),
        Column("subject", words("subject"), "node"),
        Column("state", words("state"), "node"),
        Column("promise", words("measured")),
        Column("attained", words("attained"), "node"),
        Column("left", words("left"), "number", "share"),
        Column("burn1", words("burn", window=duration(3_600)), "number"),
        Column("burn6", words("burn", window=duration(21_600)), "number"),
        Column("lasts", words("lasts")),
    ]
    return table(columns, [_row(s) for s in found], caption=words("objectives"), limit=50)


def _row(status: SloStatus) -> dict[str, Any]:
    given, budget = status.objective.definition, status.budget
    link = f"{PATH}?{urlencode({'focus': urlencode({'slo': status.objective.id})})}"
    known = budget.sli is not None
    return {
        "name": html.A(html.Bdi(given.name), href=link),
        "subject": html.Bdi(given.subject),
        "state": mark(_HEALTH[status.health], words(f"health_{status.health}")),
        "promise": promise(status),
        "attained": html.Bdi(_share(budget.sli), dir="ltr") if known else None,
        "left": budget.remaining if known else None,
        "burn1": status.burn["1h"],
        "burn6": status.burn["6h"],
        "lasts": _lasts(status),
    }


def _share(value: float | None) -> str:
    return percent(value, decimals=3)


def _lasts(status: SloStatus) -> str:
    left = status.exhausted_in_s
    if status.budget.sli is None or left == 0.0:
        return "–"
    if left is None or left >= status.window.length_ms / 1_000:
        return words("lasts_on")
    return duration(left)


def promise(status: SloStatus) -> str:
    """Return what is promised in words: the indicator and its target."""
    given = status.objective.definition
    kind, limit = given.indicator.kind, given.indicator.threshold
    shown = quantity(limit, "ms") if kind == "latency" else number(limit)
    name = f"kind_metric_{given.indicator.good_when}" if kind == "metric" else f"kind_{kind}"
    what = words(name, limit=shown, metric=given.indicator.metric)
    return words("promised", what=what, target=_share(given.target))


def _fill_one(view: View, body: Any) -> None:
    for name in ("over-time", "burn", "alerts", "promise"):
        view.panel(f"slo-{name}", body)


def _fill_detail(ws: Workspace, view: View, status: SloStatus) -> None:
    source = Provenance(
        duration(status.window.length_ms / 1_000), int(status.budget.total),
        computed_at_ms=status.computed_at_ms,
    )  # fmt: skip
    marks = sources.event_marks(ws, status.window, status.objective.definition.model_id)
    view.panel("slo-over-time", _left(status, marks), source)
    view.panel("slo-burn", _burn(status, marks), source)
    view.panel("slo-alerts", _alerts(status), source, height=220)
    view.panel("slo-promise", _promise(status), source, height=220)


def _left(status: SloStatus, marks: list[charts.Mark]) -> Any:
    line = status.timeline
    if not line.timestamps_ms:
        return Insufficient(words("no_events"))
    figure = charts.line(
        line.timestamps_ms, [Line(words("left"), line.remaining)], unit="share", zero=True,
        thresholds=[Threshold(0.0, words("health_exhausted"), "bad")], marks=marks,
    )  # fmt: skip
    label = f"{status.objective.definition.name}: {words('over_time_definition')}"
    return charts.graph("slo-left-chart", figure, label=label)


def _burn(status: SloStatus, marks: list[charts.Mark]) -> Any:
    line, allowed = status.timeline, 1 - status.objective.definition.target
    if not line.timestamps_ms:
        return Insufficient(words("no_events"))
    values: list[float | None] = [ratio / allowed for ratio in line.error_ratio]
    highest = max(v for v in values if v is not None)
    limits: list[Threshold] = []
    for rule in status.objective.rules:  # quickest first: a slower one must not hide its name
        near = any(abs(rule.factor - other.value) < 0.12 * highest for other in limits)
        if rule.factor <= 1.5 * highest and not near:
            name = words(f"rule_{rule.name}")
            limits.append(Threshold(rule.factor, name, _SEVERITY[rule.severity]))
    figure = charts.line(
        line.timestamps_ms, [Line(words("burn_over_time"), values)], zero=True, thresholds=limits,
        marks=marks,
    )  # fmt: skip
    return charts.graph("slo-burn-chart", figure, label=words("burn_definition"))


def _alerts(status: SloStatus) -> Any:
    columns = [
        Column("rule", words("rule")),
        Column("windows", words("windows")),
        Column("limit", words("fires_above"), "number"),
        Column("short", words("burn_short"), "number"),
        Column("long", words("burn_long"), "number"),
        Column("state", words("state"), "node"),
    ]
    rows = [_alert(alert) for alert in status.alerts]
    return html.Div([table(columns, rows, caption=words("alerts")), *_notes(status)])


def _alert(alert: AlertState) -> dict[str, Any]:
    rule = alert.rule
    return {
        "rule": words(f"rule_{rule.name}"),
        "windows": f"{duration(rule.short_s)} / {duration(rule.long_s)}",
        "limit": rule.factor,
        "short": alert.short_burn,
        "long": alert.long_burn,
        "state": mark(_STATE[alert.state], words(f"state_{alert.state}")),
    }


def _notes(status: SloStatus) -> list[html.P]:
    given = status.objective.definition
    notes = [
        words(
            "capped", rule=words(f"rule_{rule.name}"), target=_share(given.target),
            share=percent(rule.threshold),
        )
        for rule in status.objective.rules
        if not rule.is_reachable
    ]  # fmt: skip
    limit = given.indicator.threshold
    if given.indicator.kind == "latency" and limit is not None:
        bound = latency_bound_ms(limit)
        if bound is not None and abs(bound - limit) > 1e-3:
            notes.append(
                words("bound", bound=quantity(bound, "ms"), threshold=quantity(limit, "ms"))
            )
    return [html.P(note, className="panel-note", dir="auto") for note in notes]


def _promise(status: SloStatus) -> Any:
    objective, given = status.objective, status.objective.definition
    period = (
        words(f"calendar_{given.calendar}", zone=given.timezone)
        if given.calendar
        else words("period_days", n=given.days)
    )
    facts = [
        (words("name"), html.Bdi(given.name)),
        (words("subject"), html.Bdi(given.subject)),
        (words("measured"), promise(status)),
        (words("period"), period),
        (words("owner"), html.Bdi(given.owner or "–")),
        (words("revision"), f"{number(objective.revision)} · {objective.defined_by}"),
    ]
    columns = [Column("name", words("property")), Column("value", words("value"), "node")]
    rows = [{"name": name, "value": value} for name, value in facts]
    return html.Div(
        [
            table(columns, rows, caption=words("promise")),
            slo_form.delete_button(objective.id),
        ]
    )
