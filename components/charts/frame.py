"""What all charts share: layout, the axis of a unit, rounding, the component on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from dash import dcc, html

from components.attributes import attrs
from components.theme import token
from i18n import LANGUAGES, current, date_time, isolated, t
from i18n.axes import SHARE, SHARE_EXACT

Figure = dict[str, Any]  # a Plotly figure is JSON: keys and values are whatever plotly.js reads

HEIGHT_PX = 240
_TOLD_MARKS = 12
_REMOVED = [
    "sendChartToCloud", "select2d", "lasso2d", "autoScale2d", "zoomIn2d", "zoomOut2d",
    "hoverClosestCartesian", "hoverCompareCartesian", "toggleSpikelines", "toImage", "pan2d",
]  # fmt: skip


def graph(
    graph_id: str | dict[str, str],
    figure: Figure,
    *,
    label: str,
    height: int = HEIGHT_PX,
    choices: Mapping[str, str] | None = None,
) -> html.Figure:
    """Return the figure on the page; `label` says in one sentence what a reader would see.

    `choices` says what a click on a mark does: the name of a line, or a category as it stands on
    the axis, and the address it leads to. `?model=x` filters this page and once more takes the
    filter away; another page opens. `assets/choose.js` lists them for the keyboard too.
    """
    if choices is not None:
        _offer(figure, choices)
    return html.Figure(
        [
            dcc.Graph(
                id=graph_id,
                figure=figure,
                config=config(),
                responsive=True,
                style={"height": f"{height}px"},
                className="chart",
            ),
            html.Figcaption(_told(label, figure), className="visually-hidden"),
            None
            if choices is None
            else html.Ul(className="chart-choices", **attrs(aria_label=t("chart.choices"))),
        ],
        className="chart-frame",
        dir="ltr",
    )


def _offer(figure: Figure, choices: Mapping[str, str]) -> None:
    figure["layout"]["meta"] = {"choices": dict(choices)}
    for note in figure["layout"]["annotations"]:
        if note["text"] in choices:  # the name at the end of a line
            note["captureevents"] = True
    filters = all(address.startswith("?") for address in choices.values())
    hint = f"<br><i>{t('chart.click_filters' if filters else 'chart.click_opens')}</i>"
    for trace in figure["data"]:
        if trace["type"] in ("bar", "heatmap") and "stack" != figure["layout"].get("barmode"):
            shown, extra, rest = trace["hovertemplate"].partition("<extra>")
            trace["hovertemplate"] = shown + hint + extra + rest


def _told(label: str, figure: Figure) -> str:
    """Return what a reader would see, with the newest marks in words."""
    seen = [
        (at, f"{trace['name']}: {isolated(text)}, {date_time(at)}")
        for trace in figure["data"]
        if trace.get("yaxis") == "y2" and trace.get("mode") == "markers"  # lines.add_marks
        for at, text in zip(trace["x"], trace["text"], strict=True)
    ]
    newest = sorted(seen, reverse=True)[:_TOLD_MARKS]
    return "\n".join([label, *(words for _, words in newest)])


def config() -> Any:  # dcc.Graph.Config, which is not exported
    """Return the Plotly settings: no logo, nothing that sends a chart elsewhere, our language."""
    return {
        "displaylogo": False,
        "modeBarButtonsToRemove": _REMOVED,
        "displayModeBar": "hover",
        "locale": LANGUAGES[current()].plotly,
        "showTips": False,
        "doubleClick": "reset",
    }


def layout(*, unit: str = "", legend: bool = False, **more: Any) -> dict[str, Any]:
    """Return a layout with tight margins, the unit above the axis, the legend right of it."""
    made: dict[str, Any] = {
        "margin": {"l": 6, "r": 10, "t": 26 if unit or legend else 10, "b": 6},
        "showlegend": legend,
        "uirevision": "keep",
        "hovermode": "closest",
        "dragmode": "zoom",
        "bargap": 0.25,
        "annotations": [],
        "shapes": [],
    }
    if legend:
        made["legend"] = {
            "orientation": "h", "x": 1, "xanchor": "right", "y": 1.0, "yanchor": "bottom",
            "yref": "paper", "itemwidth": 30,
        }  # fmt: skip
    if unit and unit not in ("share",):
        made["annotations"] = [
            {
                "text": unit, "xref": "paper", "yref": "paper", "x": 0, "y": 1, "xanchor": "left",
                "yanchor": "bottom", "yshift": 6, "font": {"color": token("text-2"), "size": 11},
            }
        ]  # fmt: skip
    return made | more


def value_axis(unit: str = "", *, zero: bool = False, **more: Any) -> dict[str, Any]:
    """Return the axis of a measured value; `zero` starts it at zero."""
    axis: dict[str, Any] = {"tickformat": tick_format(unit), "nticks": 6}
    if zero:
        axis["rangemode"] = "tozero"
    return axis | more


def tick_format(unit: str) -> str:
    """Return the d3 number format of a unit."""
    if unit == "share":
        return SHARE
    return ",.3~s" if unit in ("bytes", "tokens", "requests") else ",.4~r"


def hover_value(unit: str, axis: str = "y") -> str:
    """Return the hover template of a value with its unit."""
    if unit == "share":
        return f"%{{{axis}:{SHARE_EXACT}}}"
    return f"%{{{axis}:,.4~r}}" + (f" {unit}" if unit else "")


def rounded(values: Sequence[float] | np.ndarray[Any, Any], digits: int = 5) -> list[float | None]:
    """Return a list with `digits` significant digits of the largest; not-a-number is None."""
    array = np.asarray(values, dtype=float)
    finite = np.isfinite(array)
    if not finite.any():
        return [None] * len(array)
    largest = float(np.abs(array[finite]).max())
    places = digits if largest == 0 else max(0, digits - 1 - int(np.floor(np.log10(largest))))
    array = np.round(array, min(places, 12))
    if places == 0:
        return [int(v) if ok else None for v, ok in zip(array.tolist(), finite, strict=True)]
    return [v if ok else None for v, ok in zip(array.tolist(), finite, strict=True)]
