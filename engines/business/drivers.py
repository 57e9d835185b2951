"""Why spending changed: more work, or dearer work, and whose."""

from __future__ import annotations

from collections.abc import Mapping

from engines.business.result import Driver


def explain_change(
    before: Mapping[str, tuple[float, float]], after: Mapping[str, tuple[float, float]]
) -> list[Driver]:
    """Return how each part contributed to a change in cost, largest first.

    Parameters
    ----------
    before, after : mapping of str to (float, float)
        (cost, units of work) per part in two windows; a part may be absent from one.

    Returns
    -------
    list of Driver
        The changes of all parts add up to the change of the total.

    Notes
    -----
    With cost C, units n and unit cost c = C / n: volume effect (n1 − n0) c0, price effect
    (c1 − c0) n1; they add up to C1 − C0 exactly (Laspeyres quantity, Paasche price). A part that
    is new has no old unit cost, so all of it is volume at its new cost; without units all of
    the change is price.

    Examples
    --------
    >>> [d] = explain_change({"m": (100.0, 1000.0)}, {"m": (180.0, 1200.0)})
    >>> d.volume_effect, d.price_effect
    (20.0, 60.0)

    References
    ----------
    Laspeyres, E. (1871). Die Berechnung einer mittleren Waarenpreissteigerung. Jahrbücher für
    Nationalökonomie und Statistik 16.
    """
    drivers = []
    for key in sorted(before.keys() | after.keys()):
        old_cost, old_units = before.get(key, (0.0, 0.0))
        new_cost, new_units = after.get(key, (0.0, 0.0))
        if old_units > 0:
            unit = old_cost / old_units
        else:
            unit = new_cost / new_units if new_units > 0 and old_cost == 0 else 0.0
        volume = (new_units - old_units) * unit
        price = new_cost - old_cost - volume
        drivers.append(Driver(key, old_cost, new_cost, volume, price))
    return sorted(drivers, key=lambda d: -abs(d.change))
