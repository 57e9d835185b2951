"""What depends on what: calls, rules, lagged tests and events in one graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from engines.causal.correlation import residual_correlations
from engines.causal.edges import Rule, Tested, correlated_pairs, known_edges, lagged_causes
from engines.causal.granger import lagged_edges
from engines.causal.inputs import (
    Call,
    Event,
    FloatArray,
    Key,
    Metrics,
    Series,
    as_calls,
    read_metrics,
)
from engines.causal.panel import Panel, build_panel
from engines.causal.result import CausalEdge, CausalGraph
from engines.causal.roles import ACROSS, WITHIN, role_of
from engines.causal.scene import Question, set_scene
from engines.causal.settings import RootCauseSettings
from engines.causal.timeline import event_edges, event_nodes, metric_nodes, node_id
from engines.errors import InsufficientData
from engines.progress import Progress, unwatched

MIN_COVERAGE = 0.7
"""A series with fewer samples than this share of the rows is left out of the tests."""
MAX_KNOWN = 24
"""Most same-row parents in one regression; further ones keep the confidence of a rule."""


def build_graph(
    metrics: Metrics | Any,  # Any: a pandas frame, which ships no types
    *,
    topology: Sequence[Call | tuple[str, str]] = (),
    events: Sequence[Event] = (),
    effect: Key | None = None,
    onset_s: float | None = None,
    step_s: float | None = None,
    lags: int = 3,
    q: float = 0.05,
    max_candidates: int = 12,
    event_lookback_s: float = 3600.0,
    settings: RootCauseSettings | None = None,
    scored: Metrics | Any | None = None,
    progress: Progress = unwatched,
) -> CausalGraph:
    """Return the causal graph of a window of metrics.

    Parameters
    ----------
    metrics : mapping or pandas.DataFrame
        Series by (node, metric); see :func:`engines.causal.inputs.read_metrics`.
    topology : sequence of Call or (caller, callee), optional
        Observed calls. Causal direction is the reverse: callee to caller.
    events : sequence of Event, optional
        Deployments, changes and incidents.
    effect : (node, metric), optional
        The number asked about; it becomes an outcome, and metrics are scored at its onset.
    onset_s : float, optional
        Known time of the incident. Lagged tests use only rows before it when enough are there.
    step_s : float, optional
        Interval of the grid in seconds. Default: median sampling interval.
    lags, q, max_candidates : optional
        See :func:`engines.causal.granger.lagged_edges`.
    event_lookback_s : float, optional
        Longest time from an event to a metric's onset that the event may explain.
    settings : RootCauseSettings, optional
        Constants of the onset search.
    scored : mapping or pandas.DataFrame, optional
        The same series as they are to be scored, where that needs a noise that tests must not see:
        of counts that never moved before, for example. Default: `metrics`.
    progress : Progress, optional
        Told how far the lagged tests are; may raise to stop them.

    Returns
    -------
    CausalGraph
        Nodes sorted by id, edges by (source, target).

    Raises
    ------
    EngineError
        If the effect is not among the metrics.
    InsufficientData
        If no metric has a sample.

    Notes
    -----
    Same-interval edges come from calls and from the tables of :mod:`engines.causal.roles`; they are
    ``causes`` when a t test on the same-row coefficient confirms them (Benjamini-Hochberg, `q`),
    else ``contributes``. Lagged edges come from conditional Granger tests. What is left between two
    metrics without an edge is ``correlates`` and has no direction: the data cannot settle it. Gaps
    are filled by linear interpolation for the tests alone. Series that cover less than 70% of the
    rows or never vary are left out and named.

    References
    ----------
    Granger (1969), Econometrica 37. Runge et al. (2019), *Inferring causation from time series in
    Earth system sciences*, Nature Communications 10.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> t = np.arange(300) * 60.0
    >>> db = rng.standard_normal(300)
    >>> web = 0.9 * db + 0.3 * rng.standard_normal(300)
    >>> graph = build_graph({("db", "latency"): (t, db), ("web", "latency"): (t, web)},
    ...                     topology=[("web", "db")])
    >>> [(edge.source, edge.target, edge.kind) for edge in graph.edges]
    [('db|latency', 'web|latency', 'causes')]
    """
    settings = settings or RootCauseSettings()
    series = read_metrics(metrics)
    panel = build_panel(series, step_s)
    calls = as_calls(topology)
    rules = known_dependencies(panel.keys, calls)
    scores, onset_s, thin = _scores(
        series if scored is None else read_metrics(scored), effect, onset_s, step_s, settings
    )
    tested = _test(panel, rules, onset_s, lags, q, max_candidates, progress)
    edges = [
        *known_edges(rules, tested, q),
        *lagged_causes(tested, panel.step_s),
        *correlated_pairs(tested),
        *event_edges(events, scores, event_lookback_s, panel.step_s, settings.threshold),
    ]
    nodes = [*metric_nodes(panel.keys, scores, effect), *event_nodes(events)]
    return CausalGraph(
        nodes=tuple(sorted(nodes, key=lambda node: node.node_id)),
        edges=_strongest(edges),
        n_rows=panel.times_s.size,
        step_s=panel.step_s,
        window_s=(float(panel.times_s[0]), float(panel.times_s[-1])),
        n_tests=tested.found.n_pairs if tested.found else 0,
        left_out=(*tested.left_out, *thin),
    )


Scores = dict[Key, tuple[float, float | None]]


def _scores(
    series: Mapping[Key, Series],
    effect: Key | None,
    onset_s: float | None,
    step_s: float | None,
    settings: RootCauseSettings,
) -> tuple[Scores, float | None, tuple[tuple[str, str], ...]]:
    """Scores by metric, the onset, and why there are none where the effect is too thin."""
    if effect is None and onset_s is None:
        return {}, None, ()
    try:
        scene = set_scene(series, None, Question(effect, onset_s, None, None, step_s), settings)
    except InsufficientData as error:
        return {}, onset_s, (("*", error.reason),)
    found = {
        key: (float(np.log1p(scene.z[j])), scene.onset_s[j])
        for j, key in enumerate(scene.panel.keys)
    }
    if onset_s is None and scene.onset.row is not None:
        onset_s = float(scene.panel.times_s[scene.onset.row])
    return found, onset_s, ()


def known_dependencies(keys: Sequence[Key], calls: Sequence[Call]) -> tuple[Rule, ...]:
    """Return (cause, effect, where from) for every pair that calls or rules connect."""
    by_node: dict[str, list[Key]] = {}
    for key in keys:
        by_node.setdefault(key[0], []).append(key)
    found: dict[tuple[Key, Key], str] = {}
    for mine in by_node.values():
        for pair in _matching(mine, mine, frozenset(WITHIN)):
            found[pair] = "rule"
    for call in calls:
        below, above = by_node.get(call.callee, []), by_node.get(call.caller, [])
        for pair in _matching(below, above, frozenset(ACROSS)):
            found[pair] = "call"
    return tuple((cause, effect, found[cause, effect]) for cause, effect in sorted(found))


def _matching(
    causes: Sequence[Key], effects: Sequence[Key], rules: frozenset[tuple[str, str]]
) -> Iterable[tuple[Key, Key]]:
    for cause in causes:
        for effect in effects:
            kinds = (role_of(cause[1]).kind, role_of(effect[1]).kind)
            twins = kinds[0] != kinds[1] or cause[1] == effect[1]
            if cause != effect and kinds in rules and (twins or _lacks(causes, effect[1])):
                yield cause, effect


def _lacks(keys: Sequence[Key], metric: str) -> bool:
    """Whether no key has this metric, so that another of its kind stands in."""
    return all(key[1] != metric for key in keys)


def _test(
    panel: Panel,
    rules: Sequence[Rule],
    onset_s: float | None,
    lags: int,
    q: float,
    max_candidates: int,
    progress: Progress,
) -> Tested:
    keys, values, left_out = _complete(panel)
    at = {key: j for j, key in enumerate(keys)}
    known: dict[int, list[int]] = {}
    for cause, effect, _ in rules:
        if cause in at and effect in at and len(known.get(at[effect], [])) < MAX_KNOWN:
            known.setdefault(at[effect], []).append(at[cause])
    calm = values if onset_s is None else values[panel.times_s < onset_s]
    for rows in (calm, values):
        try:
            found = lagged_edges(
                rows, lags=lags, q=q, max_candidates=max_candidates, known=known, progress=progress
            )
        except InsufficientData as error:
            reason = error.reason
            continue
        linked = {frozenset((at[a], at[b])) for a, b, _ in rules if a in at and b in at}
        linked |= {
            frozenset(p) for p in zip(found.source.tolist(), found.target.tolist(), strict=True)
        }
        return Tested(keys, found, residual_correlations(found.residuals, linked, q), left_out)
    return Tested(keys, None, (), (*left_out, ("*", reason)))


def _complete(panel: Panel) -> tuple[tuple[Key, ...], FloatArray, tuple[tuple[str, str], ...]]:
    keys, columns, left_out = [], [], []
    rows = np.arange(panel.times_s.size)
    for j, key in enumerate(panel.keys):
        seen = np.isfinite(panel.values[:, j])
        coverage = float(seen.mean())
        if coverage < MIN_COVERAGE:
            left_out.append((node_id(key), f"has samples in {coverage:.0%} of the intervals"))
            continue
        filled = np.interp(rows, rows[seen], panel.values[seen, j])
        if np.ptp(filled) <= 1e-12 * max(1.0, float(np.abs(filled).max())):
            left_out.append((node_id(key), "does not vary"))
            continue
        keys.append(key)
        columns.append(filled)
    values = np.column_stack(columns) if columns else np.empty((rows.size, 0))
    return tuple(keys), values, tuple(left_out)


def _strongest(edges: Sequence[CausalEdge]) -> tuple[CausalEdge, ...]:
    """One edge per pair and direction: evidence of a known and a lagged edge is joined."""
    merged: dict[tuple[str, str], CausalEdge] = {}
    for edge in edges:
        pair = (edge.source, edge.target)
        other = merged.get(pair)
        merged[pair] = edge if other is None else _joined(other, edge)
    return tuple(merged[pair] for pair in sorted(merged))


def _joined(known: CausalEdge, lagged: CausalEdge) -> CausalEdge:
    best = max((known, lagged), key=lambda edge: (edge.kind == "causes", abs(edge.weight)))
    return CausalEdge(
        known.source,
        known.target,
        best.kind,
        best.weight,
        best.lag_s,
        max(known.confidence, lagged.confidence),
        (*known.evidence, *lagged.evidence),
    )
