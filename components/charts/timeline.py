"""What happened when, one row a subject: runs as thick strokes, marks as lines through all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from components.charts import frame
from components.charts.frame import Figure
from components.charts.lines import Mark, add_marks, time_axis
from components.theme import Status, token

ROW_PX = 30


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of time in a row, with what a reader should know of it."""

    row: int
    start_ms: float
    end_ms: float
    text: str
    status: Status = "warn"


def timeline(
    rows: Sequence[str],
    runs: Sequence[Run],
    *,
    window_ms: tuple[float, float],
    marks: Sequence[Mark] = (),
) -> Figure:
    """Return rows of runs over time, the first row on top."""
    least = (window_ms[1] - window_ms[0]) / 200  # a shorter stroke could not be seen
    data: list[dict[str, Any]] = [
        {
            "type": "scatter", "mode": "lines", "showlegend": False, "name": rows[run.row],
            "x": [int(run.start_ms), int(max(run.end_ms, run.start_ms + least))],
            "y": [run.row, run.row], "text": [run.text] * 2,
            "hovertemplate": "%{text}<extra>%{fullData.name}</extra>",
            "line": {"width": 11, "color": token(run.status)},
        }
        for run in runs
    ]  # fmt: skip
    made = frame.layout()
    made["xaxis"] = time_axis(window_ms)
    made["yaxis"] = {
        "tickvals": list(range(len(rows))), "ticktext": list(rows), "zeroline": False,
        "range": [len(rows) - 0.5, -0.9], "showgrid": True, "fixedrange": True,
    }  # fmt: skip
    data += add_marks(made, marks)
    return {"data": data, "layout": made}


def height(rows: int) -> int:
    """Return the height in pixels that so many rows need."""
    return 70 + ROW_PX * rows
