"""Who can cause whom: units of blame and their parents, from calls and known rules."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engines.causal.inputs import Call, Key
from engines.causal.roles import ACROSS, WITHIN, role_of

Unit = tuple[str, str]
"""What is blamed: ``(node, "")`` for a service with all its metrics, or one metric of a model."""

_WITHIN = frozenset(WITHIN)
_ACROSS = frozenset(ACROSS)


@dataclass(frozen=True, slots=True)
class Structure:
    """Units, their metrics, and the units that may cause them.

    Attributes
    ----------
    columns : mapping
        Unit -> its columns in the panel; empty for a node that is only known from calls.
    parents : mapping
        Unit -> units that may cause it, sorted.
    callees : mapping
        Node -> nodes it calls, sorted.
    """

    columns: Mapping[Unit, tuple[int, ...]]
    parents: Mapping[Unit, tuple[Unit, ...]]
    callees: Mapping[str, tuple[str, ...]]


def unit_of(key: Key) -> Unit:
    """Return the unit that is blamed for `key`.

    Examples
    --------
    >>> unit_of(("cart", "latency")), unit_of(("scorer", "aiobs_grounding_score"))
    (('cart', ''), ('scorer', 'aiobs_grounding_score'))
    """
    return key if role_of(key[1]).separate else (key[0], "")


def build_structure(keys: Sequence[Key], calls: Sequence[Call]) -> Structure:
    """Return the units of `keys` and the nodes of `calls` with their possible causes.

    Notes
    -----
    Calls go from caller to callee, faults from callee to caller: every service unit has its
    callees' service units as parents. Within one node, and from a callee to a model's metrics, the
    tables ``WITHIN`` and ``ACROSS`` of :mod:`engines.causal.roles` decide.
    """
    columns: dict[Unit, list[int]] = {}
    for j, key in enumerate(keys):
        columns.setdefault(unit_of(key), []).append(j)
    for call in calls:
        columns.setdefault((call.caller, ""), [])
        columns.setdefault((call.callee, ""), [])
    kinds = {unit: _kinds(unit, keys, cols) for unit, cols in columns.items()}
    of_node: dict[str, list[Unit]] = {}
    for unit in columns:
        of_node.setdefault(unit[0], []).append(unit)
    parents: dict[Unit, set[Unit]] = {unit: set() for unit in columns}
    for units in of_node.values():
        _link(parents, kinds, units, units, _WITHIN)
    for call in calls:
        parents[call.caller, ""].add((call.callee, ""))
        _link(parents, kinds, of_node[call.callee], of_node[call.caller], _ACROSS)
    callees: dict[str, set[str]] = {}
    for call in calls:
        callees.setdefault(call.caller, set()).add(call.callee)
    return Structure(
        {unit: tuple(columns[unit]) for unit in sorted(columns)},
        {unit: tuple(sorted(parents[unit])) for unit in sorted(parents)},
        {node: tuple(sorted(callees[node])) for node in sorted(callees)},
    )


def distances(structure: Structure, effect: Unit) -> dict[Unit, int]:
    """Return every possible cause of `effect` with its number of steps from it."""
    found, frontier, steps = {effect: 0}, [effect], 0
    while frontier:
        steps += 1
        reached = {p for unit in frontier for p in structure.parents.get(unit, ())} - found.keys()
        found.update(dict.fromkeys(sorted(reached), steps))
        frontier = sorted(reached)
    return found


def _kinds(unit: Unit, keys: Sequence[Key], columns: Sequence[int]) -> frozenset[str]:
    return frozenset(role_of(keys[j][1]).kind for j in columns)


def _link(
    parents: dict[Unit, set[Unit]],
    kinds: Mapping[Unit, frozenset[str]],
    sources: Sequence[Unit],
    targets: Sequence[Unit],
    rules: frozenset[tuple[str, str]],
) -> None:
    for target in targets:
        for source in sources:
            if source != target and any(
                (a, b) in rules for a in kinds[source] for b in kinds[target]
            ):
                parents[target].add(source)
