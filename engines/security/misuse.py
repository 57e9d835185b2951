"""Misuse of keys: what a key does more often than its own past explains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engines.errors import EngineError

Misuse = Literal["permission", "wrong_secret", "new_address"]
MIN_PAST_H = 24
"""Hours of its own past that a key needs before it can be judged: judgement."""


@dataclass(frozen=True, slots=True)
class KeyActivity:
    """Events of one kind with one key now and before, each with the hours they could happen in."""

    key: str
    kind: Misuse
    events: int
    hours: int
    past_events: int
    past_hours: int


@dataclass(frozen=True, slots=True)
class KeySignal:
    """An activity that its past does not explain, with the chance of so many events or more."""

    activity: KeyActivity
    p_value: float


@dataclass(frozen=True, slots=True)
class KeyMisuse:
    """Signals, most surprising first; how many were tested; keys too young to be judged."""

    signals: tuple[KeySignal, ...]
    tested: int
    young: tuple[str, ...]


def find_key_misuse(
    activities: Sequence[KeyActivity],
    *,
    false_discovery: float = 0.01,
    min_past_hours: int = MIN_PAST_H,
) -> KeyMisuse:
    """Return the activities that stand out against each key's own past.

    Parameters
    ----------
    activities : sequence of KeyActivity
        One per key and kind. Events that come in bursts (a program that tries again and again) are
        to be counted once per hour.
    false_discovery : float
        Expected share of false ones among those returned (Benjamini and Hochberg 1995).
    min_past_hours : int
        Keys with less past are named as young and not tested.

    Returns
    -------
    KeyMisuse

    Raises
    ------
    EngineError
        When a count is negative.

    Notes
    -----
    H0: per hour, events come at the same rate now as before. Given all events, those that fall in
    the hours of now are then binomial with the share of these hours; the p value is its upper tail,
    exact for Poisson counts and conservative for at most one event an hour (Przyborowski and
    Wilenski 1940). Small numbers need no rule of their own: one event has a p value no smaller than
    the share of the hours. What breaks it: a job that changed for a good reason looks the same.

    Examples
    --------
    >>> found = find_key_misuse([KeyActivity("k1", "permission", 4, 24, 0, 216)])
    >>> found.signals[0].p_value  # (24 / 240) ** 4
    0.0001

    References
    ----------
    Przyborowski and Wilenski (1940), Homogeneity of results in testing samples from Poisson series,
    Biometrika 31; Benjamini and Hochberg (1995), JRSS B 57.
    """
    from scipy.stats import binom

    tests: list[KeySignal] = []
    young: list[str] = []
    for one in activities:
        if min(one.events, one.hours, one.past_events, one.past_hours) < 0:
            raise EngineError(f"counts are 0 or more, got {one}")
        if one.past_hours < min_past_hours:
            young.append(one.key)
        elif one.hours:
            total, share = one.events + one.past_events, one.hours / (one.hours + one.past_hours)
            p = float(binom.sf(one.events - 1, total, share)) if one.events else 1.0
            tests.append(KeySignal(one, round(p, 12)))
    tests.sort(key=lambda test: (test.p_value, test.activity.key, test.activity.kind))
    passed = 0
    for rank, test in enumerate(tests, 1):
        if test.p_value <= false_discovery * rank / len(tests):
            passed = rank
    return KeyMisuse(tuple(tests[:passed]), len(tests), tuple(dict.fromkeys(young)))
