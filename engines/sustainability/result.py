"""What the sustainability engines answer: footprints with their range, savings, grids."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Method = Literal["unknown", "measured", "reported", "modelled"]
METHODS: tuple[Method, ...] = ("unknown", "measured", "reported", "modelled")
"""A row's code is the place in this tuple; trust falls from measured to modelled."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A quantity under three sets of assumptions: a scenario range, not a confidence interval.

    Attributes
    ----------
    low, central, high : float
        The value when every assumption is favourable, as stated, unfavourable.
    """

    low: float
    central: float
    high: float


@dataclass(frozen=True, slots=True)
class Spreads:
    """The same for arrays of one length: one element per request; NaN where nothing is known."""

    low: Floats
    central: Floats
    high: Floats

    def total(self) -> Spread:
        """Return the sums over the known requests."""
        low, central, high = (float(np.nansum(v)) for v in (self.low, self.central, self.high))
        return Spread(low, central, high)


@dataclass(frozen=True, slots=True)
class Assessment:
    """The footprint of requests, one element each.

    Attributes
    ----------
    method : NDArray[np.int8]
        Where the energy comes from: index into `METHODS`.
    energy_kwh : Spreads
        Energy of the facility, its overhead (PUE) included.
    usage_g, embodied_g : Spreads
        g CO2e of running, and of the share of making the hardware.
    water_l : Floats
        Litres for cooling on site and for the electricity.
    """

    method: NDArray[np.int8]
    energy_kwh: Spreads
    usage_g: Spreads
    embodied_g: Spreads
    water_l: Floats


@dataclass(frozen=True, slots=True)
class Intensity:
    """What a kilowatt-hour emits somewhere, and who says so.

    Attributes
    ----------
    g_per_kwh : float
        g CO2e per kWh, location-based.
    zone : str
        ISO code of the country, or ``"world"``.
    year : int
        Year of the figure; 0 for a tenant's own.
    source : str
        ``"own"``, ``"table"`` or ``"world"``: how far down the search had to go.
    """

    g_per_kwh: float
    zone: str
    year: int
    source: Literal["own", "table", "world"]


@dataclass(frozen=True, slots=True)
class Saving:
    """One thing to do for less carbon, with what it would have saved in the window.

    Attributes
    ----------
    kind : str
        ``caching``, ``region``, ``hour`` or ``smaller_model``.
    subject : str
        The model or region it is about.
    saved_g : float
        g CO2e that would not have been emitted, all else equal.
    share : float
        The same as a share (0-1) of what the subject emitted.
    n : int
        Requests that the number rests on.
    facts : dict of str to float or str
        What the sentence needs: places, shares, intensities.
    """

    kind: Literal["caching", "region", "hour", "smaller_model"]
    subject: str
    saved_g: float
    share: float
    n: int
    facts: dict[str, float | str]
