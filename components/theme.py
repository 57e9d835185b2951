"""Every colour, size and chart template: one source for the style sheet, the browser and reports.

Series colours follow Okabe and Ito (2008), darkened on white and lightened on black until each
has a contrast of at least 3:1 on its panel; status colours have 4.5:1, and never stand without
icon and word. Figures name colours by token (`token:series-1`, `token:bad/0.15`); the browser, or
`resolve` in a report, puts in the colour of the theme, so one computed figure serves both.

`python -m components.theme` writes `assets/theme.css` and `assets/theme.js`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

Mode = Literal["light", "dark"]
Status = Literal["good", "warn", "bad", "none"]

MODES: tuple[Mode, ...] = ("light", "dark")
FONT = "'Inter Variable', 'Noto Sans Arabic', system-ui, -apple-system, 'Segoe UI', 'Noto Sans CJK SC', sans-serif"  # noqa: E501

COLOURS: dict[Mode, dict[str, str]] = {
    "light": {
        "page": "#f4f6f8", "panel": "#ffffff", "raised": "#ffffff", "sunken": "#eef1f4",
        "line": "#dde2e8", "line-strong": "#7d8896", "text": "#17202a", "text-2": "#4d5966",
        "text-3": "#5f6b78", "accent": "#0067b1", "accent-text": "#ffffff",
        "accent-soft": "#e4f0fa",
        "good": "#007255", "good-soft": "#e0f3ec", "warn": "#8f5500", "warn-soft": "#fcf0da",
        "bad": "#b3261e", "bad-soft": "#fce8e6", "none": "#55606e", "none-soft": "#eceff2",
        "series-1": "#0072b2", "series-2": "#d55e00", "series-3": "#008f68", "series-4": "#b4558c",
        "series-5": "#b27a00", "series-6": "#2d8fcb", "series-7": "#7a6bc0", "series-8": "#5c6773",
        "grid": "#e9edf1", "axis": "#8a95a3", "heat-low": "#eef4fa", "heat-high": "#00457c",
        "cold": "#b35806", "neutral": "#f5f5f5", "warm": "#3f6fb5",
    },
    "dark": {
        "page": "#0c1015", "panel": "#141a21", "raised": "#1b232c", "sunken": "#0f141a",
        "line": "#27313c", "line-strong": "#66727f", "text": "#e6ebf0", "text-2": "#a9b4c0",
        "text-3": "#94a0ad", "accent": "#5cb3ee", "accent-text": "#06131e",
        "accent-soft": "#132a3d",
        "good": "#4fd0a5", "good-soft": "#10312a", "warn": "#f2b84b", "warn-soft": "#352812",
        "bad": "#ff8d84", "bad-soft": "#3b1c1b", "none": "#a0acb8", "none-soft": "#222b34",
        "series-1": "#56b4e9", "series-2": "#f58b4b", "series-3": "#35c79a", "series-4": "#e295c1",
        "series-5": "#f0b73e", "series-6": "#8fd0f5", "series-7": "#b3a6f0", "series-8": "#a4b0bc",
        "grid": "#212a33", "axis": "#66727f", "heat-low": "#17222d", "heat-high": "#7cc8ff",
        "cold": "#f0a35e", "neutral": "#1d252e", "warm": "#79aef2",
    },
}  # fmt: skip
"""Token -> colour, per mode; `*-soft` are backgrounds under text of the same name."""

SERIES = tuple(f"series-{i}" for i in range(1, 9))
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "solid", "dash")
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon")

STATUS_ICON: dict[Status, str] = {
    "good": "check-circle-fill",
    "warn": "exclamation-triangle-fill",
    "bad": "x-octagon-fill",
    "none": "dash-circle",
}


def token(name: str, alpha: float = 1.0) -> str:
    """Return the reference that stands for a colour inside a figure."""
    if name not in COLOURS["light"]:
        raise KeyError(f"no colour token {name!r} in components/theme.py")
    return f"token:{name}" if alpha >= 1 else f"token:{name}/{alpha:g}"


def series(index: int) -> str:
    """Return the token of the n-th series, counted from 0, round and round."""
    return SERIES[index % len(SERIES)]


def colour(reference: str, mode: Mode) -> str:
    """Return the CSS colour of a token reference in one mode."""
    name, _, alpha = reference.removeprefix("token:").partition("/")
    value = COLOURS[mode][name]
    if not alpha:
        return value
    red, green, blue = (int(value[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha})"


def resolve(figure: Any, mode: Mode) -> Any:
    """Return a figure with its tokens replaced by colours; the input stays as it is."""
    if isinstance(figure, str):
        return colour(figure, mode) if figure.startswith("token:") else figure
    if isinstance(figure, dict):
        return {key: resolve(value, mode) for key, value in figure.items()}
    if isinstance(figure, (list, tuple)):
        if figure and isinstance(figure[-1], (int, float)):
            return figure
        return [resolve(value, mode) for value in figure]
    return figure


def contrast(one: str, other: str) -> float:
    """Return the WCAG 2 contrast ratio of two hex colours, 1 to 21."""

    def luminance(value: str) -> float:
        parts = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts
        )
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def template(mode: Mode) -> dict[str, Any]:
    """Return the Plotly template of one mode."""
    c = COLOURS[mode]
    axis = {
        "gridcolor": c["grid"], "linecolor": c["axis"], "tickcolor": c["axis"],
        "zerolinecolor": c["line-strong"], "zerolinewidth": 1, "ticks": "", "automargin": True,
        "tickfont": {"size": 11, "color": c["text-2"]},
        "title": {"font": {"size": 11, "color": c["text-2"]}, "standoff": 6},
    }  # fmt: skip
    return {
        "layout": {
            "paper_bgcolor": "rgba(0,0,0,0)", "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"family": FONT, "size": 12, "color": c["text"]},
            "colorway": [c[name] for name in SERIES],
            "xaxis": axis | {"showgrid": False, "showline": True}, "yaxis": axis,
            "hoverlabel": {
                "bgcolor": c["raised"], "bordercolor": c["line-strong"],
                "font": {"family": FONT, "size": 12, "color": c["text"]}, "align": "left",
            },
            "modebar": {
                "bgcolor": "rgba(0,0,0,0)", "color": c["text-3"], "activecolor": c["accent"],
            },
            "legend": {"font": {"size": 11, "color": c["text-2"]}, "bgcolor": "rgba(0,0,0,0)"},
            "annotationdefaults": {"font": {"size": 11, "color": c["text-2"]}, "showarrow": False},
        },
        "data": {
            "bar": [{"marker": {"line": {"width": 0}}}],
            "heatmap": [{"colorbar": {"outlinewidth": 0, "thickness": 10}}],
        },
    }  # fmt: skip


def css() -> str:
    """Return the style sheet of both modes: our variables, Bootstrap's and Dash's mapped."""
    blocks = ["/* Written by `python -m components.theme`; edit that file. */"]
    for mode in MODES:
        c = COLOURS[mode]
        lines = [f"  --c-{name}: {value};" for name, value in c.items()]
        lines += [f"  {name}: var(--c-{source});" for name, source in _MAPPED.items()]
        lines += [f"  {name}-rgb: {_rgb(c[source])};" for name, source in _MAPPED_RGB.items()]
        lines.append(f"  color-scheme: {mode};")
        blocks.append(f"[data-bs-theme={mode}] {{\n" + "\n".join(lines) + "\n}")
    return "\n".join(blocks) + "\n"


def _rgb(value: str) -> str:
    """Return a colour as the three numbers that Bootstrap mixes with an opacity."""
    return ", ".join(str(int(value[i : i + 2], 16)) for i in (1, 3, 5))


_MAPPED_RGB = {
    "--bs-body-color": "text", "--bs-body-bg": "page", "--bs-link-color": "accent",
    "--bs-link-hover-color": "accent", "--bs-primary": "accent",
}  # fmt: skip
_MAPPED = {
    "--bs-body-bg": "page", "--bs-body-color": "text", "--bs-border-color": "line",
    "--bs-secondary-color": "text-2", "--bs-tertiary-bg": "sunken", "--bs-link-color": "accent",
    "--bs-link-hover-color": "accent", "--bs-primary": "accent", "--bs-heading-color": "text",
    "--Dash-Text-Primary": "text", "--Dash-Text-Strong": "text", "--Dash-Text-Weak": "text-2",
    "--Dash-Stroke-Strong": "line-strong", "--Dash-Stroke-Weak": "line",
    "--Dash-Fill-Interactive-Strong": "accent", "--Dash-Fill-Inverse-Strong": "panel",
    "--ag-background-color": "panel", "--ag-foreground-color": "text",
    "--ag-border-color": "line", "--ag-header-background-color": "panel",
    "--ag-odd-row-background-color": "panel", "--ag-accent-color": "accent",
    "--ag-header-text-color": "text-2", "--ag-chrome-background-color": "panel",
}  # fmt: skip


def script() -> str:
    """Return the script that hands tokens and templates to `assets/plots.js`."""
    known = {mode: {"colours": COLOURS[mode], "template": template(mode)} for mode in MODES}
    return (
        "// Written by `python -m components.theme`; edit that file.\n"
        f"window.aiobsTheme = {json.dumps(known, separators=(',', ':'), sort_keys=True)};\n"
    )


if __name__ == "__main__":
    folder = Path(__file__).parents[1] / "assets"
    (folder / "theme.css").write_text(css(), "utf-8")
    (folder / "theme.js").write_text(script(), "utf-8")
