"""What the causal and the impact page are about, as the address says it: an incident, a number, or
a change of a number that nobody made yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from dash import html

from components import states
from components.attributes import attrs
from components.icons import icon
from engines.causal.result import Evidence
from engines.result import Insufficient
from i18n import duration, number, percent, quantity, signed, t, tell
from pages import sources
from services import numbers as names
from services.analyses import Job
from services.diagnosis import Subject, first_of, worst_open
from services.incident_groups import count_causes
from services.incidents import Incident, get_incident, open_incidents
from services.numbers import EVENTS, Number
from services.workspace import Workspace

Key = tuple[str, str]
metric_name, title, UNITS = names.metric_name, names.title, names.UNITS
MINUTE_S = 60.0
"""Interval of onsets whose evidence does not say it."""
PATIENCE_S = 0.2
"""How long a view waits to hear which numbers there are; the next one knows."""


@dataclass(frozen=True, slots=True)
class Focus:
    """The subject; all empty means what is reddest now. `change` is relative: .2 is a fifth
    more. `set_to` is a value instead, in the number's own unit."""

    incident: str = ""
    node: str = ""
    metric: str = ""
    change: float | None = None
    set_to: float | None = None

    @property
    def is_hypothetical(self) -> bool:
        """Whether a change is asked about that nobody made yet."""
        return self.key is not None and (self.change is not None or self.set_to is not None)

    @property
    def key(self) -> Key | None:
        """The number asked about."""
        return (self.node, self.metric) if self.node and self.metric else None

    def to_text(self) -> str:
        """Return the text that parses to this focus."""
        pairs = [("incident", self.incident), ("node", self.node), ("metric", self.metric)]
        if self.change is not None:
            pairs.append(("change", f"{self.change:g}"))
        if self.set_to is not None:
            pairs.append(("to", f"{self.set_to:g}"))
        return urlencode([pair for pair in pairs if pair[1]])


def parse(text: str) -> Focus:
    """Return the focus of an address; what cannot be read is left out."""
    given = dict(parse_qsl(text, max_num_fields=8))
    return Focus(
        given.get("incident", ""),
        given.get("node", ""),
        given.get("metric", ""),
        _number(given.get("change", ""), -1.0, 10.0),
        _number(given.get("to", ""), -1e12, 1e12),
    )


def _number(text: str, low: float, high: float) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return max(low, min(high, value)) if value == value else None


def hypothesis(asked: Focus) -> str:
    """Return a hypothetical change as it is written beside its number."""
    if asked.set_to is None:
        return f"{signed(100 * (asked.change or 0.0))}%"
    return f"→ {quantity(asked.set_to, UNITS.get(asked.metric, ''))}"


def subject(ws: Workspace, text: str, worst: str) -> str:
    """Return what an address asks about in words; `worst` says what is meant without one."""
    asked = parse(text)
    if asked.key is not None:
        change = f" {hypothesis(asked)}" if asked.is_hypothetical else ""
        return f"{title(asked.key)}{change}"
    incident = get_incident(ws, asked.incident) if asked.incident else worst_open(ws)
    return sources.incident_title(incident) if incident is not None else worst


def trouble(ws: Workspace, model_id: str = "") -> html.Div | None:
    """Return what is wrong with a model, or anywhere, and why: the worst incident, its likely cause
    and the ways to its evidence and its cost; None while nothing is open."""
    found = [i for i in open_incidents(ws) if model_id in ("", i.subject)]
    worst = first_of(found)
    if worst is None:
        return None
    parts: list[Any] = [html.Strong(html.Bdi(sources.incident_title(worst)))]
    if worst.root_cause is not None:
        words = cause_words(worst)
        is_named = not worst.root_cause["abstained"] and worst.root_cause["causes"]
        parts.append(f". {t('incidents.cause')}: {words}." if is_named else f". {words}")
    links: list[Any] = [
        html.A(t("incidents.open_graph"), href=sources.incident_link(worst, "/causes")), " · ",
        html.A(t("incidents.open_impact"), href=sources.incident_link(worst, "/impact")),
    ]  # fmt: skip
    if len(found) > 1:
        words = sources.causes_words(count_causes(found))
        links += [" · ", html.A(words, href="/incidents")]
    told = html.Div([html.P(parts), html.P(links, className="answer-about")])
    return html.Div([icon("exclamation-octagon"), told], className="answer answer-bad")


def progress(job: Job) -> html.Div:
    """Return how far an analysis is, with a button that stops it; the browser asks again soon."""
    if job.state in ("stopped", "failed"):
        return _ended(job)
    waited = duration(max(0, job.updated_ms - job.started_ms) / 1_000)
    stage = t(f"causal_graph.stage_{job.stage}")
    done = [] if job.share is None else [percent(job.share, decimals=0), " · "]
    return html.Div(
        [
            states.skeleton(120),
            html.P([stage, " · ", *done, html.Bdi(waited)], role="status"),
            _button(job, "stop"),
        ],
        className="analysis-progress",
        **attrs(data_poll=job.id),
    )


def renewal(job: Job | None) -> html.Div | None:
    """Return how far the renewal of what is shown is, or that it was stopped."""
    if job is None:
        return None
    if job.state == "stopped":
        parts = [html.P(t("causal_graph.kept"), role="status"), _button(job, "again")]
        return html.Div(parts, className="analysis-renewal no-print")
    stage = t(f"causal_graph.stage_{job.stage}")
    done = "" if job.share is None else f" · {percent(job.share, decimals=0)}"
    words = f"{t('causal_graph.renewing')} · {stage}{done}"
    return html.Div(
        [html.P(words, role="status"), _button(job, "stop")],
        className="analysis-renewal no-print",
        **attrs(data_poll=job.id),
    )


def _button(job: Job, act: Literal["stop", "again"]) -> html.Button:
    return html.Button(
        [icon("stop-circle" if act == "stop" else "arrow-clockwise"),
         html.Span(t(f"causal_graph.{act}"))],
        className="btn-quiet",
        **attrs(data_action=f"analysis-{act}", data_job=job.id),
    )  # fmt: skip


def _ended(job: Job) -> html.Div:
    word = t(f"causal_graph.{job.state}")
    return html.Div(
        [
            states.thin(Insufficient(tell(job.reason))) if job.reason else html.P(word),
            _button(job, "again"),
        ],
        className="state",
    )


def sentence(reason: Evidence) -> str:
    """Return a reason in the language in use."""
    values = dict(reason.values)
    name = reason.key
    if name == "same_interval_test":
        name = "test_confirms" if float(values["q"]) < 0.05 else "test_denies"
    step_s = float(values.pop("step_s", MINUTE_S))
    if name in ("moved_first", "moved_later") and abs(float(values["lead_s"])) <= step_s:
        name = "moved_with"  # as stored before the engine said so itself
    if name == "event_before_onset":
        name = _event_key(values)
    if name == "rival" and not isfinite(float(values["ratio"])):
        name = "rival_only"
    if name == "log_template" and "before" in values:
        name = "log_rose" if values["before"] else "log_new"
    written = {key: _written(key, value) for key, value in values.items()}
    if reason.key == "event_before_onset":
        written["lead_s"] = _lead(float(values["lead_s"]), step_s)
    return t(f"causal_graph.why_{name}", **written)


def _lead(lead_s: float, step_s: float) -> str:
    """Return how long before an onset something was, to the interval that the onset is known to."""
    if lead_s < step_s:
        return t("causal_graph.less_than", time=duration(step_s))
    return duration(step_s * round(lead_s / step_s))


def _event_key(values: dict[str, str | float]) -> str:
    """Return which sentence an event gets: older ones know neither its title nor its kind."""
    key = "event_before_onset" if "kind" in values else "event_link"
    return f"{key}_titled" if values.get("title") else key


def _written(key: str, value: str | float | None) -> str:
    if isinstance(value, str):
        return _word(key, value)
    if value is None or not isfinite(value):
        return "–"
    if key == "share":
        return percent(value)
    if key == "lead_s" or key == "lag_s":
        return duration(abs(value))
    if key in ("after", "before"):
        return number(value, decimals=0)
    if key == "q":
        return f"{value:.2g}"
    return number(value, decimals=2 if abs(value) < 100 else 0)


def _word(key: str, value: str) -> str:
    if key == "metric":
        return metric_name(value)
    if key == "metrics":
        return " · ".join(map(metric_name, value.split("\n")))
    if key == "kind":
        return t(f"chart.mark_{value}") if value in EVENTS else value
    node, _, metric = value.rpartition("|")
    return title((node, metric)) if node and key in ("cause", "effect") else value


def cause_words(incident: Incident) -> str:
    """Return the cause that is attached to an incident, in a phrase."""
    cause = incident.root_cause
    if cause is None:
        return "–"
    if cause["abstained"] or not cause["causes"]:
        return t("incidents.no_cause", reason=tell(cause["reason"]))
    first = cause["causes"][0]
    if not first.get("event_id") and cause.get("effect") == [first["node"], first["metric"]]:
        return t("incidents.cause_self")
    return t(
        "incidents.cause_words",
        node=first["node"],
        metric=metric_name(first["metric"]),
        confidence=percent(first["confidence"], decimals=0),
    )


def options(
    subjects: Sequence[Subject], numbers: Sequence[Number] = (), asked: str = ""
) -> list[dict[str, str]]:
    """Return the choices of the subject picker, as `assets/shell.js` draws them; what the address
    asks about is among them."""
    made = [
        {
            "value": Focus(incident=one.incident.id).to_text(),
            "label": sources.incident_title(one.incident),
            "hint": t("causal_graph.open") if one.is_open else t("causal_graph.past"),
        }
        for one in subjects
    ]
    made += [
        {"value": Focus(node=one.node, metric=one.metric).to_text(), "label": one.label}
        for one in numbers
    ]
    found = parse(asked)
    if found.key and asked not in {one["value"] for one in made}:
        change = f" {hypothesis(found)}" if found.is_hypothetical else ""
        made.insert(0, {"value": asked, "label": f"{title(found.key)}{change}"})
    return made
