"""Whether a quality metric gets worse over time, how fast, since when and until what.

The front function is `track`::

    from engines import degradation

    degradation.track(times_s, accuracy, threshold=0.9, season_s=86_400)
"""

from engines.degradation.changes import find_changes
from engines.degradation.projection import cross, project
from engines.degradation.result import (
    ChangePoint,
    Crossing,
    Degradation,
    Direction,
    Impact,
    Projection,
    Season,
    Status,
    Trend,
)
from engines.degradation.track import track
from engines.degradation.trend import fit_line

__all__ = [
    "ChangePoint",
    "Crossing",
    "Degradation",
    "Direction",
    "Impact",
    "Projection",
    "Season",
    "Status",
    "Trend",
    "cross",
    "find_changes",
    "fit_line",
    "project",
    "track",
]
