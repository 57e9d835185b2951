"""Audit: checks that a reader can start, what they found, and the files to check elsewhere."""

from __future__ import annotations

from typing import Any

from dash import Input, Output, State, dcc, html, no_update, set_props

from components.attributes import attrs
from components.icons import icon
from components.kpi import kpi
from components.panel import Provenance, moment
from components.status import mark
from components.theme import Status
from engines.result import Insufficient
from pages.audit_words import words
from services.audit import Verification
from services.audit_job import running_check, start_check
from services.audit_kept import compare_kept
from services.audit_standing import Standing
from services.workspace import Workspace, current_workspace

_SHOWN = 10
_COMPARED: dict[str, Status] = {
    "consistent": "good", "rewritten": "bad", "shorter": "bad", "other_key": "warn",
    "no_note": "warn",
}  # fmt: skip
FILES = (
    ("take_entries", "/api/audit/export.jsonl", "entries.jsonl", "filetype-json"),
    ("take_checkpoint", "/api/audit/checkpoint.txt", "checkpoint", "pen"),
    ("take_key", "/api/audit/key.txt", "key.txt", "key"),
    ("take_verifier", "/api/audit/verify.py", "verify.py", "filetype-py"),
)


def register(dash_app: Any) -> None:  # a dash.Dash
    """Check the whole chain, and compare it with a checkpoint that the reader kept."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("audit-verified", "title"), Input("audit-verify-now", "n_clicks"),
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _verify(n: int | None, data: dict[str, Any] | None) -> Any:
        if not n:
            return no_update
        ws = current_workspace()
        start_check(ws)
        set_props("scope", {"data": {**(data or {}), "retry": ws.now_ms()}})
        return words("verify_now")

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("audit-compared", "children"), Input("audit-compare", "n_clicks"),
        State("audit-kept-text", "value"), prevent_initial_call=True,
    )  # fmt: skip
    def _compare(n: int | None, text: str | None) -> Any:
        if not n:
            return no_update
        found = compare_kept(current_workspace(), text or "")
        said = words(found.outcome, n=found.kept, size=found.size)
        return mark(_COMPARED[found.outcome], said)


def form() -> html.Div:
    """Return the field for a checkpoint that the reader kept."""
    return html.Div(
        [
            html.P(words("remember_hint"), className="panel-note"),
            html.Label(
                [
                    html.Span(words("remember_field")),
                    dcc.Textarea(id="audit-kept-text", rows=5, spellCheck=False, dir="ltr"),
                ],
                className="field", htmlFor="audit-kept-text",
            ),
            html.Button(
                [icon("intersect"), html.Span(words("compare"))], id="audit-compare",
                className="btn-strong",
            ),
            html.Div(id="audit-compared", role="status", className="audit-answer"),
            html.Span(id="audit-verified", hidden=True),
        ],
        className="form",
    )  # fmt: skip


def chain_figure(found: Standing) -> html.Article:
    """Return whether the chain was whole when it was checked last, and up to where."""
    check = found.check if found.check and found.check.checked else None
    state: str | Insufficient = Insufficient(words("never_checked"))
    status: Status = "none"
    if check is not None:
        state = words("whole" if check.is_whole else "broken")
        status = "good" if check.is_whole else "bad"
    return kpi(
        words("chain"), state, kpi_id="audit-chain", status=None if check is None else status,
        word=None if check is None else words("checkpoint_of", n=check.checked),
        definition=words("chain_definition"),
        source=Provenance(computed_at_ms=None if check is None else check.checked_at_ms),
    )  # fmt: skip


def witness_figure(found: Standing) -> html.Article:
    """Return up to where a witness cosigned, or that there is none, or that it refused."""
    said = found.witness
    value: str | Insufficient = Insufficient(words("not_cosigned"))
    status: Status | None = None
    word = None
    if not found.has_witness:
        value = Insufficient(words("no_witness"))
    elif said.refusal:
        value, status = words("outcome_refused"), "bad"
        word = words(said.refusal, n=said.remembers or said.cosigned, size=found.size)
    elif said.cosigned_at_ms is not None:
        value, status = words("checkpoint_of", n=said.cosigned), "good"
        word = words("cosigned")
    return kpi(
        words("witness"), value, kpi_id="audit-witness", status=status, word=word,
        definition=words("witness_definition"),
        source=Provenance(computed_at_ms=said.cosigned_at_ms),
    )  # fmt: skip


def checked(ws: Workspace, found: Standing) -> html.Div:
    """Return the newest check with what it found, one that runs, and the button for the next."""
    running = running_check(ws)
    button = html.Button(
        [icon("shield-check"), html.Span(words("verify_now"))], id="audit-verify-now",
        className="btn-strong", disabled=running is not None,
    )  # fmt: skip
    progress = None
    if running is not None:
        said = words("verifying", share=running.share or 0.0)
        progress = html.P(said, role="status", **attrs(data_poll=running.id))
    hint = html.P(words("verify_hint"), className="panel-note")
    row = html.Div(button, className="button-row no-print")
    return html.Div([hint, *_last(found.check), progress, row], className="audit-checked")


def _last(check: Verification | None) -> list[Any]:
    if check is None or not check.checked:
        return [html.P(words("never_checked"))]
    when = html.P([words("last_check"), ": ", moment(check.checked_at_ms), " · ",
                   words("checkpoint_of", n=check.checked)])  # fmt: skip
    if check.is_whole:
        return [when, html.P(mark("good", words("verify_ok")))]
    lines = [
        html.Li(mark("bad", words(f"fault_{one.fault}", n=one.seq)))
        for one in check.faults[:_SHOWN]
    ]
    return [when, html.Ul(lines, className="issue-list")]


def take() -> html.Div:
    """Return the files with which anybody checks the chain without the hub."""
    links = [
        html.A(
            [icon(glyph), html.Span(words(name))], href=address, download=file,
            className="btn-quiet",
        )
        for name, address, file, glyph in FILES
    ]  # fmt: skip
    hint = html.P(words("take_hint"), className="panel-note")
    return html.Div([hint, html.Div(links, className="pill-row no-print")])
