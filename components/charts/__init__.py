"""Charts as plain-dict Plotly figures: small to send, cheap to build, one figure for both themes.

Each function takes plain sequences and returns `{"data": [...], "layout": {...}}`; `graph` puts a
figure on the page. Bars start at zero, units stand on the axis, long series are thinned, colours
are tokens of `components.theme` and never the only signal.
"""

from components.charts.bars import bars, bullet, stacked_bars, stacked_times, waterfall
from components.charts.distribution import boxes, histogram_pair, reliability_diagram, strip
from components.charts.frame import Figure, graph
from components.charts.lines import Line, Mark, Threshold, area, line
from components.charts.matrix import Relation, heat_map, relation_map
from components.charts.timeline import Run, timeline

__all__ = [
    "Figure",
    "Line",
    "Mark",
    "Relation",
    "Run",
    "Threshold",
    "area",
    "bars",
    "boxes",
    "bullet",
    "graph",
    "heat_map",
    "histogram_pair",
    "line",
    "relation_map",
    "reliability_diagram",
    "stacked_bars",
    "stacked_times",
    "strip",
    "timeline",
    "waterfall",
]
