"""Security: who attacks the models, what leaks, who knocks at the door, and how risky that is."""

from __future__ import annotations

from typing import Any

import numpy as np
from dash import html

from components import live, shell, states
from components.kpi import row
from components.live import View
from components.panel import Provenance, grid, panel
from components.scope import Scope
from engines.security import KINDS
from i18n import t
from pages import explore_parts as parts
from pages import security_events, security_keys, sources
from pages import security_panels as panels
from pages import security_vulnerabilities as vulnerabilities
from services.access import get_access_map
from services.incidents import open_incidents
from services.key_misuse import get_key_misuse
from services.security import get_security, list_findings
from services.security_events import MAX_EVENTS, list_security_events
from services.security_late import FINDINGS
from services.series import read_points, step_for
from services.times import MINUTE_MS
from services.vulnerabilities import get_vulnerabilities
from services.workspace import Workspace

PATH = "/security"
_KPIS = ("risk", "injection", "jailbreak", "leaks", "personal", "refused", "detect", "resolve",
         *vulnerabilities.KPIS)  # fmt: skip
_PANELS = (
    ("risk_parts", 5, 260, "risk_definition"),
    ("timeline", 7, 260, "timeline_definition"),
    ("detectors", 6, 240, "detectors_definition"),
    ("guardrails", 3, 240, "guardrails_definition"),
    ("reasons", 3, 240, "refused_definition"),
    ("access_map", 8, 220, "access_definition"),
    ("unusual", 4, 220, "access_definition"),
    security_keys.PANEL,
    *vulnerabilities.PANELS,
    security_events.PANEL,
    ("findings", 12, 320, "findings_definition"),
)
_SHOWN = 25


def layout() -> html.Div:
    """Return the page with empty places; the first view fills them."""
    words = panels.words
    return html.Div(
        [
            shell.page_header(t("nav.security"), words("purpose")),
            live.view_store("security"),
            row(*[live.slot(f"security-{name}", states.skeleton(104, "kpi")) for name in _KPIS]),
            grid(
                *[
                    panel(
                        words(name), None, panel_id=f"security-{name}", span=span, height=height,
                        definition=words(definition), menu=name not in ("unusual",),
                    )
                    for name, span, height, definition in _PANELS
                ]
            ),
        ]
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer scope and tick with the page's view."""
    sources.register_live(dash_app, "security", fill)


def fill(ws: Workspace, scope: Scope, view: View) -> None:
    """Put the security of the window into the page's places."""
    window = sources.window_of(ws, scope)
    model_id = scope.model or None
    found = get_security(ws, window, model_id=model_id)
    newest = list_findings(ws, window, model_id=model_id, limit=500)
    opened = parts.opened(scope)
    kind = next((known for known in KINDS if known == opened.one("kind")), None)
    detector = opened.one("detector")
    listed = newest
    if kind:
        listed = list_findings(ws, window, model_id=model_id, kind=kind, limit=500)
    if detector:
        listed = [one for one in listed if one.detector == detector]
    for name, figure in panels.figures(found).items():
        view.slot(f"security-{name}", figure)
    scanned = found.prompts + found.outputs
    texts = Provenance(scope.describe(), scanned, computed_at_ms=found.computed_at_ms)
    doors = Provenance(scope.describe(), found.access.requests, computed_at_ms=found.computed_at_ms)
    chosen = f'{{model_id="{sources.quoted(scope.model)}"}}' if scope.model else ""
    step = max(step_for(window, 60), 5 * MINUTE_MS)
    points = read_points(ws, f"{FINDINGS}{chosen}", window, step, agg="sum", by=("kind",))
    times = np.arange(window.start_ms // step * step, window.end_ms, step).tolist()
    over_time = panels.stacked(points, times)
    marks = sources.event_marks(ws, window, scope.model)
    over_time_panel = panels.timeline(times, step, over_time, scanned, marks)
    access = get_access_map(ws, window)
    may_read = "content:read" in ws.principal.permissions
    table = panels.findings_table(listed[:_SHOWN], may_read=may_read, scanned=scanned)
    narrowed = panels.narrowed(kind, detector)
    view.panel("security-risk_parts", panels.risk_parts(found), texts, height=260)
    view.panel("security-timeline", over_time_panel, texts, height=260)
    view.panel("security-detectors", panels.detectors(newest), texts)
    view.panel("security-guardrails", panels.guardrails(found.guardrails), texts)
    view.panel("security-reasons", panels.reasons(found.access), doors)
    view.panel("security-access_map", panels.access_map(access), doors, height=220)
    view.panel("security-unusual", panels.unusual(access), doors, height=220)
    view.panel("security-findings", html.Div([narrowed, table]), texts, height=320)
    vulnerabilities.fill(get_vulnerabilities(ws), open_incidents(ws), view)
    keys = get_key_misuse(ws, window)
    judged = Provenance(scope.describe(), keys.keys, computed_at_ms=keys.computed_at_ms)
    view.panel("security-key_misuse", security_keys.misuse(keys), judged, height=150)
    sent = list_security_events(ws, window, model_id=model_id, limit=MAX_EVENTS)
    reported = Provenance(scope.describe(), len(sent), computed_at_ms=found.computed_at_ms)
    view.panel("security-security_events", security_events.events(sent), reported, height=240)
