"""Every constant of the root-cause search, in one frozen table."""

from __future__ import annotations

from dataclasses import dataclass, field

from engines.causal.anomaly import Floors


@dataclass(frozen=True, slots=True)
class RootCauseSettings:
    """Constants of :func:`engines.causal.find_root_cause`.

    Attributes
    ----------
    floors : Floors
        Least scales of a deviation.
    threshold : float
        Robust standard deviations that count as out of range (three-sigma rule).
    without_share : float
        Weight a0 of a suspect whose cost was not measured: score = S x (a0 + share). Measured on
        public training faults: .1 keeps unmeasured suspects alive, 1 lets deviation overrule mass.
    spread : float
        Weight of the mean deviation of a node's metrics beside the largest one.
    measured_latency : float
        Weight of a node's own latency metrics where its calls are measured on both ends: the edges
        carry the same news with less inherited from below.
    ridge : float
        Penalty, as a share of the rows, of the regression on anomalous callees.
    ridge_min_rows : int
        Fewer complete rows than this: no regression.
    event_lookback_s : float
        An event older than this before the onset is not its trigger.
    event_fade_s : float
        Time over which the weight of an event before the onset falls to 1/e.
    event_weight : float
        A node with an event at the very onset scores (1 + event_weight) times as much.
    log_weight : float
        Weight of new error messages beside the deviation of metrics.
    max_false_alarm : float
        Where the history is long enough to replay: at most this share of its quiet windows may look
        as bad as the effect, else no cause is named. It replaces the threshold there.
    min_confidence : float
        Below this calibrated confidence no cause is named.
    """

    floors: Floors = field(default_factory=Floors)
    threshold: float = 3.0
    without_share: float = 0.1
    spread: float = 0.2
    measured_latency: float = 0.3
    ridge: float = 0.05
    ridge_min_rows: int = 30
    event_lookback_s: float = 3600.0
    event_fade_s: float = 1800.0
    event_weight: float = 0.5
    log_weight: float = 0.5
    max_false_alarm: float = 0.03
    min_confidence: float = 0.3
