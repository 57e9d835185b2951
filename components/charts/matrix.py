"""Heat maps: one colour ramp, or two from a neutral middle; values stand in the cells."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import frame
from components.charts.frame import Figure
from components.theme import token
from i18n import number

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
        trace["text"] = [[_cell(v, unit) for v in row] for row in values]
        trace["texttemplate"] = "%{text}"
        trace["textfont"] = {"size": 11}
    made = frame.layout()
    made["xaxis"] = {"type": "category", "showline": False, "side": "bottom"}
    made["yaxis"] = {"type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": [trace], "layout": made}


def _cell(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "share":
        return f"{value:.0%}"
    return number(value, decimals=2) if abs(value) < 10 else number(value, compact=True)
