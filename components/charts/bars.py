"""Bars: always from zero, sorted by the caller, intervals as whiskers, parts as stacks."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from components.charts import frame
from components.charts.frame import Figure
from components.charts.lines import Line, Mark, Threshold, add_marks, time_axis
from components.theme import Status, series, token
from i18n import number, quantity

_FEW_BARS, _FEW_WIDTH = 5, 0.16  # few bars would grow to blocks
_PATTERNS = ("", "/", ".", "x", "-", "\\", "+", "|")


def bars(
    labels: Sequence[str],
    values: Sequence[float | None],
    *,
    unit: str = "",
    low: Sequence[float | None] | None = None,
    high: Sequence[float | None] | None = None,
    statuses: Sequence[Status] | None = None,
    thresholds: Sequence[Threshold] = (),
    horizontal: bool = True,
) -> Figure:
    """Return one bar per label, first label on top; `low` and `high` become whiskers."""
    colours = [token(s if s != "none" else "series-8") for s in statuses] if statuses else None
    along, across = ("x", "y") if horizontal else ("y", "x")
    trace: dict[str, Any] = {
        "type": "bar", "orientation": "h" if horizontal else "v",
        across: list(labels), along: frame.rounded([_nan(v) for v in values]),
        "marker": {"color": colours or token("series-1")},
        "text": [quantity(v, unit) for v in values], "textposition": "auto",
        "insidetextanchor": "end", "textangle": 0, "cliponaxis": False, "name": "",
        "hovertemplate": f"%{{{across}}}: " + frame.hover_value(unit, along) + "<extra></extra>",
    }  # fmt: skip
    if len(labels) < _FEW_BARS:
        trace["width"] = _FEW_WIDTH * len(labels)
    if low is not None and high is not None:
        trace[f"error_{along}"] = _whiskers(values, low, high)
        # Whiskers and inside labels would overlap.
        trace["textposition"] = "none"
    made = frame.layout(unit="" if horizontal else unit)
    value = frame.value_axis(unit, zero=True)
    if horizontal and unit not in ("", "share"):
        value["title"] = {"text": unit}
    names = {"type": "category", "showline": True}
    made["xaxis"] = (value | {"showgrid": True, "showline": False}) if horizontal else names
    made["yaxis"] = (names | {"autorange": "reversed", "showgrid": False}) if horizontal else value
    _levels(made, thresholds, horizontal)
    return {"data": [trace], "layout": made}


def stacked_bars(x: Sequence[Any], parts: Sequence[Line], *, unit: str = "") -> Figure:
    """Return parts of a total per category or day, told apart by colour and pattern."""
    data = [
        {
            "type": "bar", "name": part.name, "x": list(x),
            "y": frame.rounded([_nan(v) for v in part.y]),
            "marker": {
                "color": token(part.token or series(i)),
                "pattern": {
                    "shape": _PATTERNS[i % 8], "fillmode": "overlay", "solidity": 0.25, "size": 6,
                    "fgcolor": token("panel"), "fgopacity": 0.55,
                },
            },
            "hovertemplate": frame.hover_value(unit),
        }
        for i, part in enumerate(parts)
    ]  # fmt: skip
    made = frame.layout(unit=unit, legend=True, barmode="stack", hovermode="x unified")
    made["xaxis"] = {"showline": True}
    made["yaxis"] = frame.value_axis(unit, zero=True)
    return {"data": data, "layout": made}


def stacked_times(
    starts_ms: Sequence[int], step_ms: int, parts: Sequence[Line], *, marks: Sequence[Mark] = ()
) -> Figure:
    """Return counts per step of time, stacked: each bar covers its step."""
    made = stacked_bars([start + step_ms // 2 for start in starts_ms], parts)
    for trace in made["data"]:
        trace["width"] = step_ms * 0.92
    ends = (starts_ms[0], starts_ms[-1] + step_ms) if starts_ms else None
    made["layout"]["xaxis"] = time_axis(ends)
    made["layout"]["bargap"] = 0
    made["data"] += add_marks(made["layout"], marks)
    return made


def waterfall(
    labels: Sequence[str],
    changes: Sequence[float],
    *,
    start: tuple[str, float],
    end: str,
    unit: str = "",
    good: str = "down",
) -> Figure:
    """Return how `start` became its end, one floating bar per change, from the top down: names
    stand beside their bars, so that they can be read on any screen; `good` is `up` or `down`."""
    levels = [start[1], *(start[1] + sum(changes[: i + 1]) for i in range(len(changes)))]
    signs = ["good" if (change > 0) == (good == "up") else "bad" for change in changes]
    texts = [("▲" if c >= 0 else "▼") + number(abs(c), compact=True) for c in changes]
    ends = [number(level, compact=True) for level in (levels[0], levels[-1])]
    trace = {
        "type": "bar", "orientation": "h", "showlegend": False, "name": "",
        "y": [_wrapped(name) for name in (start[0], *labels, end)],
        "base": frame.rounded([0.0, *levels[:-1], 0.0]),
        "x": frame.rounded([levels[0], *changes, levels[-1]]),
        "marker": {"color": [token("series-8"), *map(token, signs), token("series-8")]},
        "text": [ends[0], *texts, ends[1]], "textposition": "outside", "constraintext": "none",
        "cliponaxis": False, "hovertemplate": "%{y}: %{text}<extra></extra>",
    }  # fmt: skip
    made = frame.layout()
    made["margin"]["r"] = 44  # for the numbers beside the bars, together with a tenth of the axis
    low, high = min(0.0, *levels), max(0.0, *levels)
    room = 0.1 * (high - low)
    made["xaxis"] = frame.value_axis(unit, zero=True) | {
        "showgrid": True, "range": [low - room if low < 0 else 0.0, high + room],
    }  # fmt: skip
    if unit:
        made["xaxis"]["title"] = {"text": unit}
    made["yaxis"] = {
        "type": "category", "showline": True, "autorange": "reversed", "showgrid": False,
    }  # fmt: skip
    return {"data": [trace], "layout": made}


def bullet(
    value: float,
    *,
    target: float,
    bands: Sequence[tuple[float, str]],
    unit: str = "",
    status: Status = "none",
) -> Figure:
    """Return a value bar over named bands (upper edge, name), with the target as a tick."""
    data: list[dict[str, Any]] = []
    edge = 0.0
    for i, (upper, name) in enumerate(bands):
        data.append(
            {
                "type": "bar", "orientation": "h", "y": [""], "x": [upper - edge], "base": [edge],
                "width": 0.9, "name": name, "hovertemplate": f"{name}<extra></extra>",
                "marker": {"color": token("text-3", 0.34 - 0.1 * min(i, 2))},
            }
        )  # fmt: skip
        edge = upper
    data.append(
        {
            "type": "bar", "orientation": "h", "y": [""], "x": [value], "width": 0.36, "name": "",
            "marker": {"color": token("series-1" if status == "none" else status)},
            "hovertemplate": frame.hover_value(unit, "x") + "<extra></extra>",
        }
    )  # fmt: skip
    made = frame.layout(barmode="overlay")
    made["xaxis"] = frame.value_axis(unit, zero=True, showgrid=False)
    made["yaxis"] = {"visible": False, "fixedrange": True}
    made["shapes"].append(
        {
            "type": "line", "x0": target, "x1": target, "yref": "paper", "y0": 0.12, "y1": 0.88,
            "line": {"color": token("text"), "width": 2.5},
        }
    )  # fmt: skip
    return {"data": data, "layout": made}


def _whiskers(
    values: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
) -> dict[str, Any]:
    rows = list(zip(values, low, high, strict=True))
    return {
        "type": "data", "symmetric": False, "thickness": 1.3, "width": 4, "color": token("text-2"),
        "array": frame.rounded([_nan(h) - _nan(v) for v, _, h in rows]),
        "arrayminus": frame.rounded([_nan(v) - _nan(lo) for v, lo, _ in rows]),
    }  # fmt: skip


def _levels(made: dict[str, Any], thresholds: Sequence[Threshold], horizontal: bool) -> None:
    along, across = ("x", "y") if horizontal else ("y", "x")
    for level in thresholds:
        made["margin"]["t"] = 26 if horizontal else made["margin"]["t"]
        made["shapes"].append(
            {
                "type": "line", f"{across}ref": "paper", f"{across}0": 0, f"{across}1": 1,
                f"{along}0": level.value, f"{along}1": level.value,
                "line": {"color": token(level.status), "width": 1.2, "dash": "dash"},
            }
        )  # fmt: skip
        made["annotations"].append(
            {
                "text": level.label, f"{along}": level.value, f"{across}ref": "paper",
                f"{across}": 1, "yanchor": "bottom", "xanchor": "center" if horizontal else "right",
                "font": {"color": token(level.status), "size": 11},
            }
        )  # fmt: skip


def _wrapped(name: str, width: int = 18) -> str:
    """Return a name on short lines: it then leaves room for its bar."""
    return "<br>".join(wrap(name, width, break_long_words=False, break_on_hyphens=False))


def _nan(value: float | None) -> float:
    return float("nan") if value is None else float(value)
