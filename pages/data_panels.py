"""Data quality and fairness of one model, panel by panel; any page may show them."""

from __future__ import annotations

import json
from typing import Any

from dash import html

from components import charts, states
from components.address import choice, link, packed
from components.attributes import attrs
from components.icons import icon
from components.issues import Issue, issue_list
from components.kpi import kpi
from components.status import pill
from components.tables import Column, table
from components.theme import Status
from engines.fairness import Comparison, Disparity
from engines.quality import Finding
from i18n import number, percent, t, tell
from services.data_quality import DataQualityAnswer, FreshnessResult
from services.fairness import FairnessAnswer

MAX_COLUMNS = 10
_STATE: dict[str, Status] = {"fresh": "good", "late": "warn", "stale": "bad"}
VERDICT: dict[str, Status] = {
    "disparity": "bad", "no_evidence": "good", "insufficient_data": "none",
}  # fmt: skip
_WORST = ("vanished", "type_change", "constant")


def words(name: str, /, **values: str) -> str:
    """Return a text of data quality and fairness."""
    return t(f"data_health.{name}", **values)


def quality_figure(answer: DataQualityAnswer) -> Any:
    """Return the share of sound cells as a key figure."""
    found = answer.result
    status: Status | None = None
    if found is not None:
        status = "good" if not found.findings else "warn" if found.clean_share > 0.98 else "bad"
    return kpi(
        words("clean"), answer.insufficient if found is None else found.clean_share, unit="share",
        kpi_id="data-clean", definition=words("clean_definition"), status=status,
    )  # fmt: skip


def freshness_figure(answer: FreshnessResult) -> Any:
    """Return the silence since the last inference as a key figure."""
    found = answer.result
    return kpi(
        words("freshness"), answer.insufficient if found is None else found.age_s, unit="s",
        kpi_id="data-freshness", definition=words("freshness_definition"),
        status=_STATE[found.state] if found else None,
        word=words(f"state_{found.state}") if found else None,
    )  # fmt: skip


def problems(answer: DataQualityAnswer) -> Any:
    """Return what is wrong with the data, worst first."""
    found = answer.result
    if found is None:
        return answer.insufficient
    if not found.findings:
        hint = words("no_problems_hint", n=number(len(found.columns)))
        return states.calm(words("no_problems"), hint)
    return issue_list([_issue(one) for one in found.findings[:10]])


def _issue(one: Finding) -> Issue:
    detail = one.detail if one.problem == "type_change" else one.detail[:3]
    values = {
        "share": percent(one.share), "expected": percent(one.expected),
        "detail": (" → " if one.problem == "type_change" else ", ").join(detail),
    }  # fmt: skip
    status: Status = "bad" if one.problem in _WORST or one.share >= 0.1 else "warn"
    why = words(f"problem_{one.problem}", **values)
    return Issue(status, one.column, why, href=link("/models", detail=packed(feature=one.column)))


def columns_table(answer: DataQualityAnswer) -> Any:
    """Return every column with its shares now and before."""
    found = answer.result
    if found is None:
        return answer.insufficient
    columns = [
        Column("column", words("column"), "node"),
        Column("missing", words("missing"), "number", "share"),
        Column("before", words("before"), "number", "share"),
        Column("outside", words("outside"), "number", "share"),
        Column("new", words("new"), "number", "share"),
    ]
    rows = [
        {
            "column": choice(c.name, link("/models", detail=packed(feature=c.name))),
            "missing": c.missing, "before": c.missing_before,
            "outside": c.out_of_range, "new": c.new_categories,
        }
        for c in sorted(
            found.columns,
            key=lambda c: -(c.missing + (c.out_of_range or 0.0) + (c.new_categories or 0.0)),
        )
    ]  # fmt: skip
    return table(columns, rows, caption=words("columns"), limit=MAX_COLUMNS)


def choose_attribute(names: list[str], chosen: str) -> Any:
    """Return the attributes to group people by: the usual two, and a menu of features."""
    usual = [_choice(name, chosen, "btn-quiet") for name in names[:2]]
    features = names[2:]
    if not features:
        return html.Div(usual, className="pill-row")
    label = attribute_name(chosen) if chosen in features else words("by_feature")
    menu = html.Details(
        [
            html.Summary(
                [html.Bdi(label), " ", icon("chevron-down")],
                className="btn-quiet", **attrs(aria_pressed=str(chosen in features).lower()),
            ),
            html.Div([_choice(n, chosen, "menu-item") for n in features], className="menu"),
        ],
        className="menu-holder no-print",
    )  # fmt: skip
    return html.Div([*usual, menu], className="pill-row")


def _choice(name: str, chosen: str, look: str) -> html.Button:
    pressed = str(name == chosen).lower()
    scope = json.dumps({"detail": name})
    return html.Button(
        html.Bdi(attribute_name(name)), className=look,
        **attrs(data_scope=scope, aria_pressed=pressed),
    )  # fmt: skip


def attribute_name(name: str) -> str:
    """Return an attribute in the language in use; features keep their own names."""
    known = {"user_segment": t("shell.segment"), "region": t("business.region")}
    return known.get(name, name.removeprefix("feature:"))


def selection(answer: FairnessAnswer, by: str = "user_segment") -> Any:
    """Return the selection rate of each group with its interval."""
    found = answer.result
    if found is None:
        return answer.insufficient
    groups = [g for g in found.groups if g.selection_rate is not None and not g.is_small]
    shares = [g.selection_rate for g in groups if g.selection_rate is not None]
    labels = [f"{g.group} (n = {number(g.n)})" for g in groups]
    choices = None
    if by == "user_segment":  # the inferences of the group; only their page knows segments
        there = (link("/models", segment=g.group) for g in groups)
        choices = dict(zip(labels, there, strict=True))
    figure = charts.bars(
        labels, [s.value for s in shares],
        unit="share", low=[s.interval.low for s in shares], high=[s.interval.high for s in shares],
    )  # fmt: skip
    notes = [html.P(words("by", name=attribute_name(by)), className="panel-note")]
    if found.small_groups:
        names = ", ".join(found.small_groups[:6])
        notes.append(html.P(words("small", names=names), className="panel-note"))
    chart = charts.graph(
        "data-selection-chart", figure, label=words("selection_definition"),
        height=max(130, 40 + 34 * len(groups)), choices=choices,
    )  # fmt: skip
    return html.Div([*notes, chart])


def disparities(answer: FairnessAnswer) -> Any:
    """Return each metric's widest difference from the largest group, with its verdict."""
    found = answer.result
    if found is None:
        return answer.insufficient
    columns = [
        Column("metric", words("metric")),
        Column("group", words("group"), "node"),
        Column("difference", words("difference"), "node"),
        Column("interval", words("interval"), "node"),
        Column("verdict", words("verdict"), "node"),
    ]
    rows = [_disparity(one) for one in found.disparities]
    return table(columns, rows, caption=words("disparities"))


def _disparity(one: Disparity) -> dict[str, Any]:
    widest: Comparison | None = max(one.comparisons, key=lambda c: abs(c.difference), default=None)
    row: dict[str, Any] = {
        "metric": words(f"metric_{one.metric}"),
        "verdict": pill(VERDICT[one.verdict], words(f"verdict_{one.verdict}")),
        "group": html.Span(tell(one.reason), dir="auto"),
        "difference": None,
        "interval": None,
    }
    if widest is not None:
        span = f"{percent(widest.interval.low)} – {percent(widest.interval.high)}"
        row |= {
            "group": html.Bdi(widest.group),
            "difference": html.Bdi(percent(widest.difference), dir="ltr"),
            "interval": html.Bdi(span, dir="ltr"),
        }
    return row
