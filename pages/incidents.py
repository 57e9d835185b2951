"""Incidents: what went wrong, its likely cause, and who looks after it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import ALL, Input, Output, ctx, html, no_update

from components import states
from components.icons import icon
from components.kpi import kpi, row
from components.live import View, slot, view_store
from components.panel import Provenance, grid, moment, panel
from components.scope import Scope
from components.shell import page_header
from components.status import mark
from engines.causal.result import Evidence
from engines.result import Insufficient
from i18n import duration, t
from pages import explore_parts as parts
from pages import focus, sources
from pages.incident_list import SEVERITY, buttons, listed
from services import incidents as service
from services.incident_groups import IncidentGroup, count_causes, group_by_cause
from services.incidents import Incident
from services.times import Window
from services.workspace import Workspace, current_workspace

PATH = "/incidents"
_MOST = 10_000
MOST_SIBLINGS = 20
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
        ids, state, _ = str(ctx.triggered_id["index"]).split("|")
        changed = service.change_states(current_workspace(), ids.split(","), state)  # type: ignore[arg-type]
        return _done(changed, state)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the incidents of the window, and the one in focus, into the page."""
    window = sources.window_of(ws, scope)
    everything = service.list_incidents(ws, limit=_MOST)
    found = [i for i in everything if _is_in(i, window, scope.model)]
    _fill_figures(view, found)
    source = Provenance(scope.describe(), len(found), computed_at_ms=ws.now_ms())
    # Whole groups: a member of another model, or from before the window, may be the worst of it.
    groups, shown = group_by_cause(everything), {i.id for i in found}
    seen = [g for g in groups if any(i.id in shown for i in g.incidents)]
    view.panel("incidents-list", listed(seen, parts.opened(scope)), source)
    view.panel("incidents-one", _one(groups, focus.parse(scope.focus).incident))


def _done(changed: Sequence[Incident], state: str) -> dict[str, str]:
    """Return the message that tells what was decided about which incidents."""
    rest = t("incidents.in_group_more", n=len(changed) - 1) if changed[1:] else ""
    text = f"{_title(changed[0])} {rest}".strip()
    return {"kind": "good", "title": t(f"incidents.{state}"), "text": text}


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
            word=sources.causes_words(count_causes(active)) if active else None,
        ),
        "count": kpi(t("incidents.count"), float(len(found)), kpi_id="incidents-count"),
        "mean_time": kpi(t("incidents.mean_time"), mean, kpi_id="incidents-mean"),
    }  # fmt: skip
    for name, figure in figures.items():
        view.slot(f"incidents-{name}", figure)


def _title(incident: Incident) -> str:
    return sources.incident_title(incident)


def _one(groups: Sequence[IncidentGroup], incident_id: str) -> Children:
    """Return one incident and its group; without one asked for, what is first in line."""
    if not incident_id:
        if not groups or groups[0].state == "resolved":
            return states.empty(t("incidents.choose"))
        return _told(groups[0].incidents[0], groups[0])
    for group in groups:
        for incident in group.incidents:
            if incident.id == incident_id:
                return _told(incident, group)
    return states.empty(t("reasons.no_such_incident", id=incident_id))


def _told(incident: Incident, group: IncidentGroup) -> Children:
    return html.Div(
        [
            html.H3(_title(incident), className="panel-lead"),
            html.P([mark(SEVERITY[incident.severity]), " · ", moment(incident.opened_at_ms)]),
            *_explained(incident),
            buttons([incident], "one"),
            _siblings(incident, group),
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


def _siblings(incident: Incident, group: IncidentGroup) -> Children:
    """Return the other incidents of its cause, with what can be decided about all of them."""
    others = [i for i in group.incidents if i.id != incident.id]
    if not others:
        return None
    lines = [
        html.Li(
            [
                mark(SEVERITY[one.severity]), " · ",
                html.A(_title(one), href=sources.incident_link(one)), " · ",
                t(f"incidents.{one.state}"), " · ", moment(one.opened_at_ms),
            ]
        )
        for one in others[:MOST_SIBLINGS]
    ]  # fmt: skip
    rest = len(others) - len(lines)
    more = html.P(t("panel.show_more", n=rest), className="table-more") if rest else None
    said = t("incidents.same_cause", n=len(others))
    return html.Div([html.B(said), html.Ul(lines), more, buttons(group.incidents, "all")])


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
