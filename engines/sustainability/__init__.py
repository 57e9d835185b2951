"""Energy, carbon and water of AI requests, and what would make them less.

Front function: `assess(requests, site, size)`, the footprint of every request with the best
energy that is known (measured, else reported, else modelled) and a low-high range. `score` is the
SCI of a total; `SAVINGS` are the recommendations.
"""

from engines.sustainability.assess import Requests, assess
from engines.sustainability.grid import load_table, look_up
from engines.sustainability.llm import ModelSize, generate
from engines.sustainability.result import (
    METHODS,
    Assessment,
    Intensity,
    Method,
    Saving,
    Spread,
    Spreads,
)
from engines.sustainability.savings import cache_repeats, shift_hours, shift_region, use_smaller
from engines.sustainability.sci import embodied, score
from engines.sustainability.site import Server, Site, default_site, find_size, load_sizes

SAVINGS = (cache_repeats, shift_region, shift_hours, use_smaller)

__all__ = [
    "METHODS",
    "SAVINGS",
    "Assessment",
    "Intensity",
    "Method",
    "ModelSize",
    "Requests",
    "Saving",
    "Server",
    "Site",
    "Spread",
    "Spreads",
    "assess",
    "cache_repeats",
    "default_site",
    "embodied",
    "find_size",
    "generate",
    "load_sizes",
    "load_table",
    "look_up",
    "score",
    "shift_hours",
    "shift_region",
    "use_smaller",
]
