"""The list of incidents: those of one cause in one row, which opens to its members."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from dash import html

from components import paging, states, tables
from components.address import link, packed
from components.attributes import attrs
from components.icons import icon
from components.paging import Part, Sorting
from components.panel import moment
from components.status import mark
from components.tables import Column
from components.theme import Status
from i18n import duration, number, percent, t
from pages import explore_parts as parts
from pages import focus, sources
from services.incident_groups import IncidentGroup, urgency
from services.incidents import RANK, Incident, Severity

SEVERITY: dict[str, Status] = {"critical": "bad", "warning": "warn", "info": "none"}
_SORTS: dict[str, Callable[[IncidentGroup], Any]] = {
    "severity": urgency,
    "since": lambda group: group.opened_at_ms,
    "state": lambda group: group.state,
    "lasted": lambda group: _lasted_ms(group),
}
USUAL = "severity"
"""What the list is sorted by where nobody asked: open first, then the worst, then the newest."""
NAMED = 3
Children = Any  # what a Dash component takes as children


def listed(found: Sequence[IncidentGroup], opened: parts.Asked) -> Children:
    """Return the table of groups; `opened` holds its sort, its page, and which group is open."""
    if not found:
        return states.calm(t("incidents.calm"), t("incidents.none"))
    by, descending = paging.asked_sort(opened.one("sort"), tuple(_SORTS), USUAL)
    ordered = sorted(found, key=_SORTS[by], reverse=descending)
    part = Part(opened.page("page"), len(ordered))
    sorting = Sorting(
        by, descending, tuple(_SORTS), lambda to: link("", detail=opened.but(sort=to, page=""))
    )
    columns = [
        Column("title", t("incidents.what"), "node"),
        Column("severity", t("incidents.severity"), "node"),
        Column("state", t("incidents.state")),
        Column("since", t("incidents.since"), "node"),
        Column("lasted", t("incidents.lasted")),
        Column("cause", t("incidents.cause"), "node"),
        Column("act", t("incidents.act"), "node"),
    ]
    rows = [row for group in ordered[part.rows] for row in _rows(group, opened)]
    table = tables.table(
        columns, rows, caption=t("incidents.all"), sorting=sorting, limit=max(1, len(rows))
    )
    return html.Div([table, paging.pages(part, lambda at: _address(opened, page=str(at)))])


def _address(opened: parts.Asked, **changes: str) -> str:
    return link("", detail=opened.but(**changes))


def _rows(group: IncidentGroup, opened: parts.Asked) -> list[dict[str, Children]]:
    if len(group.incidents) == 1:
        return [_row(group.incidents[0])]
    is_open = opened.one("group") in {i.id for i in group.incidents}
    head = {
        "title": _toggle(group, opened, is_open=is_open),
        "severity": severities(group.by_severity),
        "state": _state(group),
        "since": moment(group.opened_at_ms),
        "lasted": duration(_lasted_ms(group) / 1_000),
        "cause": _cause(group),
        "act": buttons(group.incidents, "group"),
    }
    return [head, *(_row(i, is_member=True) for i in group.incidents if is_open)]


def _toggle(group: IncidentGroup, opened: parts.Asked, *, is_open: bool) -> Children:
    """Return the name of a group as the way to open and shut it, with what it says went wrong."""
    glyph = icon("chevron-down" if is_open else "chevron-right", className="flip")
    way = html.A(
        [glyph, html.Bdi(group_title(group))],
        href=_address(opened, group="" if is_open else group.id),
        className="group-toggle",
        **attrs(aria_expanded="true" if is_open else "false"),
    )
    if is_open:
        return way
    numbers = _names([focus.title(key) for key in group.effects])
    return html.Div(
        [way, html.Div(html.Bdi(numbers), className="group-numbers") if numbers else None]
    )


def group_title(group: IncidentGroup) -> str:
    """Return what went wrong: of one incident its title, of several how many and whose they are."""
    if len(group.incidents) == 1:
        return sources.incident_title(group.incidents[0])
    if len({(i.rule, i.subject) for i in group.incidents}) == 1:  # one that went and came again
        return f"{sources.incident_title(group.incidents[0])} (× {number(len(group.incidents))})"
    return t("incidents.in_group", n=len(group.incidents), names=_names(group.subjects))


def group_link(group: IncidentGroup) -> str:
    """Return the address of the list with a group open, or of its only incident."""
    if len(group.incidents) == 1:
        return sources.incident_link(group.incidents[0])
    first = group.incidents[0].id
    return link("/incidents", focus=packed(incident=first), detail=packed(group=group.id))


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    rest = len(names) - NAMED
    return t("incidents.and_more", names=shown, n=number(rest)) if rest > 0 else shown


def severities(counts: dict[Severity, int]) -> Children:
    """Return each severity of a group with how many there are, the worst first."""
    listed = sorted(counts.items(), key=lambda pair: RANK[pair[0]])
    if len(listed) == 1:
        return mark(SEVERITY[listed[0][0]])
    return html.Div(
        [
            html.Div(mark(SEVERITY[name], f"{t(f'state.{SEVERITY[name]}')} × {number(n)}"))
            for name, n in listed
        ]
    )


def _state(group: IncidentGroup) -> str:
    """Return the state of a group, with how many are in it where others are not."""
    mine, every = sum(i.state == group.state for i in group.incidents), len(group.incidents)
    word = t(f"incidents.{group.state}")
    return word if mine == every else f"{word} ({number(mine)}/{number(every)})"


def _cause(group: IncidentGroup) -> Children:
    if group.cause is None:
        return "–"
    address = sources.incident_link(group.incidents[0], "/causes")
    return html.A(cause_words(group), href=address)


def cause_words(group: IncidentGroup) -> str:
    """Return what a group is traced to: the change that was made, else the number that moved."""
    cause = group.cause
    if cause is None:
        return "–"
    if cause.is_itself:
        return t("incidents.cause_self")
    said = t(
        "incidents.cause_words",
        node=cause.node,
        metric=focus.metric_name(cause.metric),
        confidence=percent(cause.confidence, decimals=0),
    )
    return f"{cause.event_title}: {said}" if cause.event_title else said


def _row(incident: Incident, *, is_member: bool = False) -> dict[str, Children]:
    title = html.A(sources.incident_title(incident), href=sources.incident_link(incident))
    cause: Children = html.Bdi(focus.cause_words(incident))
    if incident.root_cause is not None:
        cause = html.A(cause, href=sources.incident_link(incident, "/causes"))
    return {
        "title": html.Div(title, className="group-member") if is_member else title,
        "severity": mark(SEVERITY[incident.severity]),
        "state": t(f"incidents.{incident.state}"),
        "since": moment(incident.opened_at_ms),
        "lasted": duration(lasted_ms(incident) / 1_000),
        "cause": cause,
        "act": buttons([incident], "row"),
    }


def buttons(incidents: Sequence[Incident], place: str) -> Children:
    """Return what a person can decide about incidents; each button names those that were seen, so
    that one that joins their group meanwhile is not decided about.

    `place` tells the buttons of one incident apart, which may stand at several.
    """
    active = [i for i in incidents if i.state != "resolved"]
    wanted = [
        ("acknowledge", "acknowledged", [i for i in active if i.state == "open"]),
        ("resolve", "resolved", active),
    ]
    made = [
        html.Button(
            t(f"incidents.{verb}_all", n=number(len(meant)))
            if len(meant) > 1
            else t(f"incidents.{verb}"),
            id={
                "type": "incident-act",
                "index": f"{','.join(i.id for i in meant)}|{state}|{place}",
            },
            className="btn-quiet",
        )
        for verb, state, meant in wanted
        if meant
    ]
    return html.Div(made, className="button-row no-print") if made else None


def lasted_ms(incident: Incident) -> int:
    """Return how long an incident lasted, or has been found until now."""
    return (incident.resolved_at_ms or incident.updated_at_ms) - incident.opened_at_ms


def _lasted_ms(group: IncidentGroup) -> int:
    return (group.resolved_at_ms or group.updated_at_ms) - group.opened_at_ms
