"""Where software runs: overhead, water and hardware of the facility, and sizes of known models."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from engines.errors import EngineError
from engines.model_names import match_name
from engines.sustainability.llm import DEFAULT_BATCH, ModelSize
from engines.sustainability.result import Spread

_DATA = Path(__file__).parent / "data"
BATCH_FACTOR = 2.0
"""A server's batch is not known from outside: the range halves and doubles it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A general-purpose server, for work that is not text generation.

    Attributes
    ----------
    embodied_kg : Spread
        kg CO2e of making it.
    lifetime_years : float
        Years of use.
    cores : int
        A request holds one of them for as long as it takes.
    """

    embodied_kg: Spread
    lifetime_years: float
    cores: int


@dataclass(frozen=True, slots=True)
class Site:
    """A facility.

    Attributes
    ----------
    pue : Spread
        Energy of the building over energy of its computers, 1 or more.
    wue_site_l_per_kwh, wue_mix_l_per_kwh : float
        Litres per kWh for cooling, and for making the electricity.
    server : Server
        What requests without a model size run on.
    includes_pue : bool
        Whether the energy that is sent already contains the overhead.
    """

    pue: Spread
    wue_site_l_per_kwh: float
    wue_mix_l_per_kwh: float
    server: Server
    includes_pue: bool = False


@cache
def load_facilities() -> dict[str, Any]:  # JSON
    """Return the pinned figures of facilities and hardware with their sources.

    Examples
    --------
    >>> load_facilities()["unknown"]["pue"]["central"]
    1.2
    """
    loaded: dict[str, Any] = json.loads((_DATA / "facilities.json").read_text("utf-8"))
    return loaded


def default_site(operator: str = "") -> Site:
    """Return the facility of an operator, or of nobody in particular.

    Parameters
    ----------
    operator : str
        ``aws``, ``azure``, ``gcp``, or empty: then overhead spans best practice to survey average.

    Returns
    -------
    Site
        Figures of ``data/facilities.json``.

    Raises
    ------
    EngineError
        When the operator is not in the table.

    Examples
    --------
    >>> default_site().pue
    Spread(low=1.1, central=1.2, high=1.56)
    """
    data = load_facilities()
    server = data["server"]
    made = Server(Spread(**server["embodied_kg"]), server["lifetime_years"], server["cores"])
    mix = data["wue_mix_l_per_kwh"]["value"]
    if not operator:
        unknown = data["unknown"]
        return Site(Spread(**unknown["pue"]), unknown["wue_site_l_per_kwh"], mix, made)
    if operator not in data["operators"]:
        raise EngineError(f"no operator {operator!r}; known are {sorted(data['operators'])}")
    known = data["operators"][operator]
    pue = Spread(known["pue"], known["pue"], known["pue"])
    return Site(pue, known["wue_site_l_per_kwh"], mix, made)


@cache
def load_sizes() -> dict[str, tuple[float, float]]:
    """Return (active, total) parameters in billions of models whose makers publish them.

    Examples
    --------
    >>> load_sizes()["mixtral-8x7b"]
    (12.9, 46.7)
    """
    data = json.loads((_DATA / "model_sizes.json").read_text("utf-8"))
    return {
        name: (float(model["active_b"]), float(model["total_b"]))
        for model in data["models"]
        for name in model["names"]
    }


def find_size(model_id: str) -> ModelSize | None:
    """Return the published size of a model, or None when its maker does not say.

    Parameters
    ----------
    model_id : str
        As sent; maker, tag and quantisation suffix are ignored.

    Returns
    -------
    ModelSize or None
        At 16 bits and the usual batch.

    Examples
    --------
    >>> find_size("mistralai/Mistral-7B-Instruct").active_b
    7.3
    """
    name = match_name(model_id, load_sizes())
    if name is None:
        return None
    active, total = load_sizes()[name]
    return ModelSize(active, total, batch=DEFAULT_BATCH)
