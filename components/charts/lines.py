"""Lines over time: intervals as bands, thresholds, and marks for deployments and incidents."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from components.charts import frame
from components.charts.frame import Figure
from components.charts.thin import MAX_POINTS, keep
from components.theme import DASHES, Status, series, token
from i18n import t
from i18n.axes import tick_dates

MarkKind = Literal["deployment", "config_change", "data_change", "incident", "security", "alert"]

_MARK_SYMBOL: dict[str, str] = {
    "deployment": "triangle-down", "config_change": "diamond", "data_change": "square",
    "incident": "x", "security": "star", "alert": "circle",
}  # fmt: skip
_MAX_END_LABELS = 5
_LABEL_SHARE = 0.075  # of the height of a panel that a line of text takes
_MAX_MARK_LINES = 12  # more lines through a chart hide its curves; the symbols above stay
_MARKS_ACROSS = 40  # so many symbols fill a chart from side to side
_DASHED_POINTS = 60  # on denser lines dashes look like noise; the end labels tell them apart
_UPRIGHT = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
_LOUDEST = ("incident", "security", "alert", "deployment", "config_change", "data_change")
_MARK_TOKEN = {"incident": "bad", "security": "bad", "alert": "warn"}


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its name, its values, and its interval when it has one."""

    name: str
    y: Sequence[float | None]
    low: Sequence[float | None] | None = None
    high: Sequence[float | None] | None = None
    token: str | None = None
    dash: str | None = None


@dataclass(frozen=True, slots=True)
class Threshold:
    """A level that matters, with the word that says why."""

    value: float
    label: str
    status: Status = "bad"


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a moment, or lasted until `end_ms`."""

    at_ms: float
    label: str
    kind: MarkKind = "deployment"
    end_ms: float | None = None


def line(
    x_ms: Sequence[float],
    lines: Sequence[Line],
    *,
    unit: str = "",
    zero: bool = False,
    thresholds: Sequence[Threshold] = (),
    marks: Sequence[Mark] = (),
    window_ms: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
    max_points: int = MAX_POINTS,
) -> Figure:
    """Return lines over time (epoch milliseconds); series are told apart by colour and dash."""
    x = np.asarray(x_ms, dtype=float)
    data: list[dict[str, Any]] = []
    for position, one in enumerate(lines):
        data += _traces(x, one, position, unit, max_points)
    named = 2 <= len(lines) <= _MAX_END_LABELS
    legend = len(lines) > _MAX_END_LABELS
    made = frame.layout(unit=unit, legend=legend, hovermode="x unified")
    made["xaxis"] = time_axis(window_ms)
    made["yaxis"] = frame.value_axis(unit, zero=zero)
    if y_range is None and unit == "share" and len(x) <= 2:
        y_range = (0.0, 1.02)  # one or two points say nothing of a scale of their own
    if y_range:
        made["yaxis"]["range"] = list(y_range)
    if named:
        add_end_labels(made, data, _drawn(data, y_range, zero, thresholds))
    add_thresholds(made, thresholds, _tails(data))
    data += add_marks(made, marks)
    return {"data": data, "layout": made}


def area(
    x_ms: Sequence[float],
    lines: Sequence[Line],
    *,
    unit: str = "",
    marks: Sequence[Mark] = (),
    window_ms: tuple[float, float] | None = None,
    max_points: int = MAX_POINTS,
) -> Figure:
    """Return series stacked on each other: parts of a total over time, base at zero."""
    x = np.asarray(x_ms, dtype=float)
    total = np.sum([np.nan_to_num(np.asarray(s.y, dtype=float)) for s in lines], axis=0)
    # One choice of points for all: stacked traces must share their x.
    at = keep(x, np.asarray(total, dtype=float), max_points) if len(lines) else np.array([], int)
    at = at[at >= 0]
    data = [
        {
            "type": "scatter", "mode": "lines", "name": one.name, "stackgroup": "all",
            "x": _times(x[at]),
            "y": frame.rounded(np.nan_to_num(np.asarray(one.y, dtype=float)[at])),
            "line": {"width": 1, "color": token(one.token or series(i))},
            "fillcolor": token(one.token or series(i), 0.45),
            "hovertemplate": frame.hover_value(unit),
        }
        for i, one in enumerate(lines)
    ]  # fmt: skip
    made = frame.layout(unit=unit, legend=True, hovermode="x unified")
    made["xaxis"] = time_axis(window_ms)
    made["yaxis"] = frame.value_axis(unit, zero=True)
    data += add_marks(made, marks)
    return {"data": data, "layout": made}


def time_axis(window_ms: tuple[float, float] | None = None) -> dict[str, Any]:
    """Return the time axis; a window pins it, so panels beside each other line up."""
    dates = tick_dates()
    day = dates["day"]
    axis: dict[str, Any] = {
        "type": "date",
        "nticks": 7,
        "hoverformat": dates["moment"],
        "tickformatstops": [
            {"dtickrange": [None, 60_000], "value": f"%H:%M:%S\n{day}"},
            {"dtickrange": [60_000, 86_400_000 - 1], "value": f"%H:%M\n{day}"},
            {"dtickrange": [86_400_000, 27 * 86_400_000], "value": f"{day}\n{dates['year']}"},
            {"dtickrange": ["M1", None], "value": dates["month"]},
        ],
    }
    if window_ms:
        axis["range"] = [int(window_ms[0]), int(window_ms[1])]
    return axis


def add_thresholds(
    made: dict[str, Any], thresholds: Sequence[Threshold], tails: Sequence[float] = ()
) -> None:
    """Draw the levels as dashed lines with their words, on the side where no line runs."""
    for level in thresholds:
        side = "top" if _is_under(level.value, tails) else "bottom"
        made["shapes"].append(
            {
                "type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": level.value,
                "y1": level.value, "layer": "above",
                "line": {"color": token(level.status), "width": 1.2, "dash": "dash"},
            }
        )  # fmt: skip
        made["annotations"].append(
            {
                "text": level.label, "xref": "paper", "x": 1, "xanchor": "right",
                "y": level.value, "yanchor": side,
                "font": {"color": token(level.status), "size": 11},
                "bgcolor": token("panel", 0.72), "borderpad": 1,
            }
        )  # fmt: skip


def _is_under(value: float, tails: Sequence[float]) -> bool:
    """Whether the words of a level belong under it; under zero, an axis has no room."""
    return value > 0 and sum(1 if v >= value else -1 for v in tails) > 0


def _tails(data: Sequence[dict[str, Any]]) -> list[float]:
    """Return the values beside the words of a level: of each line's last fifth, without bands."""
    lines = [one for one in data if "meta" not in one and one["x"]]
    if not lines:
        return []
    first, last = min(one["x"][0] for one in lines), max(one["x"][-1] for one in lines)
    return [
        y
        for one in lines
        for x, y in zip(one["x"], one["y"], strict=True)
        if y is not None and x is not None and x >= last - (last - first) / 5
    ]


def _drawn(
    data: Sequence[dict[str, Any]],
    y_range: tuple[float, float] | None,
    zero: bool,
    thresholds: Sequence[Threshold],
) -> tuple[float, float]:
    """Return about which values the axis will span."""
    if y_range:
        return y_range
    values = [v for trace in data for v in trace["y"] if v is not None]
    values += [level.value for level in thresholds]
    values += [0.0] if zero or not values else []
    return min(values), max(values)


def add_end_labels(
    made: dict[str, Any], data: Sequence[dict[str, Any]], drawn: tuple[float, float]
) -> None:
    """Write each line's name at its end, in its colour: no legend to look up.

    Names that would lie on each other are moved apart, evenly around where they belong.
    """
    ends: list[tuple[float, dict[str, Any]]] = []
    for trace in data:
        last = next((v for v in reversed(trace["y"]) if v is not None), None)
        if "meta" not in trace and last is not None:
            ends.append((last, trace))
    if not ends:
        return
    apart = ((drawn[1] - drawn[0]) or 1.0) * _LABEL_SHARE
    ends.sort(key=lambda end: end[0])
    for level, (_, trace) in zip(_spread([v for v, _ in ends], apart), ends, strict=True):
        made["annotations"].append(
            {
                "text": trace["name"], "xref": "paper", "x": 1, "xanchor": "left", "xshift": 5,
                "y": level, "yanchor": "middle",
                "font": {"color": trace["line"]["color"], "size": 11},
            }
        )  # fmt: skip
    longest = max(len(trace["name"]) for _, trace in ends)
    made["margin"]["r"] = min(120, 14 + round(6.2 * longest))


def _spread(values: list[float], apart: float) -> list[float]:
    """Return sorted values at least `apart` from each other, each group kept around its mean.

    >>> _spread([1.0, 1.0, 5.0], 1.0)
    [0.5, 1.5, 5.0]
    """
    groups: list[list[float]] = []
    for value in values:
        groups.append([value])
        while len(groups) > 1 and _top(groups[-2], apart) + apart > _bottom(groups[-1], apart):
            last = groups.pop()
            groups[-1] += last
    return [_bottom(group, apart) + i * apart for group in groups for i in range(len(group))]


def _bottom(group: list[float], apart: float) -> float:
    return sum(group) / len(group) - apart * (len(group) - 1) / 2


def _top(group: list[float], apart: float) -> float:
    return _bottom(group, apart) + apart * (len(group) - 1)


def add_marks(made: dict[str, Any], marks: Sequence[Mark]) -> list[dict[str, Any]]:
    """Draw marks as thin lines and spans; return the traces that name them on hover."""
    if not marks:
        return []
    made["yaxis2"] = {
        "overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True,
    }  # fmt: skip
    groups = _grouped(marks, made["xaxis"].get("range"))
    kinds: dict[str, list[tuple[int, str]]] = {}
    for group in groups:
        leading = min(group, key=lambda mark: _LOUDEST.index(mark.kind))
        x = int(leading.at_ms)
        kinds.setdefault(leading.kind, []).append((x, " · ".join(m.label for m in group)))
        made["shapes"] += _spans(group)
        if len(groups) <= _MAX_MARK_LINES:
            stroke = {"color": token(_mark_token(leading.kind)), "width": 1, "dash": "dot"}
            made["shapes"].append(_UPRIGHT | {"type": "line", "x0": x, "x1": x, "line": stroke})
    return [
        {
            "type": "scatter", "mode": "markers", "yaxis": "y2", "name": t(f"chart.mark_{kind}"),
            "showlegend": False,
            "x": [x for x, _ in some], "y": [0.97] * len(some),
            "text": [words for _, words in some], "hovertemplate": "%{text}", "cliponaxis": False,
            "marker": {
                "symbol": _MARK_SYMBOL[kind], "size": 9, "color": token(_mark_token(kind)),
            },
        }
        for kind, some in kinds.items()
    ]  # fmt: skip


def _mark_token(kind: str) -> str:
    return _MARK_TOKEN.get(kind, "text-3")


def _spans(group: Sequence[Mark]) -> list[dict[str, Any]]:
    return [
        _UPRIGHT | {
            "type": "rect", "x0": int(mark.at_ms), "x1": int(mark.end_ms), "line": {"width": 0},
            "fillcolor": token(_mark_token(mark.kind), 0.1),
        }
        for mark in group
        if mark.end_ms
    ]  # fmt: skip


def _grouped(marks: Sequence[Mark], window: Sequence[float] | None) -> list[list[Mark]]:
    """Return marks in order of time, those whose symbols would lie on each other as one group."""
    apart = (window[1] - window[0]) / _MARKS_ACROSS if window else 0.0
    groups: list[list[Mark]] = []
    for mark in sorted(marks, key=lambda mark: mark.at_ms):
        if groups and mark.at_ms - groups[-1][0].at_ms < apart:
            groups[-1].append(mark)
        else:
            groups.append([mark])
    return groups


def _traces(x: Any, one: Line, position: int, unit: str, limit: int) -> list[dict[str, Any]]:
    y = np.asarray(one.y, dtype=float)
    at = keep(x, y, limit)
    name = one.token or series(position)
    traces: list[dict[str, Any]] = []
    if one.low is not None and one.high is not None:
        traces += _band(x, one, at[at >= 0], name)
    gaps = at < 0
    times: list[int | None] = _times(x[at])
    values = frame.rounded(y[at])
    for i in np.flatnonzero(gaps).tolist():
        times[i], values[i] = times[i - 1], None
    dash = DASHES[position % 8] if len(at) <= _DASHED_POINTS else "solid"
    traces.append(
        {
            "type": "scatter", "mode": "lines+markers" if len(at) <= 2 else "lines",
            "name": one.name, "x": times, "y": values, "hovertemplate": frame.hover_value(unit),
            "line": {"width": 1.8, "color": token(name), "dash": one.dash or dash},
        }
    )  # fmt: skip
    return traces


def _band(x: Any, one: Line, at: Any, name: str) -> list[dict[str, Any]]:
    low, high = (np.asarray(edge, dtype=float)[at] for edge in (one.low, one.high))
    known = np.isfinite(low) & np.isfinite(high)
    at, low, high = at[known], low[known], high[known]
    edge = {
        "type": "scatter", "mode": "lines", "x": _times(x[at]), "hoverinfo": "skip",
        "showlegend": False, "line": {"width": 0}, "name": one.name,
    }  # fmt: skip
    return [
        edge | {"y": frame.rounded(low), "meta": "low"},
        edge
        | {
            "y": frame.rounded(high), "meta": "high", "fill": "tonexty",
            "fillcolor": token(name, 0.16),
        },
    ]  # fmt: skip


def _times(x: Any) -> list[Any]:
    return [int(v) for v in x.tolist()]
