"""Which deployment or change came just before a node moved."""

from __future__ import annotations

import math
from collections.abc import Sequence

from engines.causal.inputs import Event

CHANGES = ("deployment", "config_change", "data_change", "change", "rollout", "feature_flag")
"""Kinds of event that somebody did; an incident or alert is an effect and never a trigger."""


def trigger_of(
    node: str, onset_s: float, events: Sequence[Event], lookback_s: float, slack_s: float
) -> Event | None:
    """Return the latest change to `node` in the time before `onset_s`.

    Parameters
    ----------
    node : str
        Service or model.
    onset_s : float
        When it moved, Unix seconds.
    events : sequence of Event
        Any kinds; only changes count.
    lookback_s : float
        An event older than this is no trigger.
    slack_s : float
        An event may carry a time this much after the onset: one interval of the grid.

    Returns
    -------
    Event or None
        Of several at one time, the one with the smallest id.

    Examples
    --------
    >>> deploy = Event("d1", 100.0, "deployment", "cart")
    >>> trigger_of("cart", 160.0, [deploy], 3600.0, 60.0) is deploy
    True
    """
    fitting = [
        event
        for event in events
        if event.target == node
        and event.kind in CHANGES
        and onset_s - lookback_s <= event.time_s <= onset_s + slack_s
    ]
    return min(fitting, key=lambda event: (-event.time_s, event.event_id), default=None)


def trigger_weight(event: Event | None, onset_s: float, weight: float, fade_s: float) -> float:
    """Return the factor on a suspect's score: 1 without an event, 1 + weight at the onset itself.

    Examples
    --------
    >>> trigger_weight(Event("d1", 100.0, "deployment", "cart"), 100.0, 0.5, 1800.0)
    1.5
    """
    if event is None:
        return 1.0
    return 1.0 + weight * math.exp(-max(0.0, onset_s - event.time_s) / fade_s)
