"""Incidents: what went wrong, its likely cause, and who looks after it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ALL, Input, Output, ctx, html, no_update

from components import paging, states, tables
from components.address import link
from components.icons import icon
from components.kpi import kpi, row
from components.live import View, slot, view_store
from components.paging import Part, Sorting
from components.panel import Provenance, grid, moment, panel
from components.scope import Scope
from components.shell import page_header
from components.status import mark
from components.tables import Column
from components.theme import Status
from engines.causal.result import Evidence
from engines.result import Insufficient
from i18n import duration, t, tell
from pages import explore_parts as parts
from pages import focus, sources
from services import incidents as service
from services.errors import NotFound
from services.incidents import Incident
from services.times import Window
from services.workspace import Workspace, current_workspace

PATH = "/incidents"
SEVERITY: dict[str, Status] = {"critical": "bad", "warning": "warn", "info": "none"}
_MOST = 10_000
_SEVERITIES = ("critical", "warning", "info")
_SORTS: dict[str, Callable[[Incident], Any]] = {
    "since": lambda incident: incident.opened_at_ms,
    "severity": lambda incident: _SEVERITIES.index(incident.severity),
    "state": lambda incident: incident.state,
    "lasted": lambda incident: _lasted_ms(incident),
}
USUAL = "-since"
"""What the list is sorted by, and how where nobody asked: the newest first."""
_KPIS = ("open", "count", "mean_time")
Children = Any  # what a Dash component takes as children


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    return html.Div(
        [
            page_header(t("nav.incidents"), t("incidents.purpose")),
            view_store("incidents"),
            row(*[slot(f"incidents-{name}", states.skeleton(104, "kpi")) for name in _KPIS]),
            grid(
                panel(t("incidents.all"), None, panel_id="incidents-list", span=12),
                panel(t("incidents.detail"), None, panel_id="incidents-one", span=12, menu=False),
            ),
        ]
    )


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view, and carry out what a person decides."""
    sources.register_live(dash_app, "incidents", fill)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("toast", "data", allow_duplicate=True),
        Input({"type": "incident-act", "index": ALL}, "n_clicks"),
        prevent_initial_call=True,
    )
    def _act(clicks: list[int | None]) -> Any:
        if not any(clicks) or not ctx.triggered_id:
            return no_update
        incident_id, state = str(ctx.triggered_id["index"]).split("|")
        changed = service.change_state(current_workspace(), incident_id, state)  # type: ignore[arg-type]
        return {"kind": "good", "title": t(f"incidents.{changed.state}"), "text": _title(changed)}


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the incidents of the window, and the one in focus, into the page."""
    window = sources.window_of(ws, scope)
    everything = service.list_incidents(ws, limit=_MOST)
    found = [i for i in everything if _is_in(i, window, scope.model)]
    _fill_figures(view, found)
    source = Provenance(scope.describe(), len(found), computed_at_ms=ws.now_ms())
    view.panel("incidents-list", _list(found, parts.opened(scope)), source)
    view.panel("incidents-one", _one(ws, focus.parse(scope.focus).incident))


def _is_in(incident: Incident, window: Window, model_id: str) -> bool:
    ended = incident.resolved_at_ms
    overlaps = incident.opened_at_ms < window.end_ms and (ended is None or ended >= window.start_ms)
    return overlaps and (not model_id or incident.subject == model_id)


def _fill_figures(view: View, found: list[Incident]) -> None:
    active = [i for i in found if i.state != "resolved"]
    times = [(i.resolved_at_ms - i.opened_at_ms) / 1_000 for i in found if i.resolved_at_ms]
    mean: str | Insufficient = Insufficient(
        t("incidents.none_ended" if found else "incidents.none")
    )
    if times:
        mean = duration(sum(times) / len(times))
    figures = {
        "open": kpi(
            t("incidents.open"), float(len(active)), kpi_id="incidents-open",
            status="bad" if active else "good",
        ),
        "count": kpi(t("incidents.count"), float(len(found)), kpi_id="incidents-count"),
        "mean_time": kpi(t("incidents.mean_time"), mean, kpi_id="incidents-mean"),
    }  # fmt: skip
    for name, figure in figures.items():
        view.slot(f"incidents-{name}", figure)


def _list(found: list[Incident], opened: parts.Asked) -> Children:
    if not found:
        return states.calm(t("incidents.calm"), t("incidents.none"))
    by, descending = paging.asked_sort(opened.one("sort"), tuple(_SORTS), USUAL)
    found = sorted(found, key=_SORTS[by], reverse=descending)
    part = Part(opened.page("page"), len(found))
    sorting = Sorting(
        by, descending, tuple(_SORTS), lambda to: link("", detail=opened.but(sort=to, page=""))
    )
    columns = [
        Column("title", t("incidents.what"), "node"),
        Column("severity", t("incidents.severity"), "node"),
        Column("state", t("incidents.state")),
        Column("since", t("incidents.since"), "node"),
        Column("lasted", t("incidents.lasted")),
        Column("cause", t("incidents.cause")),
    ]
    rows = [
        {
            "title": html.A(_title(i), href=sources.incident_link(i)),
            "severity": mark(SEVERITY[i.severity]),
            "state": t(f"incidents.{i.state}"),
            "since": moment(i.opened_at_ms),
            "lasted": duration(_lasted_ms(i) / 1_000),
            "cause": focus.cause_words(i),
        }
        for i in found[part.rows]
    ]
    return tables.paged(
        columns, rows, caption=t("incidents.all"), part=part, sorting=sorting,
        address=lambda at: link("", detail=opened.but(page=str(at))),
    )  # fmt: skip


def _lasted_ms(incident: Incident) -> int:
    return (incident.resolved_at_ms or incident.updated_at_ms) - incident.opened_at_ms


def _title(incident: Incident) -> str:
    return sources.incident_title(incident)


def _one(ws: Workspace, incident_id: str) -> Children:
    if not incident_id:
        return states.empty(t("incidents.choose"))
    try:
        incident = service.get_incident(ws, incident_id)
    except NotFound as error:
        return states.empty(tell(error.message))
    return html.Div(
        [
            html.H3(_title(incident), className="panel-lead"),
            html.P([mark(SEVERITY[incident.severity]), " · ", moment(incident.opened_at_ms)]),
            *_explained(incident),
            _actions(incident),
            _still_found(incident),
            _history(incident),
        ]
    )


def _explained(incident: Incident) -> list[Children]:
    if incident.subject_kind == "vulnerability":
        return [html.P(html.A(t("nav.security"), href="/security"))]
    cause = incident.root_cause
    graph = html.A(
        [icon("diagram-3"), " ", t("incidents.open_graph")],
        href=sources.incident_link(incident, page="/causes"),
    )
    cost = html.A(
        [icon("cash-stack"), " ", t("incidents.open_impact")],
        href=sources.incident_link(incident, page="/impact"),
    )
    ways = html.P([graph, " · ", cost])
    if cause is None:
        return [html.P(t("incidents.not_yet")), ways]
    said: list[Children] = [
        html.P([html.B(t("incidents.cause")), ": ", focus.cause_words(incident)])
    ]
    if cause["causes"] and not cause["abstained"]:
        first = cause["causes"][0]
        said += [
            _words("chain", [_chain(first["chain"])] if first["chain"] else []),
            _words("evidence", _reasons(first, "evidence")),
            _words("against", _reasons(first, "against")),
        ]
    return [*said, ways]


def _chain(steps: list[str]) -> str:
    """Return the way from cause to effect; a step is kept as its node and its metric."""
    return " → ".join(focus.title(tuple(step.rsplit(" ", 1))) for step in steps)  # type: ignore[arg-type]


def _reasons(cause: dict[str, Any], side: str) -> list[str]:
    """Return what speaks for or against a cause; explanations kept before have only English."""
    said = cause.get(f"{side}_said")
    if said is None:
        return list(cause[side])
    return [
        focus.sentence(Evidence(key, tuple(values.items()), text))
        for text, (key, values) in zip(cause[side], said, strict=True)
    ]


def _words(name: str, lines: list[str]) -> Children:
    if not lines:
        return None
    listed = html.Ul([html.Li(line, dir="auto") for line in lines])
    return html.Div([html.B(t(f"incidents.{name}")), listed])


def _actions(incident: Incident) -> Children:
    if incident.state == "resolved":
        return None
    wanted = [("acknowledge", "acknowledged"), ("resolve", "resolved")]
    buttons = [
        html.Button(
            t(f"incidents.{verb}"),
            id={"type": "incident-act", "index": f"{incident.id}|{state}"},
            className="btn-quiet",
        )
        for verb, state in wanted
        if state != incident.state
    ]
    return html.Div(buttons, className="button-row no-print")


def _still_found(incident: Incident) -> Children:
    ended = incident.resolved_at_ms
    if ended is None or incident.updated_at_ms <= ended:
        return None
    found = html.P([t("incidents.last_found"), ": ", moment(incident.updated_at_ms)])
    return html.Div([found, html.P(t("incidents.opens_again"), className="panel-note")])


def _note(text: str) -> list[Children]:
    """Return a note: the state in the language in use, and what its writer added as it is."""
    if text == service.CONDITION_GONE:
        return [t("incidents.note_gone")]
    state, colon, rest = text.partition(": ")
    if state not in ("open", "acknowledged", "resolved"):
        return [html.Bdi(text)]
    return [t(f"incidents.note_{state}"), colon, html.Bdi(rest)]


def _history(incident: Incident) -> Children:
    lines = [
        html.Li([moment(note.at_ms), " · ", html.Bdi(note.actor), " · ", *_note(note.text)])
        for note in incident.notes
    ]
    return html.Div([html.B(t("incidents.history")), html.Ul(lines)]) if lines else None
