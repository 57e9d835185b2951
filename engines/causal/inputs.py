"""What the causal engine reads: series, calls, events and log templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from engines.errors import EngineError

FloatArray = npt.NDArray[np.float64]
Key = tuple[str, str]
"""A metric of a service or model: ``(node, metric)``."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One metric over time.

    Attributes
    ----------
    times_s : array of shape (n,)
        Unix seconds, any order, any spacing.
    values : array of shape (n,)
        Measurements; NaN marks a missing one.
    """

    times_s: FloatArray
    values: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """One observed dependency: `caller` calls `callee`.

    Attributes
    ----------
    caller, callee : str
        Node names. Faults travel from callee to caller.
    requests : Series, optional
        Calls per interval on this edge alone.
    latency_caller_s, latency_callee_s : Series, optional
        Latency of this edge in seconds as the caller waits for it, and as the callee serves it.
    """

    caller: str
    callee: str
    requests: Series | None = None
    latency_caller_s: Series | None = None
    latency_callee_s: Series | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that was done or happened: a deployment, a configuration or data change.

    Attributes
    ----------
    event_id : str
        Its identity in the event store.
    time_s : float
        Unix seconds.
    kind : str
        ``deployment``, ``config_change``, ``data_change``, ``incident`` or the sender's own word.
    target : str
        The node it touched.
    title : str
        One line for the reader.
    """

    event_id: str
    time_s: float
    kind: str
    target: str
    title: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class LogTemplate:
    """How often one log message pattern, or one exception, was written by a node.

    Attributes
    ----------
    node : str
        The service that wrote it.
    template : str
        The message with its variable parts removed, or the exception's type.
    counts : Series
        Occurrences per interval; a time without an entry counts as none.
    is_error : bool
        Error level or exception; other templates are ignored when ranking causes.
    """

    node: str
    template: str
    counts: Series
    is_error: bool = True


Metrics = Mapping[Key, "Series | tuple[Sequence[float], Sequence[float]]"]
"""Metric series by (node, metric); a pair is read as (times in seconds, values)."""


def read_metrics(metrics: Metrics | Any) -> dict[Key, Series]:  # Any: pandas ships no types
    """Return the series by key, sorted by key and each sorted by time.

    Parameters
    ----------
    metrics : mapping or pandas.DataFrame
        Mapping ``(node, metric) -> Series`` or ``(times, values)``. A frame has two column levels
        (node, metric) and an index of Unix seconds or of datetimes.

    Returns
    -------
    dict
        Copies; the input is never changed.

    Raises
    ------
    EngineError
        If a key is not a pair of strings, or times and values differ in length.

    Examples
    --------
    >>> read_metrics({("shop", "latency"): ([60, 0], [2.0, 1.0])})["shop", "latency"].values
    array([1., 2.])
    """
    items = metrics.items() if isinstance(metrics, Mapping) else _frame_items(metrics)
    clocks: dict[int, _Clock] = {}
    read = {_key(key): _series(key, value, clocks) for key, value in items}
    return {key: read[key] for key in sorted(read)}


def as_calls(topology: Sequence[Call | tuple[str, str]]) -> tuple[Call, ...]:
    """Return `topology` as sorted calls without self-calls; a pair is (caller, callee)."""
    calls = [item if isinstance(item, Call) else Call(item[0], item[1]) for item in topology]
    unique = {(call.caller, call.callee): call for call in calls if call.caller != call.callee}
    return tuple(unique[pair] for pair in sorted(unique))


def _key(key: Any) -> Key:  # Any: whatever the caller used as a key
    if not (isinstance(key, tuple) and len(key) == 2 and all(isinstance(k, str) for k in key)):
        raise EngineError(f"a metric key is a pair (node, metric) of texts, got {key!r}")
    return key


@dataclass(frozen=True, slots=True, eq=False)
class _Clock:
    """Times that were checked; many series share theirs."""

    given: Any  # held, so that its identity stays its own
    times_s: FloatArray
    order: npt.NDArray[np.intp] | None  # None: they were ascending


def _series(
    key: Key, value: Series | tuple[Sequence[float], Sequence[float]], clocks: dict[int, _Clock]
) -> Series:
    times, values = (
        (value.times_s, value.values) if isinstance(value, Series) else (value[0], value[1])
    )
    clock = clocks.get(id(times))
    if clock is None:
        clock = clocks[id(times)] = _clock(key, times)
    x = np.asarray(values, dtype=np.float64)
    if clock.times_s.ndim != 1 or clock.times_s.shape != x.shape:
        raise EngineError(f"{key}: {clock.times_s.size} times but {x.size} values")
    x = np.where(np.isfinite(x), x, np.nan)
    return Series(clock.times_s, x if clock.order is None else x[clock.order])


def _clock(key: Key, times: FloatArray | Sequence[float]) -> _Clock:
    t = np.asarray(times, dtype=np.float64)
    if not np.isfinite(t).all():
        raise EngineError(f"{key}: a time is not finite")
    if t.ndim != 1 or t.size < 2 or (np.diff(t) >= 0).all():
        return _Clock(times, t, None)
    order = np.argsort(t, kind="stable")
    return _Clock(times, t[order], order)


def _frame_items(frame: Any) -> list[tuple[Key, Series]]:  # Any: pandas ships no types
    index = frame.index
    if index.dtype.kind == "M" or hasattr(index, "tz"):
        times = index.as_unit("ns").asi8 / 1e9
    else:
        times = np.asarray(index, dtype=np.float64)
    values = frame.to_numpy(dtype=np.float64)
    shared = np.ascontiguousarray(times)
    return [
        (tuple(key) if isinstance(key, tuple) else key, Series(shared, values[:, j]))
        for j, key in enumerate(frame.columns)
    ]
