"""The newest inferences of a model: search, filter, page, and everything that one carries."""

from __future__ import annotations

import re
from typing import Any

from dash import Input, Output, html

from components import paging, states
from components import scope as scopes
from components.address import choice, link
from components.icons import icon
from components.panel import moment, section
from components.scope import Scope
from components.tables import Column, table
from components.text import mark_legend, marked_text
from i18n import currency, number, quantity, t
from pages import explore_parts as parts
from pages import model_evidence, sources
from services.explore import InferenceRow
from services.hallucination import Example, get_hallucination_examples
from services.inferences import Chosen, browse_inferences, find_inference
from services.models import get_model
from services.workspace import Workspace, current_workspace

MAX_FEATURES = 60
_CURSOR = re.compile(r"\d{1,18}(:\d{1,18})?")
Children = Any  # what a Dash component takes as children


def words(name: str, /, **values: str) -> str:
    """Return a text of the models page."""
    return t(f"models.{name}", **values)


def layout() -> html.Div:
    """Return the explorer with its question, hidden until a model is chosen."""
    return html.Div(
        section(
            words("explorer"),
            parts.toolbar(
                parts.field("text", t("shell.search"), hint=words("search_hint")),
                parts.field("failed", words("only_errors"), "check"),
            ),
            html.P(words("explorer_note"), className="panel-note no-print"),
            html.Div(states.skeleton(200), id="models-explorer"),
            section_id="models-explorer-section",
        ),
        id="models-explore", hidden=True,
    )  # fmt: skip


def register(dash_app: Any) -> None:  # a dash.Dash
    """Answer the address; a tick leaves alone what a reader has opened."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("models-explorer", "children"), Output("models-explore", "hidden"),
        Input("scope", "data"),
    )  # fmt: skip
    def _explore(data: dict[str, Any] | None) -> tuple[Children, bool]:
        scope = scopes.parse(data)
        if not scope.model:
            return None, True
        return explore(current_workspace(), scope), False


def explore(ws: Workspace, scope: Scope) -> Children:
    """Return the page of inferences that the address names, and the way to older ones.

    `focus` holds the words and whether only failed ones are asked for, `detail` how far the reader
    went back.
    """
    asked, opened = parts.asked(scope), parts.opened(scope)
    chosen = Chosen(asked.one("text"), scope.version, scope.segment, bool(asked.one("failed")))
    older = opened.one("older")
    at = older if _CURSOR.fullmatch(older) else None
    window = sources.window_of(ws, scope)
    page = browse_inferences(ws, scope.model, window, chosen, cursor=at)
    steps = paging.onward(
        link("", detail=opened.but(older="")) if at else None,
        link("", detail=opened.but(older=page.cursor)) if page.cursor else None,
    )
    if not page.rows:
        return html.Div([_opened(ws, scope.model, opened), states.empty(words("no_rows")), steps])
    columns = [
        Column("when", words("last_seen"), "node"),
        Column("version", t("shell.version")),
        Column("said", words("prediction"), "node"),
        Column("score", words("score"), "node"),
        Column("label", words("label"), "node"),
        Column("latency", words("latency"), "number", "ms"),
        Column("segment", t("shell.segment")),
        Column("error", words("error"), "node"),
        Column("detail", words("detail"), "node"),
    ]
    rows = [_row(row, opened) for row in page.rows]
    listed = table(columns, rows, caption=words("explorer"))
    return html.Div([_opened(ws, scope.model, opened), listed, steps])


def _examples(ws: Workspace, model_id: str) -> dict[str, Example]:
    if "content:read" not in ws.principal.permissions:
        return {}
    if get_model(ws, model_id).model_type not in ("llm", "rag"):
        return {}
    found = get_hallucination_examples(ws, model_id).result
    return {one.inference_id: one for one in found.examples} if found else {}


def _opened(ws: Workspace, model_id: str, opened: parts.Asked) -> Children:
    """Return the inference that the address opens: one, as a page of all their texts is slow."""
    at = opened.amount("at")
    row = find_inference(ws, model_id, opened.one("open"), int(at)) if at else None
    if row is None:
        return None
    close = html.A(
        [icon("x-lg"), html.Span(t("shell.close"))], className="btn-quiet",
        href=link("", detail=opened.but(open="", at="")),
    )  # fmt: skip
    whole = _everything(row, _examples(ws, model_id).get(row.inference_id))
    return html.Article([whole, html.Div(close, className="button-row")], className="opened")


def _row(row: InferenceRow, opened: parts.Asked) -> dict[str, Any]:  # cells of every kind
    key = opened.but(open=row.inference_id, at=str(row.timestamp_ms))
    said = row.output if row.output is not None else row.prediction
    return {
        "when": moment(row.timestamp_ms),
        "version": row.model_version or "–",
        "said": "–" if said is None else html.Bdi(str(said)[:120], className="notranslate"),
        "score": html.Bdi(_score(row), dir="ltr"),
        "label": "–" if row.label is None else html.Bdi(str(row.label)),
        "latency": row.latency_ms,
        "segment": row.user_segment or "–",
        "error": html.Bdi(row.error, className="notranslate") if row.error else "–",
        "detail": choice(words("detail"), link("", detail=key)),
    }


def _score(row: InferenceRow) -> str:
    if isinstance(row.score, dict):
        best = max(row.score, key=lambda name: row.score[name], default="")  # type: ignore[index]
        return f"{best} {number(row.score[best], decimals=2)}" if best else "–"
    return "–" if row.score is None else number(row.score, decimals=3)


def _everything(row: InferenceRow, example: Example | None) -> html.Div:
    parts: list[Any] = [_facts(row)]
    if row.prompt:
        parts += [html.H4(words("prompt")), html.P(row.prompt, dir="auto", className="notranslate")]
    if row.context:
        passages = [html.Li(text, dir="auto", className="notranslate") for text in row.context]
        parts += [html.H4(words("context")), html.Ol(passages)]
    if row.output is not None:
        parts.append(html.H4(words("output")))
        if example is not None:
            marked = marked_text(row.output, model_evidence.spans_of(example))
            parts += [mark_legend(), marked]
        else:
            parts.append(html.P(row.output, dir="auto", className="notranslate"))
    if row.features:
        pairs = list(row.features.items())[:MAX_FEATURES]
        parts += [html.H4(words("features")), _pairs([(k, _plain(v)) for k, v in pairs])]
    return html.Div(parts, className="inference-detail")


def _facts(row: InferenceRow) -> html.Dl:
    facts: list[tuple[str, Any]] = [(words("inference"), row.inference_id)]
    if isinstance(row.score, dict):
        shares = ", ".join(f"{k} {number(v, decimals=3)}" for k, v in row.score.items())
        facts.append((words("score"), shares))
    if row.interval:
        low, high = (number(edge) for edge in row.interval)
        facts.append((words("interval"), f"{low} – {high}"))
    if row.input_tokens is not None or row.output_tokens is not None:
        pair = f"{number(row.input_tokens)} → {number(row.output_tokens)}"
        facts.append((words("tokens"), pair))
    if row.cost is not None:
        facts.append((words("cost"), currency(row.cost, row.currency or "USD")))
    if row.energy_kwh is not None:
        facts.append((words("energy"), quantity(row.energy_kwh, "kWh")))
    if row.region:
        facts.append((t("business.region"), row.region))
    if row.trace_id:
        facts.append((words("trace"), sources.trace_link(row.trace_id)))
    if row.tags:
        facts.append((words("tags"), ", ".join(f"{k} = {v}" for k, v in row.tags.items())))
    return _pairs(facts)


def _pairs(pairs: list[tuple[str, Any]]) -> html.Dl:
    cells: list[Any] = []
    for name, value in pairs:
        cells += [html.Dt(html.Bdi(name)), html.Dd(html.Bdi(value))]
    return html.Dl(cells, className="facts")


def _plain(value: Any) -> str:  # a scalar of an inference
    if isinstance(value, float):
        return number(value)
    return "–" if value is None else str(value)
