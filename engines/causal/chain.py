"""The way from a cause to the effect, through the metrics that moved most."""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping

from engines.causal.structure import Structure, Unit

FAINT = 0.05
"""Weight of a step through a unit that did not move, so that a path may cross an unmeasured one."""


def best_chain(
    structure: Structure,
    strength: Mapping[Unit, float],
    cause: Unit,
    effect: Unit,
    anomalous: float = 1.386,
) -> tuple[Unit, ...]:
    """Return the units from `cause` to `effect`, or nothing if none leads there.

    Notes
    -----
    The path with the largest product of relative strengths, each at least ``FAINT``; of equal
    products the one with fewer steps, then the first by name. A shortcut past a unit that itself
    moved (strength of `anomalous` or more, log(1 + 3) by default) is not taken when the way through
    that unit exists, so that a reader sees every link that the data show.

    Examples
    --------
    >>> web, cart = ("web", ""), ("cart", "")
    >>> links = Structure({web: (0,), cart: (1,)}, {web: (cart,), cart: ()}, {"web": ("cart",)})
    >>> best_chain(links, {web: 2.0, cart: 3.0}, cart, web)
    (('cart', ''), ('web', ''))
    """
    ways = {unit: _without_shortcuts(structure, strength, unit, anomalous) for unit in strength}
    return _cheapest(ways, strength, cause, effect) or _cheapest(
        structure.parents, strength, cause, effect
    )


def _without_shortcuts(
    structure: Structure, strength: Mapping[Unit, float], unit: Unit, anomalous: float
) -> tuple[Unit, ...]:
    parents = structure.parents.get(unit, ())
    moved = [b for b in parents if strength.get(b, 0.0) >= anomalous]
    return tuple(
        p for p in parents if not any(p in structure.parents.get(b, ()) and b != p for b in moved)
    )


def _cheapest(
    parents: Mapping[Unit, tuple[Unit, ...]],
    strength: Mapping[Unit, float],
    cause: Unit,
    effect: Unit,
) -> tuple[Unit, ...]:
    top = max(strength.values(), default=0.0) or 1.0
    queue: list[tuple[float, int, tuple[Unit, ...]]] = [(0.0, 0, (effect,))]
    done: set[Unit] = set()
    while queue:
        cost, steps, path = heapq.heappop(queue)
        unit = path[0]
        if unit == cause:
            return path
        if unit in done:
            continue
        done.add(unit)
        for parent in parents.get(unit, ()):
            if parent not in done:
                weight = max(FAINT, strength.get(parent, 0.0) / top)
                price = round(cost - math.log(weight), 9)
                heapq.heappush(queue, (price, steps + 1, (parent, *path)))
    return ()
