"""Three ways to rank suspects: mass balance, absorbing walk, plain deviation."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from operator import itemgetter

import numpy as np

from engines.causal.explain import residual_z
from engines.causal.inputs import Call, FloatArray, Key
from engines.causal.mass import excess, own_shares
from engines.causal.panel import on_rows
from engines.causal.roles import WORK, Role, role_of
from engines.causal.scene import Scene
from engines.causal.settings import RootCauseSettings
from engines.causal.structure import Structure, Unit, unit_of
from engines.causal.walk import absorbed_shares
from engines.causal.wire import wire_deviation
from engines.causal.work import asked_shares

RATES = ("latency", "availability", "error_rate")
"""Kinds that become a cost only when multiplied by the number of requests."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """What the rankers found about one unit.

    Attributes
    ----------
    unit : Unit
        Who.
    column : int or None
        The metric by which it shows most.
    strength : float
        S = log(1 + z), 0 or more.
    share : float or None
        Own share of the effect, where known.
    wire : float
        Mean log(1 + z) of the delay on its calls.
    asked : float
        Share of the effect that `column` explains as work its requests ask for.
    """

    unit: Unit
    column: int | None
    strength: float
    share: float | None = None
    wire: float = 0.0
    asked: float = 0.0


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a ranker may use."""

    scene: Scene
    structure: Structure
    calls: Sequence[Call]
    effect: Key | None
    settings: RootCauseSettings
    wires: Mapping[str, float] = field(default_factory=dict)
    waits: frozenset[str] = frozenset()


def node_suspects(case: Case) -> dict[Unit, Suspect]:
    """Return every unit with the deviation of its metrics.

    Notes
    -----
    S = log(1 + largest + spread x mean) over weighted deviations. Where the latency of a node's
    calls was measured on both ends, its own latency metrics are left to the edges: they contain
    every callee and every wire below them.
    """
    found = {}
    for unit, columns in case.structure.columns.items():
        weighted = {j: _weight(case, j) * float(case.scene.z[j]) for j in columns}
        wire = case.wires.get(unit[0], 0.0) if unit[1] == "" else 0.0
        if not weighted:
            found[unit] = Suspect(unit, None, wire, wire=wire)
            continue
        top = min(weighted, key=lambda j: (-round(weighted[j], 9), case.scene.panel.keys[j]))
        mean = float(np.mean(np.sort(list(weighted.values()))))
        strength = float(np.log1p(weighted[top] + case.settings.spread * mean))
        found[unit] = Suspect(unit, top, max(strength, wire), wire=wire)
    return found


def wires(scene: Scene, calls: Sequence[Call]) -> dict[str, float]:
    """Return per node the mean delay on its measured calls, as log(1 + z)."""
    by_node: dict[str, list[float]] = {}
    for call in calls:
        if call.latency_caller_s is None or call.latency_callee_s is None:
            continue
        z = wire_deviation(
            on_rows(call.latency_caller_s, scene.panel),
            on_rows(call.latency_callee_s, scene.panel),
            slice(0, scene.onset.before.stop),
            scene.onset.before,
            scene.onset.after,
        )
        by_node.setdefault(call.caller, []).append(z)
        by_node.setdefault(call.callee, []).append(z)
    return {node: float(np.mean(np.sort(found))) for node, found in by_node.items()}


def waiting(scene: Scene, calls: Sequence[Call], threshold: float) -> frozenset[str]:
    """Return the nodes that wait longer than usual for something they call."""
    found = set()
    for call in calls:
        if call.latency_caller_s is None:
            continue
        seen = on_rows(call.latency_caller_s, scene.panel)
        past = slice(0, scene.onset.before.stop)
        z = wire_deviation(seen, 0 * seen, past, scene.onset.before, scene.onset.after)
        if z >= float(np.log1p(threshold)):
            found.add(call.caller)
    return frozenset(found)


def by_mass(case: Case) -> dict[Unit, Suspect] | None:
    """Return suspects with their own share of an additive cost, or None if it cannot be formed."""
    if case.effect is None or not case.calls or not role_of(case.effect[1]).additive:
        return None
    effect_role = role_of(case.effect[1])
    columns = {
        node: column
        for node in sorted({unit[0] for unit in case.structure.columns})
        if (column := _same_kind(case, node, case.effect[1], effect_role)) is not None
    }
    risen = _risen(case, columns, effect_role)
    shares = own_shares(risen, case.structure.callees, case.effect[0], _through(case, effect_role))
    if not shares:
        return None
    found = {}
    for unit, suspect in node_suspects(case).items():
        node = unit[0]
        if unit[1] or node not in columns:
            found[unit] = suspect
            continue
        z = _unexplained(case, columns, node, effect_role)
        strength = max(float(np.log1p(z)), suspect.wire)
        found[unit] = Suspect(unit, columns[node], strength, shares.get(node), suspect.wire)
    return _with_work(case, found, columns[case.effect[0]])


def _with_work(case: Case, found: dict[Unit, Suspect], effect: int) -> dict[Unit, Suspect]:
    """Move blame from those who do the work to the node of the effect, which asks for more of it.

    A model's requests are served by what it calls, so the balance finds all of a slower answer
    there, even where the answers merely became longer.
    """
    node = case.scene.panel.keys[effect][0]
    columns = case.structure.columns[node, ""]
    kinds = {j: role_of(case.scene.panel.keys[j][1]).kind for j in columns}
    work, demand = [j for j in columns if kinds[j] in WORK], _demand(case, node)
    if kinds[effect] != "latency" or not work or demand is None:
        return found
    asked = asked_shares(case.scene, effect, demand, work, case.settings)
    total = sum(asked.values())
    left = {
        unit: s if s.share is None else replace(s, share=s.share * (1 - total))
        for unit, s in found.items()
    }
    own = left[node, ""]
    if not asked or total <= (own.share or 0.0):
        return left
    most = max(asked, key=lambda j: (asked[j], -j))
    strength = max(own.strength, float(np.log1p(case.scene.z[most])))
    share = min(1.0, (own.share or 0.0) + total)
    left[node, ""] = Suspect((node, ""), most, strength, share, own.wire, total)
    return left


def by_walk(case: Case) -> dict[Unit, Suspect] | None:
    """Return suspects with the blame they absorb, or None without an effect or known causes."""
    if case.effect is None or not case.structure.parents.get(unit_of(case.effect)):
        return None
    found = node_suspects(case)
    names = {"\x00".join(unit): unit for unit in found}
    shares = absorbed_shares(
        {name: found[unit].strength for name, unit in names.items()},
        {
            name: ["\x00".join(parent) for parent in case.structure.parents.get(unit, ())]
            for name, unit in names.items()
        },
        "\x00".join(unit_of(case.effect)),
        anomalous=float(np.log1p(case.settings.threshold)),
        stay=case.settings.without_share,
    )
    return {
        unit: Suspect(unit, s.column, s.strength, shares.get("\x00".join(unit), 0.0), s.wire)
        for unit, s in found.items()
    }


def by_deviation(case: Case) -> dict[Unit, Suspect] | None:
    """Return suspects by deviation alone: no effect was named, or nothing is known of calls."""
    return node_suspects(case)


RANKERS: tuple[tuple[str, Callable[[Case], dict[Unit, Suspect] | None]], ...] = (
    ("mass_balance", by_mass),
    ("walk", by_walk),
    ("deviation", by_deviation),
)
"""Name, ranker; the first that applies is used."""


def _weight(case: Case, column: int) -> float:
    node, metric = case.scene.panel.keys[column]
    role = role_of(metric)
    if role.kind != "latency" or node not in case.wires:
        return role.weight
    return 0.0 if node in case.waits else case.settings.measured_latency


def _same_kind(case: Case, node: str, metric: str, role: Role) -> int | None:
    keys = case.scene.panel.keys
    same = [j for j in _columns(case, node) if role_of(keys[j][1]).kind == role.kind]
    exact = [j for j in same if keys[j][1] == metric]
    return next(iter(exact or same), None)


def _risen(case: Case, columns: Mapping[str, int], role: Role) -> dict[str, float]:
    nodes, parts = [], []
    for node, column in columns.items():
        demand = _demand(case, node)
        if role.kind in RATES and demand is None:
            continue
        nodes.append(node)
        parts.append((column, demand))
    if not nodes:
        return {}
    scene = case.scene
    full = _full(scene.panel.values[:, [column for column, _ in parts]])
    cost = [_cost(rows, parts, role, full) for rows in (scene.history, scene.before, scene.after)]
    risen = excess(*cost)
    return {node: float(e) for node, e in zip(nodes, risen, strict=True) if np.isfinite(e)}


def _demand(case: Case, node: str) -> int | None:
    keys = case.scene.panel.keys
    return next((j for j in _columns(case, node) if role_of(keys[j][1]).kind == "demand"), None)


def _columns(case: Case, node: str) -> range:
    """Return the columns of a node: keys are sorted, so they lie together."""
    keys = case.scene.panel.keys
    start = bisect_left(keys, (node, ""))
    return range(start, bisect_right(keys, node, lo=start, key=itemgetter(0)))


def _cost(
    rows: FloatArray, parts: Sequence[tuple[int, int | None]], role: Role, full: float
) -> FloatArray:
    out = np.empty((rows.shape[0], len(parts)))
    for i, (column, demand) in enumerate(parts):
        value = rows[:, column]
        if role.kind == "availability":
            value = 1.0 - value / full
        out[:, i] = value * rows[:, demand] if demand is not None and role.kind in RATES else value
    return out


def _full(availability: FloatArray) -> float:
    """100 where any node reports a percentage, 1 where all report shares."""
    seen = availability[np.isfinite(availability)]
    return 100.0 if seen.size and float(seen.max()) > 1.5 else 1.0


def _through(case: Case, role: Role) -> dict[tuple[str, str], float]:
    if role.kind != "latency":
        return {}
    scene, found = case.scene, {}
    for call in case.calls:
        if call.requests is None or call.latency_caller_s is None:
            continue
        cost = on_rows(call.requests, scene.panel) * on_rows(call.latency_caller_s, scene.panel)
        before, after = cost[scene.onset.before, None], cost[scene.onset.after, None]
        risen = float(excess(cost[: scene.onset.before.stop, None], before, after)[0])
        if np.isfinite(risen):
            found[call.caller, call.callee] = risen
    return found


def _unexplained(case: Case, columns: Mapping[str, int], node: str, role: Role) -> float:
    """Deviation of a node's cost metric, less what its anomalous callees explain."""
    z = float(case.scene.z[columns[node]])
    others = [
        columns[callee]
        for callee in case.structure.callees.get(node, ())
        if callee in columns and case.scene.z[columns[callee]] >= case.settings.threshold
    ]
    if not others or z <= 0:
        return z
    left = residual_z(case.scene, columns[node], others, role.worse, case.settings)
    return z if left is None else min(z, left)
