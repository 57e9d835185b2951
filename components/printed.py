"""A page on paper: the component tree of a page and its current view become static HTML.

What a reader can press, type or scroll is left out; grids become tables, charts become drawings
with a legend, definitions and the numbers behind charts are collected for the end of the report.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import escape
from pathlib import Path
from typing import Any

from components.attributes import kebab
from components.report_figures import Drawing, Entry, draw
from components.tables import WRITTEN
from i18n import number, t

Node = Any  # a Dash component as JSON: text, number, list, or {"type", "namespace", "props"}

ASSETS = Path(__file__).parents[1] / "assets"
_VOID = {"br", "hr", "img", "wbr"}
_KEPT = ("dir", "lang", "colSpan", "rowSpan", "scope")
_LEFT_OUT = {
    "no-print", "menu-holder", "spark", "skeleton", "visually-hidden", "icon-button", "page-tools",
    "causal-tools", "causal-keys", "state-command", "btn-quiet", "page-head",
}  # fmt: skip
_CONTROLS = {"button", "input", "select", "textarea", "form", "dialog", "script", "style"}
_DROPPED_STYLE = ("minHeight", "maskImage", "WebkitMaskImage", "height")
MAX_ROWS = 60
WIDE_SPAN = 7
PLAIN_HEIGHT = 240
HALF_PX, FULL_PX = 400.0, 830.0


@dataclass(slots=True)
class Printed:
    """The body of a report, and what its end lists."""

    html: str = ""
    definitions: dict[str, str] = field(default_factory=dict)
    charts: list[tuple[str, list[tuple[str, str, str, str, str, str]]]] = field(
        default_factory=list
    )
    """Per chart its title and, per series: name, n, smallest, median, largest, last."""
    marks: dict[tuple[float, str], None] = field(default_factory=dict)
    """Deployments, changes and incidents on the charts, each once."""


def print_page(layout: Node, view: Sequence[Sequence[Any]]) -> Printed:
    """Return a page with its view put into its places; both as Dash sends them (JSON)."""
    slots = {_key(one[0]): one[1] for one in view}
    walker = _Walker(slots)
    walker.printed.html = walker.show(layout)
    return walker.printed


def _key(identity: Any) -> str:
    return json.dumps(identity, sort_keys=True)


def is_hidden(props: dict[str, Any], slots: dict[str, Node]) -> bool:
    """Whether the view took a panel off the page (`components.live.View.hide`)."""
    name = str(props.get("id") or "").removeprefix("panel-")
    return slots.get(_key({"type": "panel-body", "index": name}), "") is None


class _Walker:
    """Writes HTML while it remembers which panel it is in."""

    def __init__(self, slots: dict[str, Node]) -> None:
        self.printed = Printed()
        self._slots = slots
        self._title = ""
        self._is_wide = True
        self._wide: set[Any] = set()

    def show(self, node: Node) -> str:
        if node is None or isinstance(node, bool):
            return ""
        if isinstance(node, (str, int, float)):
            return escape(str(node))
        if isinstance(node, (list, tuple)):
            return "".join(self.show(child) for child in node)
        props = node.get("props", {})
        props = props | {"children": _children(props, self._slots)}
        special = _SPECIAL.get(node["type"])
        if special and node["namespace"] != "dash_html_components":
            return special(self, props)
        if node["namespace"] != "dash_html_components":
            return ""
        return self._element(node["type"].lower(), props)

    def _element(self, tag: str, props: dict[str, Any]) -> str:
        classes = str(props.get("className") or "").split()
        if "definition-holder" in classes:
            self._define(props)
            return ""
        if props.get("hidden") or tag in _CONTROLS or _LEFT_OUT & set(classes):
            return ""
        before = self._title, self._is_wide
        self._title = str(props.get("data-title") or self._title)
        if "panel" in classes and is_hidden(props, self._slots):
            return ""
        if "panel" in classes:
            self._is_wide = props.get("id") in self._wide
            classes.append("wide" if self._is_wide else "half")
            if _holds(props.get("children"), ("Graph",), self._slots):
                classes.append("drawn")
            if props.get("data-definition"):
                self.printed.definitions[self._title] = str(props["data-definition"])
        if tag == "i" and "bi" in classes:
            return _icon(classes)
        if "grid" in classes:
            self._wide |= _wide_panels(props.get("children"), self._slots)
        inner = self._rows(props) if tag == "tbody" else self.show(props.get("children"))
        self._title, self._is_wide = before
        if "slot" in classes:  # a place without a box of its own
            return inner
        tag = "span" if tag in ("a", "summary", "time") else "div" if tag == "details" else tag
        attributes = _attributes(props, classes)
        return f"<{tag}{attributes}>" + ("" if tag in _VOID else f"{inner}</{tag}>")

    def _rows(self, props: dict[str, Any]) -> str:
        """Return the first rows of a table, and how many are left out."""
        rows = props.get("children") or []
        more = len(rows) - MAX_ROWS if isinstance(rows, list) else 0
        if more <= 0:
            return self.show(rows)
        said = f"<tr><td colspan='50'>{escape(t('panel.show_more', n=more))}</td></tr>"
        return self.show(rows[:MAX_ROWS]) + said

    def _define(self, props: dict[str, Any]) -> None:
        for child in props.get("children") or ():
            words = child.get("props", {})
            if words.get("role") == "tooltip" and self._title:
                self.printed.definitions[self._title] = str(words.get("children") or "")

    def graph(self, props: dict[str, Any]) -> str:
        figure = props.get("figure") or {}
        tall = str((props.get("style") or {}).get("height") or "").removesuffix("px")
        height = float(tall) if tall.replace(".", "", 1).isdigit() else PLAIN_HEIGHT
        width = FULL_PX if self._is_wide else HALF_PX
        made = draw(figure, width=width, height=min(height, 420), label=self._title)
        self.printed.charts.append((self._title, _numbers(figure)))
        self.printed.marks |= dict.fromkeys(made.marks)
        canvas = _shaped(made.svg, width, min(height, 420))
        shown = f'<div class="canvas" dir="ltr">{canvas}</div>'
        return f'<div class="drawing">{shown}{_legend(made)}</div>'

    def grid(self, props: dict[str, Any]) -> str:
        columns = [c for c in props.get("columnDefs") or () if not c.get("hide")]
        rows = props.get("rowData") or []
        head = "".join(f"<th>{escape(str(c.get('headerName') or ''))}</th>" for c in columns)
        body = "".join(
            "<tr>" + "".join(_cell(row, c["field"]) for c in columns) + "</tr>"
            for row in rows[:MAX_ROWS]
        )
        more = len(rows) - MAX_ROWS
        tail = f"<p class='table-more'>{escape(t('panel.show_more', n=more))}</p>"
        return (
            f"<table class='plain-table'><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table>{tail if more > 0 else ''}"
        )

    def elsewhere(self, _props: dict[str, Any]) -> str:
        return f"<p class='page-note'>{escape(t('report.only_on_screen'))}</p>"

    def words(self, props: dict[str, Any]) -> str:
        return self.show(props.get("children"))


_SPECIAL: dict[str, Callable[[_Walker, dict[str, Any]], str]] = {
    "Graph": _Walker.graph, "AgGrid": _Walker.grid, "Cytoscape": _Walker.elsewhere,
    "Link": _Walker.words, "Markdown": _Walker.words, "Loading": _Walker.words,
}  # fmt: skip


def _attributes(props: dict[str, Any], classes: Sequence[str]) -> str:
    parts = [f' class="{escape(" ".join(classes))}"'] if classes else []
    parts += [f' {name.lower()}="{escape(str(props[name]))}"' for name in _KEPT if props.get(name)]
    style = {k: v for k, v in (props.get("style") or {}).items() if k not in _DROPPED_STYLE}
    if style:
        text = ";".join(f"{kebab(k)}:{v}" for k, v in style.items())
        parts.append(f' style="{escape(text)}"')
    return "".join(parts)


def _is_wide(props: dict[str, Any], slots: dict[str, Node]) -> bool:
    """Return whether a panel takes the whole width: by its span, or because it holds a table."""
    spans = [c.removeprefix("span-") for c in props["className"].split() if c.startswith("span-")]
    if spans and spans[0].isdigit() and int(spans[0]) >= WIDE_SPAN:
        return True
    return _holds(props.get("children"), ("Table", "AgGrid"), slots)


def _wide_panels(node: Node, slots: dict[str, Node]) -> set[Any]:
    """Return the ids of the panels that take a row: what is wide, and what would stand alone."""
    wide: set[Any] = set()
    alone: Any = None
    for props in _panels(node, slots):
        if _is_wide(props, slots):
            wide |= {props.get("id")} | ({alone} if alone else set())
            alone = None
        else:
            alone = None if alone else props.get("id")
    return wide | ({alone} if alone else set())


def _panels(node: Node, slots: dict[str, Node]) -> list[dict[str, Any]]:
    if isinstance(node, (list, tuple)):
        return [found for child in node for found in _panels(child, slots)]
    if not isinstance(node, dict):
        return []
    props = node.get("props", {})
    if "panel" in str(props.get("className") or "").split():
        return [props]
    return _panels(_children(props, slots), slots)


def _children(props: dict[str, Any], slots: dict[str, Node]) -> Node:
    identity = props.get("id")
    known = isinstance(identity, dict) and _key(identity) in slots
    return slots[_key(identity)] if known else props.get("children")


@cache
def _glyphs() -> dict[str, str]:
    """Return the character of every icon, as its vendored style sheet says."""
    sheet = (ASSETS / "vendor" / "bootstrap-icons.min.css").read_text("utf-8")
    found = re.findall(r'\.(bi-[\w-]+)::before\{content:"\\([0-9a-f]+)"', sheet)
    return {name: chr(int(code, 16)) for name, code in found}


def _icon(classes: Sequence[str]) -> str:
    glyph = next((_glyphs()[name] for name in classes if name in _glyphs()), "")
    return f'<span class="bi">{glyph}</span>' if glyph else ""


def _holds(node: Node, kinds: tuple[str, ...], slots: dict[str, Node]) -> bool:
    if isinstance(node, (list, tuple)):
        return any(_holds(child, kinds, slots) for child in node)
    if not isinstance(node, dict):
        return False
    if node.get("type") in kinds:
        return True
    props = node.get("props", {})
    return _holds(_children(props, slots), kinds, slots)


def _cell(row: dict[str, Any], key: str) -> str:
    if key + WRITTEN in row:
        return f'<td class="is-number"><bdi dir="ltr">{escape(row[key + WRITTEN])}</bdi></td>'
    return f"<td><bdi>{escape('–' if row.get(key) is None else str(row[key]))}</bdi></td>"


_JOINED = re.compile(
    r'<text x="([\d.-]+)" y="([\d.-]+)" text-anchor="(\w+)" font-size="([\d.]+)" '
    r'font-weight="\d+" fill="([^"]+)">([^<]*[\u0590-\u08ff][^<]*)</text>'
)
_SHIFT = {"start": "0", "middle": "-50%", "end": "-100%"}
_PRINTED_SCALE = 0.79  # a drawing's pixel on paper: 830 of them on 174 mm


def _shaped(svg: str, width: float, height: float) -> str:
    """Return a drawing whose Arabic stands as text over it.

    The PDF writer sets text inside SVG letter by letter, which neither joins nor reverses.
    """
    over: list[str] = []

    def lift(found: re.Match[str]) -> str:
        x, y, anchor, size, fill, words = found.groups()
        place = f"left:{float(x) / width:.2%};top:{(float(y) - 1.2 * float(size)) / height:.2%}"
        look = f"font-size:{float(size) * _PRINTED_SCALE:.1f}px;color:{fill}"
        shift = f"transform:translateX({_SHIFT.get(anchor, '0')})"
        over.append(f'<span class="words" dir="rtl" style="{place};{look};{shift}">{words}</span>')
        return ""

    return _JOINED.sub(lift, svg) + "".join(over)


def _legend(made: Drawing) -> str:
    entries = "".join(f"<span>{_swatch(e)} {escape(e.words)}</span> " for e in made.legend)
    return f"<div class='legend'>{entries}</div>" if entries else ""


def _swatch(entry: Entry) -> str:
    dash = ' stroke-dasharray="4 2"' if entry.dash not in ("", "solid") else ""
    return (
        '<svg width="16" height="8" viewBox="0 0 16 8"><line x1="0" y1="4" x2="16" y2="4" '
        f'stroke="{entry.colour}" stroke-width="3"{dash}/></svg>'
    )


def _numbers(figure: dict[str, Any]) -> list[tuple[str, str, str, str, str, str]]:
    """Return what each series of a chart was: name, n, smallest, median, largest, last."""
    layout = figure.get("layout", {})
    hidden = (layout.get("yaxis2") or {}).get("visible") is False
    rows = []
    for trace in figure.get("data", ()):
        if trace.get("meta") or (hidden and trace.get("yaxis") == "y2"):
            continue
        flat = trace.get("orientation") == "h"
        values = sorted(v for v in _values(trace, flat) if v is not None)
        if not values:
            continue
        known = [v for v in _values(trace, flat) if v is not None]
        half = len(values) // 2
        middle = values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
        cells = (values[0], middle, values[-1], known[-1])
        rows.append((str(trace.get("name") or ""), number(len(values)), *map(number, cells)))
    return rows  # type: ignore[return-value]


def _values(trace: dict[str, Any], flat: bool) -> list[Any]:
    if trace.get("type") == "heatmap":
        return [v for row in trace["z"] for v in row]
    if trace.get("type") == "box":
        return list(trace["median"])
    return [v for v in trace.get("x" if flat else "y") or () if not isinstance(v, str)]
