"""What pages say about where numbers come from: provenance, marks of events, health in words.

Also the one way in which a page answers a tick: `register_live`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Collection, Sequence
from contextvars import copy_context
from typing import Any
from urllib.parse import urlencode

import numpy as np
from dash import Input, html, set_props
from numpy.typing import NDArray

from components import live
from components import scope as scopes
from components.address import link, packed
from components.charts import Mark, Threshold
from components.live import View
from components.panel import Provenance
from components.scope import Scope
from components.theme import Status
from engines.reliability import wilson
from engines.trust import Code, Trust
from i18n import date_time, duration, number, percent, quantity, t
from services.computed import Computed
from services.incident_groups import Causes
from services.incidents import Incident
from services.marks import list_marks
from services.models import was_watched
from services.times import Window
from services.topology import ERROR_WARNING, ServiceHealth
from services.traffic import RequestStats, TrafficSeries, get_request_stats
from services.trust_policy import list_policies
from services.workspace import Workspace, current_workspace

Fill = Callable[[Workspace, Scope, View], None]
PERSONAL = frozenset({"settings"})
"""Pages that say who reads: readers of one role do not share their views."""
EARLY_S = 0.3
"""How long a page waits for its first view before it is sent with empty places."""

HEALTH: dict[str, Status] = {
    "healthy": "good",
    "warning": "warn",
    "critical": "bad",
    "unknown": "none",
}


def say(sentence: str) -> None:
    """Tell the reader that it is done."""
    set_props("toast", {"data": {"kind": "good", "title": sentence}})


def ask_anew(ws: Workspace, data: dict[str, Any] | None) -> None:
    """Ask for the page anew, past the cache."""
    set_props("scope", {"data": {**(data or {}), "retry": ws.now_ms()}})


def done(ws: Workspace, data: dict[str, Any] | None, sentence: str) -> None:
    """Tell that it is done and show the page as it is now."""
    say(sentence)
    ask_anew(ws, data)


def register_live(
    dash_app: Any,  # a dash.Dash
    page: str,
    fill: Fill,
) -> None:
    """Answer scope changes and ticks with a view; equal readers share one computation."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        live.view_output(page), Input("scope", "data"), Input("tick", "n_intervals")
    )
    def _answer(data: dict[str, Any] | None, _tick: int | None) -> str:
        return answer(page, fill, data)


def answer(page: str, fill: Fill, data: dict[str, Any] | None) -> str:
    """Return a page's view of a scope as JSON; equal readers share one computation."""
    ws, scope = current_workspace(), scopes.parse(data)
    # Roles are in the key: who may see less must not be served what others saw.
    reader = "+".join(sorted(ws.principal.roles))
    if page in PERSONAL:
        reader = f"{reader}/{ws.principal.id}"
    bucket = scope.bucket(ws.now_ms())
    key = f"view/{page}/{reader}/{ws.locale}/{scope.to_query()}/{bucket}"

    def compute(mark: str = key) -> str:
        view = View(mark)
        fill(ws, scope, view)
        return view.to_answer()

    retry = (data or {}).get("retry")
    return (
        compute(f"{key}/{retry}") if retry else ws.cached(key, str, compute, fresh_s=scope.refresh)
    )


def early_answer(page: str, fill: Fill, data: dict[str, Any]) -> str | None:
    """Return the view if it takes no longer than a reader waits for a first sign of the page.

    A slow one goes on meanwhile: the page's callback, which asks next, waits for the same result.
    A view that fails is left to that callback too, which says why.
    """
    found: list[str] = []

    def compute() -> None:
        with contextlib.suppress(Exception):
            found.append(answer(page, fill, data))

    thread = threading.Thread(target=copy_context().run, args=(compute,), daemon=True)
    thread.start()
    thread.join(EARLY_S)
    return found[0] if found else None


def reader_name(ws: Workspace) -> str:
    """Return who reads; nobody signed in to a hub that takes its reader for the administrator."""
    who = ws.principal
    return t("settings.local_admin") if who.method == "local" else who.name or who.id


def window_of(ws: Workspace, scope: Scope) -> Window:
    """Return the window that the reader chose."""
    return Window(*scope.window_ms(ws.now_ms()))


def compared(ws: Workspace, scope: Scope) -> Window:
    """Return the window that changes are measured against: chosen, or the one before."""
    chosen = scope.compare_ms(ws.now_ms())
    return Window(*chosen) if chosen else window_of(ws, scope).before()


def earlier_traffic(
    ws: Workspace, scope: Scope, *, model_id: str | None = None, version: str | None = None
) -> RequestStats:
    """Return the traffic to compare with; none where that window was not watched as a whole."""
    window = compared(ws, scope)
    if not was_watched(ws, window.start_ms, model_id):
        return RequestStats.none(window)
    return get_request_stats(ws, window, model_id=model_id, version=version)


def whole_steps(series: TrafficSeries) -> NDArray[np.bool_]:
    """Return which steps lie inside the window: an unfinished one would look like a fall."""
    starts = series.timestamps_ms
    inside = (starts >= series.window.start_ms) & (starts + series.step_ms <= series.window.end_ms)
    return inside if inside.any() else np.ones(len(starts), dtype=bool)


def finished(timestamps_ms: Sequence[int], step_ms: int, end_ms: int) -> int:
    """Return how many steps are over at the end of a window; all where none is."""
    return sum(start + step_ms <= end_ms for start in timestamps_ms) or len(timestamps_ms)


def spark(values: Any) -> list[float | None]:  # an array of numbers
    """Return about 48 means of an array, None where nothing is known."""
    array = np.asarray(values, dtype=float)
    parts = np.array_split(array, min(48, max(1, len(array))))
    return [float(np.nanmean(p)) if np.isfinite(p).any() else None for p in parts]


def plain(values: Any) -> list[float | None]:  # an array of numbers
    """Return an array as a list; what is not known is None."""
    return [float(v) if np.isfinite(v) else None for v in np.asarray(values, dtype=float)]


def wilson_band(
    hits: NDArray[np.float64], n: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % Wilson interval of each share (engines.reliability.wilson)."""
    pairs = [wilson(int(h), int(m), 0.95) if m > 0 else None for h, m in zip(hits, n, strict=True)]
    low = np.array([np.nan if p is None else p.low for p in pairs])
    return low, np.array([np.nan if p is None else p.high for p in pairs])


def provenance(answer: Computed[Any], *, method: str | None = None) -> Provenance:
    """Return age, window, sample sizes and method of a computed answer."""
    return Provenance(
        window=duration(answer.window.length_ms / 1_000),
        n=answer.n_current,
        n_reference=answer.n_reference or None,
        computed_at_ms=answer.computed_at_ms,
        method=answer.method if method is None else method,
    )


def event_marks(ws: Workspace, window: Window, model_id: str = "") -> list[Mark]:
    """Return deployments, changes and incidents of a window as marks for the charts."""
    return [
        Mark(event.timestamp_ms, event.title, event.event_type, event.end_ms)  # type: ignore[arg-type]
        for event in list_marks(ws, window, model_id)
    ]


def trace_link(trace_id: str) -> html.A:
    """Return a trace id that leads to the trace."""
    query = urlencode({"detail": urlencode({"trace": trace_id})})
    return html.A(html.Code(trace_id[:10], dir="ltr"), href=f"/traces?{query}", title=trace_id)


def explore_link(metric: str, *, by: str = "", **labels: str) -> str:
    """Return the address that draws a metric under conditions on labels, cut by a label.

    >>> explore_link("cost", region="eu")
    '/explore?focus=metric%3Dcost%257Bregion%253D%2522eu%2522%257D'
    """
    conditions = ",".join(f'{name}="{quoted(value)}"' for name, value in labels.items())
    return link("/explore", focus=packed(metric=f"{metric}{{{conditions}}}", by=by))


def service_link(service: str, *, failed: bool = False) -> str:
    """Return the address of the traces of a service, or of those that failed."""
    return link("/traces", focus=packed(service=service, errors="1" if failed else ""))


def quoted(text: str) -> str:
    """Return a label value as it stands between the quotes of a selector."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def health_words(health: str) -> tuple[Status, str]:
    """Return status and word of a health."""
    return HEALTH.get(health, "none"), t(f"trust.health_{health}")


def part_name(name: str) -> str:
    """Return the name of a part of trust or reliability in the language in use."""
    return t(f"trust.part_{name}")


def trust_limits(ws: Workspace, kinds: Collection[str] = ()) -> list[Threshold]:
    """Return the limits of trust that kinds of models share, all kinds when none is named.

    Where their policies differ there is no line to draw.
    """
    policies = [p for p in list_policies(ws) if not kinds or p.model_type in kinds]
    limits: list[Threshold] = []
    healthy = {p.definition.healthy for p in policies}
    warning = {p.definition.warning for p in policies}
    for value in healthy if len(healthy) == 1 else ():
        label = t("unified.healthy_from", value=number(value))
        limits.append(Threshold(value, label, "good"))
    for value in warning if len(warning) == 1 else ():
        label = t("unified.critical_below", value=number(value))
        limits.append(Threshold(value, label, "bad"))
    return limits


def explain_trust(found: Trust) -> str:
    """Return why trust is what it is, in the language in use."""
    return " ".join(_sentence(code) for code in found.codes)


def main_reason(found: Trust) -> str:
    """Return what holds trust down most, in one sentence of the language in use."""
    codes = [c for c in found.codes if not c.key.startswith("trust.band.")]
    return _sentence(codes[0]) if codes else ""


def _sentence(code: Code) -> str:
    name = code.key.removeprefix("trust.").replace(".", "_").replace("loss_measured", "loss")
    return t(f"trust.{name}", **{key: _written(key, value) for key, value in code.values.items()})


def _written(key: str, value: float | int | str) -> str:
    if key == "part":
        return part_name(str(value))
    if isinstance(value, str):
        return value
    if key == "level":
        return percent(value, decimals=0)
    return number(value, decimals=1 if key == "points" else 2)


def incident_title(incident: Incident) -> str:
    """Return what went wrong in the language in use; the stored title is English."""
    given = incident.evidence
    now, before = given.get("now"), given.get("before")
    as_text = _INCIDENT_UNITS.get(incident.rule, percent)
    ratio = now / before if now is not None and before else None
    kind = "late" if given.get("late") else "title"
    return t(
        f"incidents.{kind}_{incident.rule}",
        name=incident.subject,
        now=as_text(now),
        before=as_text(before),
        ratio=number(ratio, decimals=1),
        features=", ".join(given.get("features", [])[:3]),
        errors=percent(given.get("error_rate")),
        mean=_milliseconds(given.get("mean_ms")),
        objective=str(given.get("objective", "")),
        n=number(now),
        systems=", ".join(given.get("systems", [])[:3]),
        late=number(given.get("late")),
        time=_span(given.get("from_ms"), given.get("to_ms")),
    )


def _span(start_ms: int | None, end_ms: int | None) -> str:
    """Return the minutes that something is of."""
    if start_ms is None or end_ms is None:
        return ""
    first, last = date_time(start_ms), date_time(end_ms - 60_000)
    return f"{first} UTC" if first == last else f"{first} – {last} UTC"


def incident_link(incident: Incident, page: str = "/incidents") -> str:
    """Return the address of a page that is about an incident."""
    return f"{page}?{urlencode({'focus': urlencode({'incident': incident.id})})}"


def causes_words(counts: Causes) -> str:
    """Return how many incidents there are and how many causes they have.

    What is traced to nothing is counted beside, and never as a cause.
    """
    if counts.causes == 0:
        return t("incidents.of_no_cause", n=counts.incidents)
    said = t("incidents.by_cause", n=counts.incidents, causes=counts.causes)
    if counts.unexplained == 0:
        return said
    return f"{said} · {t('incidents.unexplained', n=counts.unexplained)}"


def service_words(service: ServiceHealth) -> str:
    """Return why a service is judged as it is, in the language in use."""
    is_slow = (service.error_rate or 0.0) < ERROR_WARNING and service.before_mean_ms is not None
    if is_slow and service.health != "healthy":
        return t(
            "incidents.service_slow",
            now=_milliseconds(service.mean_ms),
            before=_milliseconds(service.before_mean_ms),
        )
    rate, calls = percent(service.error_rate), number(service.calls)
    return t("incidents.service_errors", rate=rate, n=calls)


def _milliseconds(value: float | None) -> str:
    return quantity(value, "ms")


def _plain(value: float | None) -> str:
    return number(value, decimals=2)


_INCIDENT_UNITS: dict[str, Callable[[float | None], str]] = {
    "latency": _milliseconds,
    "hallucination": _plain,
    "trust": _plain,
    "cost": _plain,
    "slo_burn": _plain,
}
