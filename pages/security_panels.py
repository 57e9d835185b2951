"""Security, panel by panel: risk and its parts, findings, guardrails, refusals, unusual access."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from dash import html

from components import charts, states
from components.address import chip, choice, link, packed
from components.charts import Line, Mark
from components.issues import Issue, issue_list
from components.kpi import kpi
from components.panel import moment
from components.status import mark, pill
from components.tables import Column, meter, meters, table
from components.theme import Status
from engines.result import Insufficient
from engines.security import KINDS, UnusualHour
from i18n import number, quantity, t
from i18n.formats import day_month, time_of_day
from services.access import AccessMap, AccessTotals
from services.security import Attempts, Guardrails, SecurityView
from services.security_scan import StoredFinding

STATUS: dict[str, Status] = {"low": "good", "medium": "warn", "high": "bad", "critical": "bad"}
SEVERITY: dict[str, Status] = {"low": "none", "medium": "warn", "high": "bad", "critical": "bad"}
_TOKENS = {
    "prompt_injection": "series-1", "jailbreak": "series-2", "personal_data": "series-3",
    "secret": "bad",
}  # fmt: skip
_TRANSLATED = frozenset(
    "override prompt_extraction forged_frame addressed_to_model exfiltration role_without_rules "
    "refusal_suppression fictional_frame payment_card iban email phone ip_address "
    "date_of_birth".split()
)  # fmt: skip
MAX_BARS = 12


def words(name: str, /, **values: str) -> str:
    """Return a text of the security page."""
    return t(f"security.{name}", **values)


def figures(view: SecurityView) -> dict[str, Any]:
    """Return the key figures by name."""
    risk, access, response = view.risk, view.access, view.response
    refused = access.unauthenticated + access.forbidden + access.throttled
    leaks = view.leaks
    return {
        "risk": kpi(
            words("risk"), view.insufficient if risk is None else risk.score,
            kpi_id="security-risk", interval=risk.interval if risk else None,
            status=STATUS[risk.level] if risk else None,
            word=words(f"level_{risk.level}") if risk else None,
            definition=words("risk_definition"),
        ),
        "injection": _attempts("injection", view.injection, view.prompts),
        "jailbreak": _attempts("jailbreak", view.jailbreak, view.prompts),
        "leaks": kpi(
            words("leaks"),
            Insufficient(words("no_texts")) if leaks.per_1000 is None else leaks.per_1000,
            kpi_id="security-leaks", interval=leaks.interval,
            status="bad" if leaks.secrets or leaks.personal_data else "good",
            word=words("of_n", n=number(leaks.secrets + leaks.personal_data),
                       total=number(leaks.outputs)),
            definition=words("leaks_definition"),
        ),
        "personal": kpi(
            words("personal_in"), float(view.personal_data_in) if view.prompts
            else Insufficient(words("no_texts")), kpi_id="security-personal",
            status="warn" if view.personal_data_in else "good",
            word=words("of_n", n=number(view.personal_data_in), total=number(view.prompts)),
        ),
        "refused": kpi(
            words("refused"),
            float(refused) if access.requests else Insufficient(words("no_access")),
            kpi_id="security-refused",
            status="warn" if refused else "good",
            word=words("of_n", n=number(refused), total=number(access.requests)),
            definition=words("refused_definition"),
        ),
        "detect": _seconds("detect", response.detect_s, "no_incidents", "detect_definition"),
        "resolve": _seconds("resolve", response.resolve_s, "no_resolved"),
    }  # fmt: skip


def _attempts(name: str, found: Attempts, prompts: int) -> Any:
    n = found.blocked + found.allowed
    if not n:
        return kpi(
            words(name), 0.0 if prompts else Insufficient(words("no_texts")),
            kpi_id=f"security-{name}", status="good",
            word=words("of_n", n=number(0), total=number(prompts)),
            definition=words(f"{name}_definition"),
        )  # fmt: skip
    return kpi(
        words(name), words("of_n", n=number(found.allowed), total=number(n)),
        kpi_id=f"security-{name}", status="bad" if found.allowed else "good",
        word=words("blocked_n", n=number(found.blocked)), definition=words(f"{name}_definition"),
    )  # fmt: skip


def _seconds(name: str, value: float | None, lack: str, definition: str = "") -> Any:
    return kpi(
        words(name), Insufficient(words(lack)) if value is None else value, unit="s",
        kpi_id=f"security-{name}", definition=words(definition) if definition else None,
    )  # fmt: skip


def risk_parts(view: SecurityView) -> Any:
    """Return each part of the risk with its rate; the largest first."""
    if view.risk is None:
        return view.insufficient
    rows = [
        meter(
            words(f"part_{part.name}"), part.weight * part.score,
            f"{number(part.events)} / {number(part.exposures)}",
            status="good" if part.score < 0.25 else "warn" if part.score < 0.63 else "bad",
            interval=(part.weight * part.low, part.weight * part.high),
        )
        for part in view.risk.parts
    ]  # fmt: skip
    return html.Div([meters(rows), html.P(words("risk_definition"), className="panel-note")])


def timeline(
    times: list[int],
    step_ms: int,
    by_kind: dict[str, list[float]],
    scanned: int,
    marks: list[Mark],
) -> Any:
    """Return texts with findings per step, stacked by kind, with what else happened then."""
    if not scanned:
        return nothing()
    known = [kind for kind in KINDS if any(by_kind.get(kind, ()))]
    if not known:
        return states.calm(words("no_findings"), words("no_findings_hint", n=number(scanned)))
    parts = [Line(words(f"kind_{k}"), by_kind[k], token=_TOKENS[k]) for k in known]
    figure = charts.stacked_times(times, step_ms, parts, marks=marks)
    return charts.graph(
        "security-timeline-chart", figure, label=words("timeline_definition"), height=240,
        choices={words(f"kind_{k}"): link("", detail=packed(kind=k)) for k in known},
    )  # fmt: skip


def nothing() -> Any:
    """Return what stands where nothing was scanned."""
    return states.empty(
        words("no_texts"), hint=words("no_texts_hint"), command="python -m app demo"
    )


def detector_name(name: str) -> str:
    """Return a detector in the language in use; formats of issuers keep their own names."""
    if name in _TRANSLATED:
        return words(f"name_{name}")
    return name.replace("_", " ")


def detectors(found: list[StoredFinding]) -> Any:
    """Return how often each detector fired among the newest findings."""
    if not found:
        return states.calm(words("no_findings"), words("detectors_definition"))
    counts = Counter((f.kind, f.detector) for f in found).most_common(MAX_BARS)
    worst = {f.detector: SEVERITY[f.severity] for f in reversed(found)}
    figure = charts.bars(
        [detector_name(name) for (_, name), _ in counts], [float(n) for _, n in counts],
        statuses=[worst[name] for (_, name), _ in counts],
    )  # fmt: skip
    return charts.graph(
        "security-detectors-chart", figure, label=words("detectors_definition"),
        height=max(140, 30 + 26 * len(counts)),
        choices={
            detector_name(name): link("", detail=packed(detector=name)) for (_, name), _ in counts
        },
    )  # fmt: skip


def guardrails(found: Guardrails) -> Any:
    """Return the verdicts that guardrails sent."""
    rows = {"blocked": found.blocked, "allowed": found.allowed, "flagged": found.flagged}
    if not any(rows.values()):
        return Insufficient(words("no_verdicts"))
    status: dict[str, Status] = {"blocked": "good", "allowed": "bad", "flagged": "warn"}
    figure = charts.bars(
        [words(f"verdict_{name}") for name in rows], [float(n) for n in rows.values()],
        statuses=[status[name] for name in rows],
    )  # fmt: skip
    chart = charts.graph(
        "security-guardrails-chart", figure, label=words("guardrails_definition"), height=150
    )
    taken = found.latency_ms
    note = words("no_guardrail_latency")
    if taken is not None:
        p50, p95 = (quantity(taken[name], "ms") for name in ("p50", "p95"))
        note = words("guardrail_latency", p50=p50, p95=p95)
    return html.Div([chart, html.P(note, className="panel-note")])


def reasons(found: AccessTotals) -> Any:
    """Return why requests were refused."""
    rows = {k: n for k, n in found.by_reason.items() if k != "answered" and n}
    if not found.requests:
        return states.empty(words("no_access"))
    if not rows:
        hint = words("no_refusals_hint", n=number(found.requests))
        return states.calm(words("no_refusals"), hint)
    order = sorted(rows, key=lambda k: -rows[k])
    figure = charts.bars(
        [words(f"reason_{name}") for name in order], [float(rows[name]) for name in order]
    )
    return charts.graph(
        "security-reasons-chart", figure, label=words("refused_definition"),
        height=max(120, 30 + 28 * len(order)),
    )  # fmt: skip


def access_map(found: AccessMap) -> Any:
    """Return the heat map of keys and hours."""
    if not found.requests.any():
        return states.empty(words("no_access"))
    hours = [_hour(int(at)) for at in found.hours_ms]
    # An hour without requests stays blank: it may lie before the first count.
    values = [[float(v) if v else None for v in row] for row in found.requests]
    limits = (0.0, float(found.requests.max()))
    figure = charts.heat_map([key_name(k) for k in found.keys], hours, values, limits=limits)
    # Cells are narrower than their counts, and names of hours wider than a cell.
    figure["data"][0].pop("texttemplate", None)
    every = range(0, len(hours), max(1, -(-len(hours) // 5)))
    figure["layout"]["xaxis"] |= {
        "tickangle": 0,
        "tickvals": [hours[i] for i in every],
        "ticktext": [
            f"{time_of_day(int(found.hours_ms[i]))}<br>{day_month(int(found.hours_ms[i]))}"
            for i in every
        ],
    }
    return charts.graph(
        "security-access-chart", figure, label=words("access_definition"),
        height=max(160, 70 + 26 * len(found.keys)),
    )  # fmt: skip


def key_name(key_id: str) -> str:
    """Return a key's public id, or that there was none."""
    return key_id or words("no_key")


def unusual(found: AccessMap) -> Any:
    """Return the hours that stand out, refusals first."""
    issues = [
        _issue(found, one, "unusual_refused_line", "bad") for one in found.unusual_refused
    ] + [_issue(found, one, "unusual_line", "warn") for one in found.unusual]
    if not issues:
        return states.calm(words("nothing_unusual"), words("nothing_unusual_hint"))
    return issue_list(issues[:8])


def _issue(found: AccessMap, one: UnusualHour, line: str, status: Status) -> Issue:
    return Issue(
        status, key_name(one.key),
        words(line, n=number(one.count), ratio=number(one.ratio, decimals=1)),
        since_ms=float(found.hours_ms[one.hour]),
    )  # fmt: skip


def _hour(at_ms: int) -> str:
    return f"{day_month(at_ms)} {time_of_day(at_ms)}"


def narrowed(kind: str | None, detector: str) -> Any:
    """Return what a click on a figure narrowed the list of findings to, with its way out."""
    name = words(f"kind_{kind}") if kind else detector_name(detector)
    return chip(words("kind" if kind else "detector"), name) if kind or detector else None


def findings_table(found: list[StoredFinding], *, may_read: bool, scanned: int) -> Any:
    """Return the newest findings, with masked excerpts for those who may read content."""
    if not found:
        if not scanned:
            return nothing()
        return states.calm(words("no_findings"), words("no_findings_hint", n=number(scanned)))
    columns = [
        Column("when", words("when"), "node"),
        Column("severity", words("severity"), "node"),
        Column("kind", words("kind")),
        Column("detector", words("detector"), "node"),
        Column("where", words("where")),
        Column("result", words("result"), "node"),
        Column("model", t("unified.model"), "node"),
        Column("excerpt", words("excerpt"), "node"),
    ]
    rows = [_row(one, may_read) for one in found]
    return table(columns, rows, caption=words("findings"))


def _row(one: StoredFinding, may_read: bool) -> dict[str, Any]:
    hidden = html.Span(words("hidden_excerpt"), className="muted")
    disguise = words("disguised", how=one.how.replace("_", " ")) if one.how != "plain" else ""
    return {
        "when": moment(one.at_ms),
        "severity": mark(SEVERITY[one.severity], words(f"level_{one.severity}")),
        "kind": words(f"kind_{one.kind}"),
        "detector": html.Span([detector_name(one.detector), html.Br(), html.Small(disguise)])
        if disguise
        else detector_name(one.detector),
        "where": words(f"in_{one.direction}"),
        "result": _result(one),
        "model": choice(one.model_id, link("", model=one.model_id)),
        "excerpt": html.Q(one.excerpt, dir="auto", className="notranslate") if may_read else hidden,
    }


def _result(one: StoredFinding) -> Any:
    if one.outcome is not None:
        return pill("good" if one.outcome == "blocked" else "bad", words(f"verdict_{one.outcome}"))
    if one.origin is not None:
        return pill("none" if one.origin == "prompt" else "bad", words(f"origin_{one.origin}"))
    return "–"


def stacked(points: list[Any], times: list[int]) -> dict[str, list[float]]:
    """Return values per kind on one grid of times; a step without any is 0."""
    made: dict[str, list[float]] = {}
    for one in points:
        values = np.zeros(len(times))
        at = np.searchsorted(times, one.timestamps_ms)
        inside = at < len(times)
        values[at[inside]] = np.nan_to_num(one.values[inside])
        made[one.series.label("kind")] = values.tolist()
    return made
