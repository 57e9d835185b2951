"""The way from every cause to the effect, through the metrics that moved most."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping, Sequence

from engines.causal.structure import Structure, Unit

FAINT = 0.05
"""Weight of a step through a unit that did not move, so that a path may cross an unmeasured one."""


def best_chains(
    structure: Structure, strength: Mapping[Unit, float], effect: Unit, anomalous: float = 1.386
) -> dict[Unit, tuple[Unit, ...]]:
    """Return for each unit that can reach `effect` the units on its way there.

    Parameters
    ----------
    structure : Structure
        Units and their parents.
    strength : mapping
        Unit -> log(1 + z), 0 or more.
    effect : Unit
        Where every chain ends.
    anomalous : float, optional
        Strength from which a unit counts as moved; log(1 + 3) by default.

    Returns
    -------
    dict
        Unit -> (unit, ..., effect).

    Notes
    -----
    The path with the largest product of relative strengths, each at least ``FAINT``; of equal
    products the one with fewer steps, then the first by name. A shortcut past a unit that itself
    moved is not taken when the way through that unit exists, so that a reader sees every link that
    the data show.

    Examples
    --------
    >>> web, cart = ("web", ""), ("cart", "")
    >>> links = Structure({web: (0,), cart: (1,)}, {web: (cart,), cart: ()}, {"web": ("cart",)})
    >>> best_chains(links, {web: 2.0, cart: 3.0}, web)[cart]
    (('cart', ''), ('web', ''))
    """
    ways = {unit: _without_shortcuts(structure, strength, unit, anomalous) for unit in strength}
    return _cheapest(structure.parents, strength, effect) | _cheapest(ways, strength, effect)


def _without_shortcuts(
    structure: Structure, strength: Mapping[Unit, float], unit: Unit, anomalous: float
) -> tuple[Unit, ...]:
    parents = structure.parents.get(unit, ())
    moved = [b for b in parents if strength.get(b, 0.0) >= anomalous]
    beyond = {p for b in moved for p in structure.parents.get(b, ()) if p != b}
    return tuple(parent for parent in parents if parent not in beyond)


def _cheapest(
    parents: Mapping[Unit, Sequence[Unit]], strength: Mapping[Unit, float], effect: Unit
) -> dict[Unit, tuple[Unit, ...]]:
    top = max(strength.values(), default=0.0) or 1.0
    queue: list[tuple[float, int, tuple[Unit, ...]]] = [(0.0, 0, (effect,))]
    found: dict[Unit, tuple[Unit, ...]] = {}
    while queue:
        cost, steps, path = heapq.heappop(queue)
        if path[0] in found:
            continue
        found[path[0]] = path
        for parent in parents.get(path[0], ()):
            if parent not in found:
                weight = max(FAINT, strength.get(parent, 0.0) / top)
                price = round(cost - math.log(weight), 9)
                heapq.heappush(queue, (price, steps + 1, (parent, *path)))
    return found
