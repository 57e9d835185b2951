"""Frozen results of the causal engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engines.causal.inputs import Key
from engines.sentence import say

NodeKind = Literal["event", "metric", "decision", "outcome"]
EdgeKind = Literal["causes", "contributes", "correlates"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """One reason, for a machine and for a reader.

    Attributes
    ----------
    key : str
        Stable word, e.g. ``"granger"``; the key of its translation.
    values : tuple of (name, value)
        The numbers and names in the sentence.
    sentence : str
        The same in English.
    """

    key: str
    values: tuple[tuple[str, str | float], ...]
    sentence: str


@dataclass(frozen=True, slots=True)
class CausalNode:
    """A vertex: a metric of a service or model, an event, or an outcome.

    Attributes
    ----------
    node_id : str
        ``"<entity>|<metric>"`` or ``"event|<event id>"``.
    kind : str
        ``event``, ``metric``, ``decision`` or ``outcome``.
    entity : str
        Service or model; the cluster it folds into.
    metric : str
        Metric name, or the event's kind.
    label : str
        Short text for a reader.
    score : float
        log(1 + z) of its deviation at the end of the window, 0 if it has none.
    onset_s : float or None
        When it left its normal range, Unix seconds.
    """

    node_id: str
    kind: NodeKind
    entity: str
    metric: str
    label: str
    score: float = 0.0
    onset_s: float | None = None


@dataclass(frozen=True, slots=True)
class CausalEdge:
    """A dependency from `source` (earlier, cause side) to `target`.

    Attributes
    ----------
    source, target : str
        Node ids. For ``correlates`` the order is alphabetical and means nothing.
    kind : str
        ``causes``: topology or rule with evidence in the data, or a lagged test below the error
        rate. ``contributes``: a known dependency that this window neither confirms nor denies, or
        a partial share. ``correlates``: moves together, direction unknown.
    weight : float
        Standardised effect in [-1, 1], or 0 where it was not measured.
    lag_s : float
        Seconds from source to target; 0 within one interval.
    confidence : float
        In (0, 1); 1 - q for a test.
    evidence : tuple of Evidence
        Why the edge is there.
    """

    source: str
    target: str
    kind: EdgeKind
    weight: float
    lag_s: float
    confidence: float
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class CausalGraph:
    """What depends on what, and why we think so.

    Attributes
    ----------
    nodes, edges : tuple
        Sorted by id and by (source, target).
    n_rows : int
        Intervals used.
    step_s : float
        Length of an interval in seconds.
    window_s : tuple of float
        First and last interval, Unix seconds.
    n_tests : int
        Ordered pairs tested for lagged influence (the family of the error-rate control).
    left_out : tuple of (node id, reason)
        Series too thin or constant to test.
    method : str
        Name and version of the method.
    """

    nodes: tuple[CausalNode, ...]
    edges: tuple[CausalEdge, ...]
    n_rows: int
    step_s: float
    window_s: tuple[float, float]
    n_tests: int
    left_out: tuple[tuple[str, str], ...]
    method: str = say(
        "methods.causal_graph", "topology + rules + screened conditional Granger, version 1"
    )


@dataclass(frozen=True, slots=True)
class ChainStep:
    """One link on the way from a cause to the effect.

    Attributes
    ----------
    node : str
        Service, model, or event target.
    metric : str
        Metric that moved, or the event's kind.
    z : float
        Its deviation in robust standard deviations; 0 for an event or an unmeasured node.
    onset_s : float or None
        When it moved, or when the event happened.
    event_id : str or None
        Set when the step is an event.
    """

    node: str
    metric: str
    z: float
    onset_s: float | None
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class RankedCause:
    """One suspect.

    Attributes
    ----------
    rank : int
        From 1.
    node, metric : str
        Who, and by which metric it shows most.
    score : float
        Ranking score, >= 0; comparable within one result only.
    confidence : float
        Calibrated probability in [0, 1] that this is the true cause.
    share : float or None
        Share of the effect's excess it explains by itself (mass balance) or of the blame it
        absorbs (walk), in [0, 1]; None where neither could be computed.
    z : float
        Deviation of `metric` in robust standard deviations.
    onset_s : float or None
        When it left its normal range.
    event_id : str or None
        The deployment or change on this node that came just before.
    chain : tuple of ChainStep
        From the cause to the effect; empty without an effect or a path.
    evidence, against : tuple of Evidence
        What speaks for it and what speaks against it.
    """

    rank: int
    node: str
    metric: str
    score: float
    confidence: float
    share: float | None
    z: float
    onset_s: float | None
    event_id: str | None
    chain: tuple[ChainStep, ...]
    evidence: tuple[Evidence, ...]
    against: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class RootCauseResult:
    """The answer to "why is this number red".

    Attributes
    ----------
    effect : (node, metric) or None
        The number asked about; None for a search over the whole system.
    onset_s : float or None
        When the effect left its normal range; None if it never did.
    effect_z : float
        Deviation of the effect in robust standard deviations.
    causes : tuple of RankedCause
        Suspects, best first. They are listed even when `abstained`, as places to look.
    abstained : bool
        True when no cause is named.
    reason : str
        Why not, or "" when a cause is named.
    method : str
        ``mass_balance``, ``walk`` or ``deviation``, with ``+wire`` and ``+logs`` where used.
    n_before, n_after, n_reference : int
        Intervals before the onset, after it, and in the reference history.
    step_s : float
        Length of an interval in seconds.
    """

    effect: Key | None
    onset_s: float | None
    effect_z: float
    causes: tuple[RankedCause, ...]
    abstained: bool
    reason: str
    method: str
    n_before: int
    n_after: int
    n_reference: int
    step_s: float

    @property
    def cause(self) -> RankedCause | None:
        """The named cause, or None when abstaining."""
        return None if self.abstained or not self.causes else self.causes[0]
