"""The footprint of every request: energy as well as it is known, carbon, hardware, water."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.sustainability import llm
from engines.sustainability.llm import ModelSize
from engines.sustainability.result import METHODS, Assessment, Floats, Spreads
from engines.sustainability.site import BATCH_FACTOR, Site

_UNKNOWN, _MEASURED, _REPORTED, _MODELLED = range(len(METHODS))
_HOURS_A_YEAR = 365 * 24.0


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests as columns of one length; NaN where a value was not sent.

    Attributes
    ----------
    energy_kwh : Floats
        Energy that the sender states.
    is_measured : NDArray[np.bool_]
        Whether the sender says that it was metered (NVML, RAPL, a power meter).
    output_tokens, latency_s : Floats
        What the models need where no energy was sent.
    g_per_kwh : Floats
        Carbon intensity at the place and hour of each request.
    """

    energy_kwh: Floats
    is_measured: NDArray[np.bool_]
    output_tokens: Floats
    latency_s: Floats
    g_per_kwh: Floats


def assess(requests: Requests, site: Site, size: ModelSize | None = None) -> Assessment:
    """Return energy, carbon and water of each request.

    Parameters
    ----------
    requests : Requests
        Columns of one length.
    site : Site
        Overhead, water and hardware of the facility.
    size : ModelSize, optional
        Size of the language model that answered; without it energy that was not sent stays
        unknown.

    Returns
    -------
    Assessment
        One element per request; NaN where nothing is known, never zero in its place.

    Raises
    ------
    EngineError
        When columns differ in length.

    Notes
    -----
    Energy is the metered one, else the reported one, else the model of `llm.generate`. Facility
    energy = IT energy times PUE; usage = facility energy times intensity; embodied = the share of
    accelerators (`llm.generate`) when the size is known, else one core of a general server for the
    request's latency; water = IT energy times (site + PUE times mix).
    Low and high are scenarios: both ends of PUE and of the server's embodied carbon, and for
    modelled energy half and double the batch. Intensity is taken as exact.

    Examples
    --------
    >>> import numpy as np
    >>> from engines.sustainability import default_site
    >>> row = Requests(np.array([0.001]), np.array([False]), *(np.array([v]) for v in (9, 1, 400)))
    >>> found = assess(row, default_site("gcp"))
    >>> round(float(found.usage_g.central[0]), 3)  # 0.001 kWh x 1.09 x 400 g/kWh
    0.436

    References
    ----------
    Green Software Foundation (2024). Software Carbon Intensity specification 1.1.
    """
    sent = np.isfinite(requests.energy_kwh)
    if any(len(c) != len(sent) for c in (requests.output_tokens, requests.latency_s,
                                         requests.g_per_kwh, requests.is_measured)):  # fmt: skip
        raise EngineError("the columns of requests must have one length")
    method = np.where(sent, np.where(requests.is_measured, _MEASURED, _REPORTED), _UNKNOWN)
    modelled = np.zeros(len(sent), dtype=bool)
    if size is not None:
        modelled = ~sent & np.isfinite(requests.output_tokens)
    method = np.where(modelled, _MODELLED, method).astype(np.int8)
    energy_it = _energy_it(requests, modelled, size)
    pue = (site.pue.low, site.pue.central, site.pue.high)
    facility = [
        _facility(it, sent, p, site, modelled) for it, p in zip(energy_it, pue, strict=True)
    ]
    usage = [energy * requests.g_per_kwh for energy in facility]
    water = energy_it[1] * (site.wue_site_l_per_kwh + site.pue.central * site.wue_mix_l_per_kwh)
    if site.includes_pue:
        water = np.where(sent, water / site.pue.central, water)
    known = method != _UNKNOWN
    embodied = _embodied(requests, site, size, known)
    return Assessment(method, Spreads(*facility), Spreads(*usage), embodied, water)


def _energy_it(
    requests: Requests, modelled: NDArray[np.bool_], size: ModelSize | None
) -> list[Floats]:
    """Return low, central and high energy before overhead: sent energy has one value."""
    energies = []
    for factor in (BATCH_FACTOR, 1.0, 1 / BATCH_FACTOR):
        energy = np.array(requests.energy_kwh, dtype=np.float64)
        if size is not None and modelled.any():
            made = _generated(requests, replace(size, batch=size.batch * factor))
            energy = np.where(modelled, made.energy_it_kwh, energy)
        energies.append(energy)
    return energies


def _facility(
    energy_it: Floats, sent: NDArray[np.bool_], pue: float, site: Site, modelled: NDArray[np.bool_]
) -> Floats:
    with_overhead = energy_it * pue
    if not site.includes_pue:
        return with_overhead
    return np.where(sent & ~modelled, energy_it, with_overhead)


def _embodied(
    requests: Requests, site: Site, size: ModelSize | None, known: NDArray[np.bool_]
) -> Spreads:
    if size is not None:
        parts = [
            np.where(known, _generated(requests, replace(size, batch=size.batch * f)).embodied_g,
                     np.nan)
            for f in (BATCH_FACTOR, 1.0, 1 / BATCH_FACTOR)
        ]  # fmt: skip
        return Spreads(*parts)
    server = site.server
    hours = np.where(known, requests.latency_s, np.nan) / 3600
    share = hours / (server.lifetime_years * _HOURS_A_YEAR) / server.cores * 1000
    made = server.embodied_kg
    return Spreads(share * made.low, share * made.central, share * made.high)


def _generated(requests: Requests, size: ModelSize) -> llm.Generation:
    return llm.generate(size, requests.output_tokens, latency_s=requests.latency_s)
