"""Distributions: reference beside current, calibration, spreads by group."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from components.charts import frame
from components.charts.frame import Figure
from components.theme import SYMBOLS, series, token
from i18n import number, t
from i18n.axes import SHARE


def histogram_pair(
    labels: Sequence[str] | Sequence[float],
    reference: Sequence[float],
    current: Sequence[float],
    *,
    unit: str = "",
) -> Figure:
    """Return two distributions as shares, side by side.

    `labels` are category names, or the edges of the bins (one more than there are shares).
    """
    numeric = len(labels) == len(reference) + 1
    names = _bin_names(labels) if numeric else [str(v) for v in labels]
    common = {"type": "bar", "x": list(range(len(names))), "customdata": names}
    hover = "%{customdata}: " + frame.hover_value("share")
    data = [
        common | {
            "name": t("chart.reference"), "y": frame.rounded(reference), "hovertemplate": hover,
            "marker": {
                "color": token("series-8", 0.35), "line": {"color": token("series-8"), "width": 1},
            },
        },
        common | {
            "name": t("chart.current"), "y": frame.rounded(current), "hovertemplate": hover,
            "marker": {"color": token("series-1")},
        },
    ]  # fmt: skip
    made = frame.layout(legend=True, barmode="group", hovermode="x unified", bargap=0.15)
    made["xaxis"] = {
        "showline": True, "title": {"text": unit}, "zeroline": False,
        "range": [-0.6, len(names) - 0.4], "unifiedhovertitle": {"text": ""},
        **(_edge_ticks(labels) if numeric else {"tickvals": common["x"], "ticktext": names}),
    }  # fmt: skip
    made["yaxis"] = frame.value_axis("share", zero=True)
    return {"data": data, "layout": made}


def _edge_ticks(edges: Sequence[Any], most: int = 7) -> dict[str, Any]:
    """Return ticks on cell borders, few enough to be read."""
    step = max(1, -(-len(edges) // most))
    at = list(range(0, len(edges), step))
    return {
        "tickvals": [i - 0.5 for i in at],
        "ticktext": [number(edges[i]) for i in at],
        "tickangle": 0,
        "ticks": "outside",
    }


def reliability_diagram(
    predicted: Sequence[float],
    observed: Sequence[float],
    counts: Sequence[int],
    *,
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
) -> Figure:
    """Return observed frequency against predicted probability, with the counts under it."""
    points: dict[str, Any] = {
        "type": "scatter", "mode": "lines+markers", "name": t("chart.observed"),
        "x": frame.rounded(predicted), "y": frame.rounded(observed),
        "customdata": [number(c) for c in counts],
        "marker": {"size": 8, "color": token("series-1")},
        "line": {"color": token("series-1"), "width": 1.5},
        "hovertemplate": (
            f"%{{x:{SHARE}}} → %{{y:{SHARE}}}<br>n = %{{customdata}}<extra></extra>"
        ),
    }  # fmt: skip
    if low is not None and high is not None:
        points["error_y"] = {
            "type": "data", "symmetric": False, "thickness": 1.2, "width": 3,
            "color": token("series-1"),
            "array": frame.rounded([h - o for h, o in zip(high, observed, strict=True)]),
            "arrayminus": frame.rounded([o - lo for lo, o in zip(low, observed, strict=True)]),
        }  # fmt: skip
    diagonal = {
        "type": "scatter", "mode": "lines", "name": t("chart.perfect"), "x": [0, 1], "y": [0, 1],
        "line": {"color": token("text-3"), "width": 1.2, "dash": "dash"}, "hoverinfo": "skip",
    }  # fmt: skip
    volume = {
        "type": "bar", "x": frame.rounded(predicted), "y": list(counts), "yaxis": "y2",
        "marker": {"color": token("series-8", 0.6)}, "name": t("chart.count"),
        "hovertemplate": "n = %{y:,}<extra></extra>", "showlegend": False, "width": 0.06,
    }  # fmt: skip
    made = frame.layout(legend=True)
    made["xaxis"] = frame.value_axis("share", range=[0, 1], title={"text": t("chart.predicted")})
    made["xaxis"]["anchor"] = "y2"
    made["yaxis"] = frame.value_axis("share", range=[0, 1.02], domain=[0.28, 1], zeroline=False)
    made["yaxis2"] = frame.value_axis("requests", zero=True, domain=[0, 0.2], nticks=3)
    return {"data": [diagonal, points, volume], "layout": made}


def boxes(
    labels: Sequence[str],
    quantiles: Sequence[tuple[float, float, float, float, float]],
    *,
    unit: str = "",
) -> Figure:
    """Return one box per label from its 5th, 25th, 50th, 75th and 95th percentile."""
    low, q1, median, q3, high = zip(*quantiles, strict=True) if quantiles else ((),) * 5
    trace = {
        "type": "box", "orientation": "h", "y": list(labels), "name": "",
        "lowerfence": frame.rounded(low), "q1": frame.rounded(q1),
        "median": frame.rounded(median), "q3": frame.rounded(q3), "upperfence": frame.rounded(high),
        "fillcolor": token("series-1", 0.2), "line": {"color": token("series-1"), "width": 1.4},
        "hoverinfo": "x",
    }  # fmt: skip
    made = frame.layout()
    made["xaxis"] = frame.value_axis(unit, showgrid=True, title={"text": _unit_title(unit)})
    made["yaxis"] = {"type": "category", "autorange": "reversed", "showgrid": False}
    return {"data": [trace], "layout": made}


def strip(groups: Sequence[tuple[str, Sequence[float]]], *, unit: str = "") -> Figure:
    """Return every value as a dot, one row per group: honest for small samples."""
    data = [
        {
            "type": "scatter", "mode": "markers", "name": name, "x": frame.rounded(values),
            # A fixed spread keeps equal data equal on screen; it carries no meaning.
            "y": [row + ((i * 0.618) % 1 - 0.5) * 0.5 for i in range(len(values))],
            "marker": {
                "size": 6, "opacity": 0.65, "color": token(series(row)), "symbol": SYMBOLS[row % 8],
            },
            "hovertemplate": f"{name}: " + frame.hover_value(unit, "x") + "<extra></extra>",
        }
        for row, (name, values) in enumerate(groups)
    ]  # fmt: skip
    made = frame.layout()
    made["xaxis"] = frame.value_axis(unit, showgrid=True, title={"text": _unit_title(unit)})
    made["yaxis"] = {
        "tickvals": list(range(len(groups))), "ticktext": [name for name, _ in groups],
        "range": [len(groups) - 0.4, -0.6], "showgrid": False, "zeroline": False,
    }  # fmt: skip
    return {"data": data, "layout": made}


def _unit_title(unit: str) -> str:
    return "" if unit == "share" else unit


def _bin_names(edges: Sequence[Any]) -> list[str]:
    return [f"{number(a)} – {number(b)}" for a, b in zip(edges[:-1], edges[1:], strict=True)]
