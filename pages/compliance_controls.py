"""Every control with its evidence, framework by framework, and the one that a reader chose."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from dash import html

from components import states
from components.attributes import attrs
from components.panel import moment, panel
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from engines.compliance import Check
from i18n import date_time, number, t
from pages import sources
from pages.compliance_cards import chosen_card, chosen_model
from pages.compliance_words import PATH, age_words, requirement_of, title_of, words
from services.attestations import list_attestations
from services.compliance import Compliance, ControlView
from services.errors import NotFound
from services.incidents import get_incident
from services.workspace import Workspace

STATUS: dict[str, Status] = {
    "pass": "good", "attested": "good", "partial": "warn", "stale": "warn", "gap": "bad",
    "not_applicable": "none",
}  # fmt: skip
_OUTCOME: dict[str, Status] = {"holds": "good", "fails": "bad", "unknown": "none"}
ORDER = ("gap", "stale", "partial", "attested", "pass", "not_applicable")
_SHOWN_EVIDENCE = 6


def scope_button(label: str, changes: dict[str, list[str]], *, pressed: bool = False) -> Any:
    """Return a button that changes the address."""
    plain = {name: ",".join(values) for name, values in changes.items()}
    return html.Button(
        label, className="btn-quiet",
        **attrs(data_scope=json.dumps(plain), aria_pressed=str(pressed).lower()),
    )  # fmt: skip


def filters(chosen: list[str]) -> Any:
    """Return the buttons that show controls of one status alone."""
    kept = [c for c in chosen if c == "sample"]
    now = [c for c in chosen if c != "sample"]
    options = [("", t("shell.all"))] + [(n, words(f"status_{n}")) for n in ORDER[:5]]
    buttons = [
        scope_button(label, {"detail": [*kept, name] if name else kept}, pressed=now == [name])
        for name, label in options
    ]
    return html.Div(buttons, className="pill-row")


def controls_by_framework(found: Compliance, chosen: list[str]) -> Any:
    """Return the controls that fit, one group a framework."""
    wanted = {c for c in chosen if c in STATUS}
    rows = [c for c in found.controls if not wanted or c.found.status in wanted]
    if not rows:
        return states.empty(words("none_of_these"))
    rows.sort(key=lambda c: ORDER.index(c.found.status))
    columns = [
        Column("status", words("state"), "node"),
        Column("control", words("control"), "node"),
        Column("framework", words("framework")),
        Column("why", words("why"), "node"),
        Column("evidence", words("evidence")),
        Column("age", words("age"), "node"),
    ]
    groups: dict[str, list[ControlView]] = {}
    for one in rows:
        groups.setdefault(one.framework_name, []).append(one)
    return html.Div(
        [
            html.Details(
                [
                    html.Summary(_group_words(name, some), className="group-head"),
                    table(columns, [_control_row(c) for c in some], caption=name),
                ],
                # One line a framework is enough where all of its controls say the same.
                open=bool(wanted) or len({c.found.reason for c in some}) > 1,
            )
            for name, some in groups.items()
        ]
    )


def _group_words(name: str, controls: list[ControlView]) -> list[Any]:
    """Return a framework with how many of its controls stand where, and why, if all the same."""
    counts = Counter[str](c.found.status for c in controls)
    marks = [
        mark(STATUS[s], f"{words(f'status_{s}')} {number(counts[s])}") for s in ORDER if counts[s]
    ]
    reasons = {c.found.reason for c in controls}
    why = [html.Span(words(f"why_{reasons.pop()}"), className="muted")] if len(reasons) == 1 else []
    return [html.B(name), *marks, *why]


def _control_row(control: ControlView) -> dict[str, Any]:
    found = control.found
    held = sum(check.outcome == "holds" for check in found.checks)
    return {
        "status": mark(STATUS[found.status], words(f"status_{found.status}")),
        "control": html.A(
            title_of(control.id),
            href=f"{PATH}?focus={control.id}",
            title=requirement_of(control.id),
        ),
        "framework": f"{control.framework_name} {control.ref}",
        "why": words(f"why_{found.reason}"),
        "evidence": words("of", n=number(held), total=number(len(found.checks))),
        "age": age_words(control.age),
    }


def chosen_control(ws: Workspace, focus: str, found: Compliance) -> Any:
    """Return the control, the card or the incident that the reader chose, with its evidence."""
    if model_id := chosen_model(focus):
        return chosen_card(ws, model_id)
    if focus.startswith("incident/"):
        try:
            incident = get_incident(ws, focus.removeprefix("incident/"))
        except NotFound:  # an old link must not take the page away
            return None
        return panel(
            sources.incident_title(incident), html.P(words("opened_at", when=date_time(
                incident.opened_at_ms))), panel_id="compliance-incident", span=12, height=30,
            menu=False, href=sources.incident_link(incident),
        )  # fmt: skip
    control = next((c for c in found.controls if c.id == focus), None)
    if control is None:
        return None
    checks = [_check_line(check) for check in control.found.checks]
    status = control.found.status
    body = [
        html.P(
            [
                mark(STATUS[status], words(f"status_{status}")), " · ",
                words(f"why_{control.found.reason}"), " · ",
                words("max_age", n=control.max_age_days),
            ]
        ),
        html.P(requirement_of(control.id), className="panel-note"),
        html.P([words("age"), ": ", age_words(control.age)]),
        html.Ul(checks, className="issue-list"),
        *_statements(ws, control.id),
    ]  # fmt: skip
    title = f"{control.framework_name} {control.ref} · {title_of(control.id)}"
    return panel(title, body, panel_id="compliance-control", span=12, height=60, menu=False)


def _check_line(check: Check) -> html.Li:
    what = words("check_unobserved", what=words(f"u_{check.about}")) if check.about else words(
        f"check_{check.rule}"
    )  # fmt: skip
    if check.total is not None and check.met is not None:
        what = f"{what} ({words('of', n=number(check.met), total=number(check.total))})"
    named = check.against or check.evidence
    shown = ", ".join(named[:_SHOWN_EVIDENCE]) + (" …" if len(named) > _SHOWN_EVIDENCE else "")
    lead = words("lacking" if check.against else "rests_on")
    return html.Li(
        [
            mark(_OUTCOME[check.outcome], words(f"outcome_{check.outcome}")),
            html.Span(what, className="issue-what"),
            html.Span(
                moment(check.observed_at_ms) if check.observed_at_ms is not None else None,
                className="issue-when",
            ),
            html.Span([lead, " ", html.Bdi(shown)], className="issue-why") if named else None,
        ]
    )


def _statements(ws: Workspace, control_id: str) -> list[Any]:
    mine = [a for a in list_attestations(ws) if a.control_id == control_id]
    if not mine:
        return []
    lines = []
    for one in mine[:5]:
        facts: list[Any] = [
            html.Q(one.statement, dir="auto", className="notranslate"),
            " ",
            moment(one.signed_at_ms),
        ]
        facts += [" · ", html.Bdi(one.signed_name or one.signed_by)]
        if one.document:
            facts += [" · ", html.Bdi(one.document)]
        if one.withdrawn_at_ms is not None:
            facts += [" · ", words("withdrawn")]
        lines.append(html.Li(facts))
    return [html.H4(words("statements"), className="section-title"), html.Ul(lines)]
