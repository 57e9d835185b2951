"""Figures on paper: the plain-dict Plotly figure of a page drawn as SVG, in the light theme.

The same numbers and colours as on the page, without a browser: a page's report is drawn on the
server in milliseconds. What paper cannot do (hover, zoom) is replaced by a legend under the figure
and by a list of what the marks on it were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from components.charts import Figure
from components.report_axes import Axis, as_number, make_axis
from components.report_marks import Stage, draw_trace, line, rect, text, trace_colour
from components.theme import COLOURS, resolve

_C = COLOURS["light"]
FONTS = "'AIOBS Latin','AIOBS Latin Ext','AIOBS Arabic','Noto Sans CJK SC','DejaVu Sans',sans-serif"
"""Text inside a drawing does not take its font from the document around it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a legend: colour, whether it is drawn dashed, and its words."""

    colour: str
    words: str
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure as SVG, its legend, and what the marks on it were."""

    svg: str
    legend: tuple[Entry, ...]
    marks: tuple[tuple[float, str], ...]
    """Epoch milliseconds and words."""


def draw(figure: Figure, *, width: float, height: float, label: str) -> Drawing:
    """Return the figure as SVG of a size in CSS pixels; `label` is its alternative text."""
    made = resolve(figure, "light")
    traces = [t for t in made.get("data", ()) if t.get("visible") not in (False, "legendonly")]
    layout = made.get("layout", {})
    main = [t for t in traces if not _is_mark(t, layout)]
    left, right, top, bottom = _frame(layout, main, width, height)
    x_axis = make_axis(layout.get("xaxis") or {}, _all(main, "x", layout), left, right,
                       has_base=_has_base(main, "h"))  # fmt: skip
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
             f'width="{width:.0f}" height="{height:.0f}" role="img" aria-label="{escape(label)}" '
             f'style="direction:ltr" font-family="{FONTS}">']  # fmt: skip
    axes: dict[str, Axis] = {}
    for name in ("y", "y2"):
        mine = [t for t in main if t.get("yaxis", "y") == name]
        if mine or name == "y":
            axes[name] = _y_axis(layout, name, mine, top, bottom)
            parts.append(_grid(layout, x_axis, axes[name], name, left, right))
    parts.append(_x_ticks(x_axis, layout, bottom, top))
    parts.append(_shapes(layout, x_axis, axes["y"], (left, right, top, bottom)))
    stages = {
        name: Stage(x_axis, axis, _C, layout, _beside(main, name), {}, [])
        for name, axis in axes.items()
    }
    parts += [
        draw_trace(t, stages.get(str(t.get("yaxis", "y")), stages["y"]), i)
        for i, t in enumerate(main)
    ]
    parts.append(_annotations(layout, x_axis, axes["y"], (left, right, top, bottom)))
    parts.append("</svg>")
    return Drawing("".join(parts), _legend(main), _mark_names(traces, layout))


def _is_mark(trace: dict[str, Any], layout: dict[str, Any]) -> bool:
    """Return whether a trace names deployments and incidents above the curve."""
    axis = layout.get("yaxis2") or {}
    return trace.get("yaxis") == "y2" and axis.get("visible") is False


def _all(traces: Sequence[dict[str, Any]], axis: str, layout: dict[str, Any]) -> list[Any]:
    """Return every value on an axis, with bases, whiskers and the height of stacks."""
    values: list[Any] = []
    sums: dict[Any, float] = {}
    for trace in traces:
        own = trace.get(axis)
        if trace.get("type") == "box" and axis == "x":
            own = [*trace["lowerfence"], *trace["upperfence"]]
        own = list(own) if own is not None else []
        flat = trace.get("orientation") == "h"
        is_value = (axis == "x") == flat
        error = trace.get(f"error_{axis}") or {}
        for sign, edges in ((1, error.get("array")), (-1, error.get("arrayminus"))):
            pairs = zip(own, edges or (), strict=False)
            values += [v + sign * e for v, e in pairs if v is not None and e is not None]
        stacked = trace.get("stackgroup") or (
            trace.get("type") == "bar" and layout.get("barmode") == "stack"
        )
        if stacked and is_value:
            keys = trace.get("y" if flat else "x") or []
            for key, value in zip(keys, own, strict=False):
                slot = (str(key), (value or 0) < 0)
                sums[slot] = sums.get(slot, 0.0) + (value or 0.0)
            continue
        values += own
    return values + list(sums.values())


def _has_base(traces: Sequence[dict[str, Any]], orientation: str) -> bool:
    return any(
        trace.get("stackgroup") and orientation == "v"
        or trace.get("type") == "bar" and (trace.get("orientation") or "v") == orientation
        for trace in traces
    )  # fmt: skip


def _frame(
    layout: dict[str, Any], traces: Sequence[dict[str, Any]], width: float, height: float
) -> tuple[float, float, float, float]:
    """Return left, right, top and bottom of the plot: room for the longest words at the axes."""
    names = [str(v) for v in _all(traces, "y", layout) if isinstance(v, str)]
    names += [str(v) for v in (layout.get("yaxis") or {}).get("ticktext") or ()]
    left = min(width * 0.4, 12 + 5.4 * max(map(_length, names), default=6))
    bottom = 34 if ((layout.get("xaxis") or {}).get("title") or {}).get("text") else 26
    return left, width - 12, 18, height - bottom


def _length(words: str) -> float:
    """Return about how many Latin letters wide a text is; an ideograph is two."""
    return sum(1.8 if ord(letter) > 0x2E7F else 1.0 for letter in words)


def _y_axis(
    layout: dict[str, Any], name: str, traces: Sequence[dict[str, Any]], top: float, bottom: float
) -> Axis:
    given = layout.get("yaxis" if name == "y" else "yaxis2") or {}
    low, high = given.get("domain") or (0.0, 1.0)
    start, end = bottom - low * (bottom - top), bottom - high * (bottom - top)
    values = _all(traces, "y", layout)
    if name == "y":  # thresholds are part of what the figure says
        values += [s["y0"] for s in layout.get("shapes", ())
                   if s.get("xref") == "paper" and s.get("yref", "y") == "y"]  # fmt: skip
    return make_axis(given, values, start, end, has_base=_has_base(traces, "v"))


def _grid(layout: dict[str, Any], x: Axis, y: Axis, name: str, left: float, right: float) -> str:
    given = layout.get("yaxis" if name == "y" else "yaxis2") or {}
    parts = []
    for value, words in y.ticks if given.get("visible", True) else ():
        at = y.at(y.categories[int(value)]) if y.kind == "category" else y.at(value)
        if at is None:
            continue
        if given.get("showgrid", True) and y.kind != "category":
            parts.append(line(left, at, right, at, stroke=_C["grid"]))
        parts.append(text(left - 5, at + 3, _clipped(words, 30), anchor="end", fill=_C["text-2"]))
    if (layout.get("xaxis") or {}).get("showgrid"):
        ends = y.start, y.end
        parts += [
            line(at, ends[0], at, ends[1], stroke=_C["grid"])
            for value, _ in x.ticks if (at := x.at(value)) is not None
        ]  # fmt: skip
    return "".join(parts)


def _x_ticks(x: Axis, layout: dict[str, Any], bottom: float, top: float) -> str:
    given = layout.get("xaxis") or {}
    parts = [line(x.start, bottom, x.end, bottom, stroke=_C["axis"], width=0.8)]
    room = abs(x.end - x.start) / max(1, len(x.ticks))
    longest = max((_length(words) for _, words in x.ticks), default=1)
    every = max(1, round(4.9 * min(longest, 16) / room + 0.49)) if x.kind != "date" else 1
    for i, (value, words) in enumerate(x.ticks):
        at = x.at(x.categories[int(value)]) if x.kind == "category" else x.at(value)
        if at is None or i % every or not x.start - 1 <= at <= x.end + 1:
            continue
        parts.append(text(at, bottom + 11, _clipped(words, 16), size=8.5, fill=_C["text-2"]))
    title = (given.get("title") or {}).get("text")
    if title:
        parts.append(text((x.start + x.end) / 2, bottom + 31, title, size=8.5, fill=_C["text-2"]))
    return "".join(parts)


Box = tuple[float, float, float, float]  # left, right, top, bottom


def _shapes(layout: dict[str, Any], x: Axis, y: Axis, box: Box) -> str:
    parts = []
    for shape in layout.get("shapes", ()):
        ends = [
            _placed(shape.get(key), shape.get(f"{key[0]}ref"), axis, box)
            for key, axis in (("x0", x), ("y0", y), ("x1", x), ("y1", y))
        ]
        if any(end is None for end in ends):
            continue
        x0, y0, x1, y1 = (float(end or 0.0) for end in ends)
        if max(x0, x1) < box[0] - 1 or min(x0, x1) > box[1] + 1:
            continue
        x0, x1 = (min(box[1], max(box[0], at)) for at in (x0, x1))
        stroke = shape.get("line") or {}
        if shape.get("type") == "rect":
            parts.append(rect(x0, y0, x1, y1, fill=str(shape.get("fillcolor") or "none")))
        else:
            colour = str(stroke.get("color") or _C["axis"])
            dash = str(stroke.get("dash") or "")
            parts.append(line(x0, y0, x1, y1, stroke=colour, width=0.9, dash=dash))
    return "".join(parts)


def _placed(value: Any, ref: str | None, axis: Axis, box: Box) -> float | None:
    if ref != "paper":
        return axis.at(value)
    share = as_number(value)
    if share is None:
        return None
    low, high = (box[0], box[1]) if axis.start < axis.end else (box[3], box[2])
    return low + share * (high - low)


def _annotations(layout: dict[str, Any], x: Axis, y: Axis, box: Box) -> str:
    parts = []
    for note in layout.get("annotations", ()):
        if note.get("xref") == "paper" and note.get("xanchor") == "left" and note.get("x") == 1:
            continue  # names at the ends of lines: the legend has them
        words = str(note.get("text") or "")
        colour = str((note.get("font") or {}).get("color") or _C["text-2"])
        if note.get("yref") == "paper" and note.get("y") == 1 and note.get("xref") == "paper":
            parts.append(text(box[0], box[2] - 7, words, anchor="start", size=8.5, fill=colour))
            continue
        at_x = _placed(note.get("x"), note.get("xref"), x, box)
        at_y = _placed(note.get("y"), note.get("yref"), y, box)
        if at_x is None or at_y is None:
            continue
        anchor = {"right": "end", "left": "start"}.get(str(note.get("xanchor")), "middle")
        parts.append(text(at_x, at_y - 3, words, anchor=anchor, size=8.5, fill=colour))
    return "".join(parts)


def _beside(traces: Sequence[dict[str, Any]], axis: str) -> int:
    return sum(t.get("type") == "bar" and t.get("yaxis", "y") == axis for t in traces)


def _legend(traces: Sequence[dict[str, Any]]) -> tuple[Entry, ...]:
    entries = [
        Entry(
            trace_colour(trace, i, _C), str(trace["name"]),
            str((trace.get("line") or {}).get("dash") or ""),
        )
        for i, trace in enumerate(traces)
        if trace.get("name") and not trace.get("meta") and trace.get("showlegend") is not False
    ]  # fmt: skip
    return tuple(entries) if len(entries) > 1 else ()


def _mark_names(
    traces: Sequence[dict[str, Any]], layout: dict[str, Any]
) -> tuple[tuple[float, str], ...]:
    return tuple(
        (as_number(at) or 0.0, f"{trace.get('name', '')}: {words}")
        for trace in traces if _is_mark(trace, layout)
        for at, words in zip(trace["x"], trace.get("text") or (), strict=False)
    )  # fmt: skip


def _clipped(words: str, most: int) -> str:
    first, _, rest = words.partition("\n")
    cut = first if _length(first) <= most else first[: max(1, most - 1)] + "…"
    return f"{cut}\n{rest}" if rest else cut
