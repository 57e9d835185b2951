"""What a kilowatt-hour emits where: a pinned table of yearly averages, and own figures."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from engines.sustainability.result import Intensity

_FILE = Path(__file__).parent / "data" / "grid_intensity.json"


@cache
def load_table() -> dict[str, Any]:  # JSON
    """Return the pinned table: version, date, source, zones and cloud regions.

    Examples
    --------
    >>> load_table()["zones"]["FRA"]["g_per_kwh"]
    56.04
    """
    loaded: dict[str, Any] = json.loads(_FILE.read_text("utf-8"))
    return loaded


def look_up(region: str, own: Mapping[str, float] | None = None) -> Intensity:
    """Return the carbon intensity of a region.

    Parameters
    ----------
    region : str
        A cloud region (``eu-west-1``), an ISO country code (``FRA``) or whatever was sent.
    own : mapping of str to float, optional
        A tenant's own figures in g CO2e per kWh; they go before the table. Key ``"*"`` stands
        for every region that has no other.

    Returns
    -------
    Intensity
        The tenant's figure, else the yearly average of the country, else that of the world.

    Notes
    -----
    A yearly average hides the hour: solar and wind move a grid by a factor of two within a day.
    Half of the countries end in 2022; the year is part of the answer.

    Examples
    --------
    >>> look_up("eu-west-3").zone, look_up("nowhere").source, look_up("x", {"x": 12.0}).g_per_kwh
    ('FRA', 'world', 12.0)
    """
    table = load_table()
    zone = _zone(region, table)
    for key in (region, zone, "*"):
        if own and key and key in own:
            return Intensity(own[key], zone or region or "world", 0, "own")
    if zone:
        found = table["zones"][zone]
        return Intensity(found["g_per_kwh"], zone, found["year"], "table")
    return Intensity(table["world"]["g_per_kwh"], "world", table["world"]["year"], "world")


def _zone(region: str, table: dict[str, Any]) -> str:  # JSON
    name = region.strip()
    if name.upper() in table["zones"]:
        return name.upper()
    return str(table["regions"].get(name.lower(), ""))
