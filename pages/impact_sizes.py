"""The sizes on the impact page: what a change is made of, what is still to come, what follows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from dash import html

from components import charts, states, tables
from components.tables import Column
from engines.impact import Contribution, Estimate
from i18n import duration, number, quantity, t, tell
from pages import focus
from services.study import Study

LEAST_SHARE = 0.02
"""A part below this share of the whole change is drawn with the rest."""
MOST_PARTS = 6
MULTIPLE = 2.0
"""From here on a budget is spent so many times over: per cent would have five digits."""
Children = Any  # what a Dash component takes as children
Amounts = dict[str, tuple[Estimate, tuple[tuple[float, Estimate], ...], str]]


def is_news(amount: Estimate, unit: str) -> bool:
    """Whether an amount is finite and is not written as nothing, end by end."""
    ends = (amount.value, amount.interval.low, amount.interval.high)
    return all(map(math.isfinite, ends)) and {_said(end, unit) for end in ends} != {_said(0, unit)}


def waterfall(found: Study) -> Children:
    """Return what the change of the effect is made of."""
    shares = found.shares
    if shares is None or found.effect is None:
        return None
    least = LEAST_SHARE * max((abs(c.amount) for c in shares.contributions), default=0.0)
    parts = [c for c in shares.contributions if abs(c.amount) > least][:MOST_PARTS]
    rest = shares.change - math.fsum(c.amount for c in parts)
    one_node = {c.name.rpartition("|")[0] for c in parts} == {found.effect[0]}
    names = [_part_name(c.name, is_brief=one_node) for c in parts]
    amounts = [c.amount for c in parts]
    if abs(rest) > least:
        names.append(t("impact.rest"))
        amounts.append(rest)
    unit = focus.UNITS.get(found.effect[1], "")
    scale = 100.0 if unit == "share" else 1.0
    figure = charts.waterfall(
        names, [scale * a for a in amounts],
        start=(t("impact.before"), scale * shares.baseline), end=t("impact.since"),
        unit="%" if unit == "share" else unit,
    )  # fmt: skip
    height = max(280, 34 * (len(names) + 2) + 50)
    words = _parts_in_words(found)
    graph = charts.graph("impact-waterfall-chart", figure, label=words, height=height)
    return html.Div([graph, _ends_of(parts, names, unit)])


def _ends_of(parts: Sequence[Contribution], names: Sequence[str], unit: str) -> Children:
    """Return between which ends each part lies: whiskers would strike through the bars' numbers."""
    told = []
    for part, name in zip(parts, names, strict=False):
        if part.interval is not None:
            low, high = quantity(part.interval.low, unit), quantity(part.interval.high, unit)
            words = f"{quantity(part.amount, unit)} ({t('impact.ends', low=low, high=high)})"
            told.append(html.Li([html.Bdi(name), ": ", html.Bdi(words)]))
    return html.Ul(told, className="reasons") if told else None


def _part_name(name: str, *, is_brief: bool = False) -> str:
    """Return the words for a part; without its node where all parts have the same."""
    node, _, metric = name.rpartition("|")
    if not node:
        return t("impact.rest")
    return focus.metric_name(metric) if is_brief else f"{focus.metric_name(metric)} {node}"


def _parts_in_words(found: Study) -> str:
    shares = found.shares
    if shares is None or found.effect is None:
        return ""
    unit = focus.UNITS.get(found.effect[1], "")
    first = shares.contributions[0] if shares.contributions else None
    amount = quantity(first.amount, unit) if first else "–"
    if first and first.interval:
        low, high = quantity(first.interval.low, unit), quantity(first.interval.high, unit)
        amount = f"{amount} ({t('impact.ends', low=low, high=high)})"
    return t(
        "impact.parts",
        effect=focus.title(found.effect),
        change=quantity(shares.change, unit),
        amount=amount,
        part=_part_name(first.name) if first else "–",
    )


def ahead(amounts: Amounts) -> Children:
    """Return what follows if nothing is done, as a table."""
    rows: list[dict[str, Any]] = []
    columns = [Column("what", t("impact.at_risk")), Column("now", t("impact.so_far"), "node")]
    for name, (so_far, coming, unit) in amounts.items():
        if not any(is_news(e, unit) for e in (so_far, *(e for _, e in coming))):
            continue
        if not rows:
            columns += [
                Column(str(h), t("impact.next", time=duration(h)), "node") for h, _ in coming
            ]
        shown = {"now": so_far} | {str(h): e for h, e in coming}
        rows.append({"what": t(f"impact.{name}")} | {k: _sized(e, unit) for k, e in shown.items()})
    if not rows:
        return states.empty(t("impact.nothing_at_risk"))
    return tables.table(columns, rows, caption=t("impact.ahead"))


def _sized(amount: Estimate, unit: str) -> Children:
    if not is_news(amount, unit):
        return "–"
    low, high = _said(amount.interval.low, unit), _said(amount.interval.high, unit)
    ends = t("impact.ends", low=low, high=high)
    return [html.Bdi(_said(amount.value, unit)), " ", html.Span(f"({ends})", className="size-ends")]


def _said(value: float, unit: str) -> str:
    if unit == "share" and abs(value) >= MULTIPLE:
        return t("impact.times_whole", times=number(value, decimals=0 if abs(value) >= 10 else 1))
    return quantity(value, "" if unit == "requests" else unit)


def downstream(found: Study) -> Children:
    """Return every number that moves with the cause, as a table."""
    if found.impact is None:
        return None
    moved = [m for m in found.impact.metrics if abs(m.change.value) > 1e-9]
    said = html.Ul([html.Li(tell(w)) for w in found.impact.warnings[:4]], className="reasons")
    if not moved:
        unknown = found.impact.unmeasured
        return said if unknown else states.empty(t("impact.no_downstream"))
    columns = [
        Column("number", t("impact.number"), "node"),
        Column("change", t("impact.changes")),
        Column("between", t("impact.between")),
        Column("relative", t("impact.relative"), "number", "share"),
        Column("steps", t("impact.steps"), "number"),
        Column("r2", t("impact.r2"), "number"),
    ]
    rows = []
    for item in moved:
        unit = focus.UNITS.get(item.key[1], "")
        ends = item.change.interval
        rows.append({
            "number": html.Bdi(focus.title(item.key)),
            "change": quantity(item.change.value, unit),
            "between": f"{quantity(ends.low, unit)} … {quantity(ends.high, unit)}",
            "relative": item.relative, "steps": item.steps, "r2": round(item.r2, 2),
        })  # fmt: skip
    return html.Div(
        [
            tables.table(columns, rows, caption=t("impact.downstream"), limit=60),
            said if found.impact.warnings else None,
        ]
    )
