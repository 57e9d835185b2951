"""What would have emitted less: caching, another region, another hour, a smaller model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError, InsufficientData
from engines.sentence import say
from engines.sustainability import llm
from engines.sustainability.llm import ModelSize
from engines.sustainability.result import Floats, Saving

MIN_PROMPTS = 50
"""Fewer prompts say too little about how often they repeat."""
_DAY_MS = 86_400_000


def cache_repeats(
    model_id: str,
    prompts: Sequence[str],
    times_ms: NDArray[np.int64],
    emitted_g: float,
    *,
    keep_ms: int = _DAY_MS,
) -> Saving:
    """Return what answering repeated prompts from a cache would have saved.

    Parameters
    ----------
    model_id : str
        The model that answered.
    prompts : sequence of str
        Prompt with its context, oldest first; compared exactly, but for case and white space.
    times_ms : NDArray[np.int64]
        When each came, ascending.
    emitted_g : float
        g CO2e of running the model for these prompts.
    keep_ms : int
        How long a cache keeps an answer.

    Returns
    -------
    Saving
        `share` is the share of prompts that came again within `keep_ms`; carbon is taken as
        spread evenly over prompts.

    Raises
    ------
    InsufficientData
        Under 50 prompts.

    Notes
    -----
    Counted on the prompts themselves, so it is a fact of this window and no forecast. A cache
    that keeps at most some entries hits less; one that matches by meaning hits more, and errs.

    Examples
    --------
    >>> import numpy as np
    >>> asked = ["How long?", "how  long?", "Where?"] * 20
    >>> round(cache_repeats("m", asked, np.arange(60), 100.0).share, 3)  # 58 of 60
    0.967
    """
    if len(prompts) < MIN_PROMPTS:
        reason = say(
            "reasons.repeats_need_prompts",
            "counting repeats needs {needed, number} prompts, got {got, number}",
            needed=MIN_PROMPTS,
            got=len(prompts),
        )
        raise InsufficientData(reason, needed=MIN_PROMPTS, got=len(prompts))
    last: dict[str, int] = {}
    hits = 0
    for prompt, at in zip(prompts, times_ms.tolist(), strict=True):
        key = " ".join(prompt.split()).casefold()
        before = last.get(key)
        if before is not None and at - before <= keep_ms:
            hits += 1
        last[key] = at
    share = hits / len(prompts)
    facts: dict[str, float | str] = {"repeats": float(hits), "different": float(len(last))}
    return Saving("caching", model_id, share * emitted_g, share, len(prompts), facts)


def shift_region(
    energy_kwh: Mapping[str, float], g_per_kwh: Mapping[str, float], n: Mapping[str, int]
) -> list[Saving]:
    """Return what running each region's work in the cleanest allowed region would have saved.

    Parameters
    ----------
    energy_kwh : mapping of str to float
        Facility energy per region.
    g_per_kwh : mapping of str to float
        Carbon intensity of every region that is allowed, the present ones included.
    n : mapping of str to int
        Requests per region.

    Returns
    -------
    list of Saving
        Largest first; regions that are already the cleanest are left out.

    Raises
    ------
    EngineError
        When a region with energy has no intensity.

    Notes
    -----
    saved = E_r (I_r − I_best). Latency, data residency and prices of the target are not in it.

    Examples
    --------
    >>> [s.saved_g for s in shift_region({"a": 2.0, "b": 1.0}, {"a": 400, "b": 100}, {})]
    [600.0]
    """
    missing = sorted(set(energy_kwh) - set(g_per_kwh))
    if missing:
        raise EngineError(f"no carbon intensity for region {missing[0]!r}")
    if not g_per_kwh:
        return []
    best = min(sorted(g_per_kwh), key=lambda region: g_per_kwh[region])
    found = []
    for region, energy in energy_kwh.items():
        apart = g_per_kwh[region] - g_per_kwh[best]
        if apart <= 0 or energy <= 0:
            continue
        facts: dict[str, float | str] = {
            "target": best,
            "from_g_per_kwh": float(g_per_kwh[region]),
            "to_g_per_kwh": float(g_per_kwh[best]),
        }
        share = apart / g_per_kwh[region]
        found.append(Saving("region", region, energy * apart, share, n.get(region, 0), facts))
    return sorted(found, key=lambda saving: -saving.saved_g)


def shift_hours(
    region: str,
    energy_kwh: Floats,
    g_per_kwh: Floats,
    hours_ms: NDArray[np.int64],
    *,
    deferrable_share: float,
) -> Saving:
    """Return what moving part of the work to the cleanest hour of its day would have saved.

    Parameters
    ----------
    region : str
        Where.
    energy_kwh, g_per_kwh : Floats
        Energy and intensity per hour; hours whose intensity is NaN are left out.
    hours_ms : NDArray[np.int64]
        Start of each hour, epoch milliseconds; days are UTC.
    deferrable_share : float
        Share (0-1) of the work that can wait: a statement of the tenant, not measured.

    Returns
    -------
    Saving
        `share` is of what these hours emitted.

    Raises
    ------
    InsufficientData
        When fewer than 12 hours have an intensity.
    EngineError
        When the share is outside 0-1.

    Examples
    --------
    >>> import numpy as np
    >>> hours = np.arange(24) * 3_600_000
    >>> grams = np.where(np.arange(24) == 12, 100.0, 300.0)
    >>> round(shift_hours("x", np.ones(24), grams, hours, deferrable_share=0.5).saved_g)
    2300
    """
    if not 0 <= deferrable_share <= 1:
        raise EngineError(f"a share is 0 to 1, got {deferrable_share}")
    known = np.isfinite(g_per_kwh) & np.isfinite(energy_kwh)
    if known.sum() < 12:
        reason = say(
            "reasons.shifting_needs_hours",
            "shifting hours needs {needed, number} hours with an intensity, got {got, number}",
            needed=12,
            got=int(known.sum()),
        )
        raise InsufficientData(reason, needed=12, got=int(known.sum()))
    energy, grams = energy_kwh[known], g_per_kwh[known]
    days = hours_ms[known] // _DAY_MS
    saved = 0.0
    for day in np.unique(days):
        one = days == day
        saved += float((energy[one] * (grams[one] - grams[one].min())).sum()) * deferrable_share
    emitted = float((energy * grams).sum())
    best = int(hours_ms[known][grams.argmin()] // 3_600_000 % 24)
    facts: dict[str, float | str] = {"deferrable": deferrable_share, "hour": float(best)}
    share = saved / emitted if emitted else 0.0
    return Saving("hour", region, saved, share, int(known.sum()), facts)


def use_smaller(
    model_id: str, size: ModelSize, smaller: str, smaller_size: ModelSize, tokens: float,
    emitted_g: float, *, n: int,
) -> Saving:  # fmt: skip
    """Return what a smaller model would have saved for the same tokens.

    Parameters
    ----------
    model_id, smaller : str
        The model in use and its replacement.
    size, smaller_size : ModelSize
        Their sizes.
    tokens : float
        Tokens generated in the window.
    emitted_g : float
        g CO2e of running the model for them.
    n : int
        Requests behind the tokens.

    Returns
    -------
    Saving
        Both energies are modelled, so only their ratio enters: saved = emitted (1 − E_small / E).

    Notes
    -----
    Says nothing about quality: compare trust and value of the smaller model before you switch.

    Examples
    --------
    >>> big, small = ModelSize(70, 70), ModelSize(8, 8)
    >>> round(use_smaller("big", big, "small", small, 1e6, 100.0, n=1).share, 2)
    0.86
    """
    token = np.array([max(tokens, 1.0)])
    now = float(llm.generate(size, token).energy_it_kwh[0])
    then = float(llm.generate(smaller_size, token).energy_it_kwh[0])
    share = max(0.0, 1 - then / now)
    return Saving("smaller_model", model_id, share * emitted_g, share, n, {"target": smaller})
