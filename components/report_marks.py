"""The marks of printed figures: lines, bands, points, bars, cells and boxes as SVG."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from components.report_axes import Axis

Trace = dict[str, Any]  # a Plotly trace: JSON
_DASH = {"dash": "6 4", "dot": "1.5 3", "dashdot": "6 3 1.5 3", "longdash": "10 4",
         "longdashdot": "10 3 1.5 3"}  # fmt: skip
_INK = "#1b2530"


@dataclass(slots=True)
class Stage:
    """What a trace is drawn on: its axes, and how high the stacks have grown."""

    x: Axis
    y: Axis
    colours: dict[str, str]
    layout: dict[str, Any]
    bars: int  # traces of bars beside each other
    stacks: dict[Any, float]
    edge: list[tuple[float, float]]  # the last line drawn, for bands


def draw_trace(trace: Trace, stage: Stage, position: int) -> str:
    """Return the SVG of one trace; an unknown type draws nothing."""
    draw = _DRAWN.get(str(trace.get("type", "scatter")))
    return draw(trace, stage, position) if draw else ""


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "middle",
    size: float = 9,
    fill: str = _INK,
    weight: int = 400,
) -> str:
    """Return words at a place; a line break starts a new line."""
    lines = str(words).replace("<br>", "\n").split("\n")
    return "".join(
        f'<text x="{x:.1f}" y="{y + i * size * 1.2:.1f}" text-anchor="{anchor}" '
        f'font-size="{size}" font-weight="{weight}" fill="{fill}">{escape(line)}</text>'
        for i, line in enumerate(lines)
    )  # fmt: skip


def line(
    x1: float, y1: float, x2: float, y2: float, *, stroke: str, width: float = 1, dash: str = ""
) -> str:
    """Return a straight line."""
    more = f' stroke-dasharray="{_DASH[dash]}"' if dash in _DASH else ""
    return (
        f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}" '
        f'stroke-width="{width}"{more}/>'
    )


def rect(x1: float, y1: float, x2: float, y2: float, *, fill: str) -> str:
    """Return a filled rectangle between two corners."""
    x, y, w, h = min(x1, x2), min(y1, y2), abs(x2 - x1), abs(y2 - y1)
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" fill="{fill}"/>'


def _scatter(trace: Trace, stage: Stage, position: int) -> str:
    colour = _colour(trace, stage, position)
    ys = trace.get("y") or []
    if trace.get("stackgroup"):
        return _area(trace, stage, colour)
    runs = _runs(trace.get("x") or [], ys, stage)
    parts = []
    points = [point for run in runs for point in run]
    if trace.get("fill") == "tonexty" and stage.edge and points:
        outline = points + stage.edge[::-1]
        parts.append(_polygon(outline, str(trace.get("fillcolor") or colour)))
    mode = str(trace.get("mode", "lines"))
    style = trace.get("line") or {}
    width = float(style.get("width", 1.6))
    if "lines" in mode and width > 0:
        dash = _DASH.get(str(style.get("dash") or ""))
        more = f' stroke-dasharray="{dash}"' if dash else ""
        parts += [
            f'<polyline points="{_joined(run)}" fill="none" stroke="{colour}" '
            f'stroke-width="{width * 0.8:.2f}" stroke-linejoin="round"{more}/>'
            for run in runs if len(run) > 1
        ]  # fmt: skip
    lonely = [run[0] for run in runs if len(run) == 1]
    dots = points if "markers" in mode else lonely if "lines" in mode and width > 0 else []
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.2" fill="{colour}"/>' for x, y in dots]
    parts.append(_whiskers(trace, stage, is_flat=False))
    stage.edge = points
    return "".join(parts)


def _area(trace: Trace, stage: Stage, colour: str) -> str:
    top, base = [], []
    for x, y in zip(trace.get("x") or [], trace.get("y") or [], strict=False):
        low = stage.stacks.get(x, 0.0)
        stage.stacks[x] = low + (y or 0.0)
        px, high, bottom = stage.x.at(x), stage.y.at(stage.stacks[x]), stage.y.at(low)
        if px is not None and high is not None and bottom is not None:
            top.append((px, high))
            base.append((px, bottom))
    if not top:
        return ""
    fill = str(trace.get("fillcolor") or colour)
    edge = f'<polyline points="{_joined(top)}" fill="none" stroke="{colour}" stroke-width=".8"/>'
    return _polygon(top + base[::-1], fill) + edge


def _bars(trace: Trace, stage: Stage, position: int) -> str:
    flat = trace.get("orientation") == "h"
    along, across = (stage.y, stage.x) if flat else (stage.x, stage.y)
    keys, values = (trace.get("y"), trace.get("x")) if flat else (trace.get("x"), trace.get("y"))
    keys, values = list(keys or []), list(values or [])
    offset, width = _slot(trace, stage, along, keys)
    parts = []
    for i, (key, value) in enumerate(zip(keys, values, strict=False)):
        centre = along.at(key)
        if centre is None or value is None:
            continue
        base = _base(trace, stage, key, value, i)
        low, high = across.at(base), across.at(base + value)
        if low is None or high is None:
            continue
        fill = _nth((trace.get("marker") or {}).get("color"), i) or _colour(trace, stage, position)
        a, b = centre + offset - width / 2, centre + offset + width / 2
        parts.append(rect(low, a, high, b, fill=fill) if flat else rect(a, low, b, high, fill=fill))
        words = _nth(trace.get("text"), i)
        if words and trace.get("textposition") != "none":
            parts.append(_bar_words(str(words), centre + offset, high, low, across, is_flat=flat))
    return "".join(parts) + _whiskers(trace, stage, is_flat=flat)


def _base(trace: Trace, stage: Stage, key: Any, value: float, i: int) -> float:
    given = _nth(trace.get("base"), i)
    if given is not None:
        return float(given)
    if stage.layout.get("barmode") != "stack":
        return 0.0
    slot = (str(key), value < 0)
    low = stage.stacks.get(slot, 0.0)
    stage.stacks[slot] = low + value
    return low


def _slot(trace: Trace, stage: Stage, along: Axis, keys: Sequence[Any]) -> tuple[float, float]:
    """Return how far from the centre of its place a bar stands, and its width, in pixels."""
    at = sorted({p for key in keys if (p := along.position(key)) is not None})
    gap = min((b - a for a, b in zip(at[:-1], at[1:], strict=True)), default=1.0) or 1.0
    scale = abs(along.end - along.start) / ((along.high - along.low) or 1.0)
    place = gap * scale * (1 - float(stage.layout.get("bargap", 0.25)))
    if trace.get("width") is not None:
        return 0.0, float(trace["width"]) * scale
    if stage.layout.get("barmode", "group") != "group" or stage.bars < 2:
        return 0.0, place
    number = stage.stacks.get("drawn", 0.0)
    stage.stacks["drawn"] = number + 1
    width = place / stage.bars
    return (number + 0.5) * width - place / 2, width


def _bar_words(
    words: str, centre: float, tip: float, foot: float, across: Axis, *, is_flat: bool
) -> str:
    if not is_flat:
        return text(centre, min(tip, foot) - 3, words, size=8)
    room = abs(max(across.start, across.end) - tip)
    if room > 5.2 * len(words) + 6:
        return text(max(tip, foot) + 3, centre + 3, words, anchor="start", size=8)
    return text(max(tip, foot) - 3, centre + 3, words, anchor="end", size=8, fill="#ffffff")


def _whiskers(trace: Trace, stage: Stage, *, is_flat: bool) -> str:
    error = trace.get("error_x" if is_flat else "error_y")
    if not isinstance(error, dict) or not error.get("array"):
        return ""
    parts = []
    stroke = str(error.get("color") or _INK)
    rows = zip(
        trace["x"], trace["y"], error["array"], error.get("arrayminus") or error["array"],
        strict=False,
    )  # fmt: skip
    for x, y, more, less in rows:
        value = x if is_flat else y
        if value is None or more is None or less is None:
            continue
        axis, other = (stage.x, stage.y) if is_flat else (stage.y, stage.x)
        low, high, at = axis.at(value - less), axis.at(value + more), other.at(y if is_flat else x)
        if low is None or high is None or at is None:
            continue
        ends = (low, at, high, at) if is_flat else (at, low, at, high)
        parts.append(line(*ends, stroke=stroke, width=0.9))
    return "".join(parts)


def _heat(trace: Trace, stage: Stage, _position: int) -> str:
    cells = [v for row in trace["z"] for v in row if v is not None]
    low = trace.get("zmin", min(cells, default=0.0))
    high = trace.get("zmax", max(cells, default=1.0))
    columns, rows = max(1, len(trace["x"])), max(1, len(trace["y"]))
    width = abs(stage.x.end - stage.x.start) / columns - 1
    height = abs(stage.y.end - stage.y.start) / rows - 1
    parts = []
    for r, name in enumerate(trace["y"]):
        for c, column in enumerate(trace["x"]):
            x, y, value = stage.x.at(column), stage.y.at(name), trace["z"][r][c]
            if x is None or y is None or value is None:
                continue
            fill = _ramp(trace["colorscale"], (value - low) / ((high - low) or 1.0))
            parts.append(
                rect(x - width / 2, y - height / 2, x + width / 2, y + height / 2, fill=fill)
            )
            if trace.get("text"):
                parts.append(text(x, y + 3, str(trace["text"][r][c]), size=8))
    return "".join(parts)


def _boxes(trace: Trace, stage: Stage, position: int) -> str:
    parts = []
    stroke = str((trace.get("line") or {}).get("color") or _colour(trace, stage, position))
    for i, name in enumerate(trace["y"]):
        y = stage.y.at(name)
        edges = [
            stage.x.at(trace[k][i]) for k in ("lowerfence", "q1", "median", "q3", "upperfence")
        ]
        if y is None or any(edge is None for edge in edges):
            continue
        low, q1, median, q3, high = (float(edge or 0.0) for edge in edges)
        parts.append(line(low, y, high, y, stroke=stroke))
        parts.append(rect(q1, y - 6, q3, y + 6, fill="#ffffff"))
        parts.append(rect(q1, y - 6, q3, y + 6, fill=str(trace.get("fillcolor") or "none")))
        parts.append(line(median, y - 6, median, y + 6, stroke=stroke, width=2))
    return "".join(parts)


_DRAWN: dict[str, Callable[[Trace, Stage, int], str]] = {
    "scatter": _scatter, "scattergl": _scatter, "bar": _bars, "heatmap": _heat, "box": _boxes,
}  # fmt: skip


def _runs(xs: Sequence[Any], ys: Sequence[Any], stage: Stage) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, ys, strict=False):
        px, py = stage.x.at(x), stage.y.at(y)
        if px is None or py is None:
            if runs[-1]:
                runs.append([])
        else:
            runs[-1].append((px, py))
    return [run for run in runs if run]


def _joined(points: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _polygon(points: Sequence[tuple[float, float]], fill: str) -> str:
    return f'<polygon points="{_joined(points)}" fill="{fill}"/>'


def _nth(value: Any, i: int) -> Any:
    if isinstance(value, (list, tuple)):
        return value[i] if i < len(value) else None
    return value


def _colour(trace: Trace, stage: Stage, position: int) -> str:
    return trace_colour(trace, position, stage.colours)


def trace_colour(trace: Trace, position: int, colours: dict[str, str]) -> str:
    """Return the colour of a trace: its own, or that of its place among the series."""
    own = (trace.get("line") or {}).get("color") or (trace.get("marker") or {}).get("color")
    return own if isinstance(own, str) else colours[f"series-{position % 8 + 1}"]


def _ramp(scale: Sequence[Sequence[Any]], share: float) -> str:
    share = max(0.0, min(1.0, share))
    for (a, one), (b, other) in zip(scale[:-1], scale[1:], strict=True):
        if share <= b:
            part = (share - a) / ((b - a) or 1.0)
            mixed = [
                round(int(one[k : k + 2], 16) * (1 - part) + int(other[k : k + 2], 16) * part)
                for k in (1, 3, 5)
            ]
            return "#" + "".join(f"{value:02x}" for value in mixed)
    return str(scale[-1][1])
