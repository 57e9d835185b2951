"""Heat maps: one colour ramp, or two from a neutral middle; values stand in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.charts import frame
from components.charts.frame import Figure
from components.theme import token
from i18n import number, percent

_MAX_LABELLED_CELLS = 160


def heat_map(
    rows: Sequence[str],
    columns: Sequence[str],
    values: Sequence[Sequence[float | None]],
    *,
    unit: str = "",
    diverging: bool = False,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Return a matrix of values; `diverging` centres the colours on zero (correlations)."""
    steps = (
        [[0, token("cold")], [0.5, token("neutral")], [1, token("warm")]]
        if diverging
        else [[0, token("heat-low")], [1, token("heat-high")]]
    )
    trace: dict[str, Any] = {
        "type": "heatmap", "x": list(columns), "y": list(rows),
        "z": [frame.rounded([float("nan") if v is None else v for v in row]) for row in values],
        "colorscale": steps, "xgap": 2, "ygap": 2, "hoverongaps": False,
        "hovertemplate": "%{y} · %{x}: " + frame.hover_value(unit, "z") + "<extra></extra>",
        "colorbar": {
            "thickness": 8, "outlinewidth": 0, "tickfont": {"size": 10, "color": token("text-2")},
            "tickformat": frame.tick_format(unit),
        },
    }  # fmt: skip
    if limits or diverging:
        flat = [abs(v) for row in values for v in row if v is not None]
        top = max(flat, default=1.0) or 1.0
        trace["zmin"], trace["zmax"] = limits or (-top, top)
    if len(rows) * len(columns) <= _MAX_LABELLED_CELLS:
        whole = all(v is None or float(v).is_integer() for row in values for v in row)
        trace["text"] = [[_cell(v, unit, 0 if whole else 2) for v in row] for row in values]
        trace["texttemplate"] = "%{text}"
        trace["textfont"] = {"size": 11}
    made = frame.layout()
    made["xaxis"] = {"type": "category", "showline": False, "side": "bottom"}
    made["yaxis"] = {"type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": [trace], "layout": made}


def _cell(value: float | None, unit: str, decimals: int) -> str:
    if value is None:
        return ""
    if unit == "share":
        return percent(value, decimals=0)
    return number(value, decimals=decimals) if abs(value) < 10 else number(value, compact=True)


@dataclass(frozen=True, slots=True)
class Relation:
    """One cell: its value, whether it stands out, what it says on hover, what a click hands on."""

    value: float | None
    is_strong: bool
    note: str
    key: str = ""


def relation_map(names: Sequence[str], rows: Sequence[Sequence[Relation]]) -> Figure:
    """Return relations of each with each, -1 to 1: only strong ones in full colour and in numbers.

    Rows carry the names with a number, columns the number alone: long names fit any screen.
    """
    shared: dict[str, Any] = {
        "type": "heatmap", "x": [str(i) for i in range(1, len(names) + 1)],
        "y": [f"{_short(name)} · {i}" for i, name in enumerate(names, 1)],
        "colorscale": [[0, token("cold")], [0.5, token("neutral")], [1, token("warm")]],
        "zmin": -1, "zmax": 1, "xgap": 2, "ygap": 2, "hoverongaps": False,
        "hovertext": [[cell.note for cell in row] for row in rows],
        "customdata": [[cell.key for cell in row] for row in rows],
        "hovertemplate": "%{hovertext}<extra></extra>",
    }  # fmt: skip
    made = frame.layout()
    made["xaxis"] = {"type": "category", "showline": False, "side": "top", "fixedrange": True}
    made["yaxis"] = {
        "type": "category", "autorange": "reversed", "showgrid": False, "fixedrange": True,
    }  # fmt: skip
    bar = {"thickness": 8, "outlinewidth": 0, "tickfont": {"size": 10, "color": token("text-2")}}
    strong = shared | {
        "z": [[_rounded(cell) if cell.is_strong else None for cell in row] for row in rows],
        "text": [
            [number(cell.value, decimals=2) if cell.is_strong and cell.key else "" for cell in row]
            for row in rows
        ],
        "texttemplate": "%{text}",  # of its own size: what does not fit a cell is not written
        "colorbar": bar,
    }
    faint = [[_rounded(cell) for cell in row] for row in rows]
    return {
        "data": [shared | {"z": faint, "opacity": 0.3, "showscale": False}, strong],
        "layout": made,
    }


def _rounded(cell: Relation) -> float | None:
    return None if cell.value is None else round(cell.value, 3)


def _short(name: str, most: int = 30) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
