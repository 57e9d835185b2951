"""Misuse of API keys: revoked ones still sent, and what a key's own past does not explain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec
import numpy as np
from numpy.typing import NDArray

from connectors.errors import Conflict as Changed
from connectors.selector import select
from engines.security import KeyActivity, KeyMisuse, Misuse, find_key_misuse
from services.access import ACCESS
from services.identity import permitted
from services.times import DAY_MS, HOUR_MS, Window
from services.workspace import Workspace

PAST_MS = 14 * DAY_MS
MAX_ADDRESSES = 500
KEPT_MS = 60 * DAY_MS
_KIND = "key_addresses"
_LEARN_MS = DAY_MS
_FRESH_S = 30.0
_USES = ("answered", "permission", "wrong_secret")

Hours = NDArray[np.bool_]


class RevokedUse(msgspec.Struct, frozen=True):
    """A revoked key that came with its right secret: somebody still holds it."""

    key: str
    requests: int
    last_ms: int


class KeyMisuseView(msgspec.Struct, frozen=True):
    """What stands out among the keys of a window; `past_days` is what each was compared with."""

    window: Window
    computed_at_ms: int
    past_days: float
    keys: int
    revoked: list[RevokedUse]
    found: KeyMisuse


class Addresses(msgspec.Struct, frozen=True):
    """From when a key is watched, and first and last use per keyed hash of an address."""

    since_ms: int
    seen: dict[str, tuple[int, int]] = {}


@permitted("maintain:run")
def record_addresses(ws: Workspace, used: Mapping[str, Iterable[str]], at_ms: int) -> None:
    """Note from which addresses keys were used, by keyed hash; the addresses are not stored."""
    for key_id, addresses in used.items():
        record = ws.records.get(_KIND, key_id)
        known = msgspec.convert(record.body, Addresses) if record else Addresses(at_ms)
        seen = {a: times for a, times in known.seen.items() if times[1] > at_ms - KEPT_MS}
        for address in addresses:
            seen[address] = (seen.get(address, (at_ms, at_ms))[0], at_ms)
        newest = sorted(seen.items(), key=lambda item: -item[1][1])[:MAX_ADDRESSES]
        made = msgspec.structs.replace(known, seen=dict(newest))
        try:
            ws.records.put(
                _KIND, key_id, msgspec.to_builtins(made),
                expected_revision=record.revision if record else 0,
            )  # fmt: skip
        except Changed:
            continue  # another process notes the same key; this address comes again within an hour


@permitted("security:read")
def get_key_misuse(ws: Workspace, window: Window) -> KeyMisuseView:
    """Return revoked keys in use, and keys whose past does not explain what they do now."""
    return ws.cached(
        f"key_misuse/{window.seen_from(ws.now_ms())}", KeyMisuseView,
        lambda: _view(ws, window), fresh_s=_FRESH_S,
    )  # fmt: skip


def _view(ws: Workspace, window: Window) -> KeyMisuseView:
    start = (window.start_ms - PAST_MS) // HOUR_MS * HOUR_MS
    times = np.arange(start, window.end_ms, HOUR_MS, dtype=np.int64)
    counts = _hourly(ws, times, window.end_ms)
    keys = sorted({key for key, reason in counts if reason in _USES} - {"", "local"})
    is_now = times >= window.start_ms // HOUR_MS * HOUR_MS
    activities = [one for key in keys for one in _activities(ws, key, counts, times, is_now)]
    used = [
        key for key in keys
        if any((n[is_now] > 0).any() for (of, _), n in counts.items() if of == key)
    ]  # fmt: skip
    return KeyMisuseView(
        window, ws.now_ms(), PAST_MS / DAY_MS, len(used), _revoked(counts, times, is_now),
        find_key_misuse(activities),
    )  # fmt: skip


def _hourly(
    ws: Workspace, times: NDArray[np.int64], end_ms: int
) -> dict[tuple[str, str], NDArray[np.float64]]:
    found = ws.metrics.window(
        select(ACCESS, {}), int(times[0]), end_ms, HOUR_MS,
        over_time="sum", across="sum", by=("key_id", "reason"),
    )  # fmt: skip
    made = {}
    for points in found:
        row = np.zeros(len(times))
        at = np.searchsorted(times, points.timestamps_ms)
        inside = at < len(times)
        row[at[inside]] = np.nan_to_num(points.values[inside])
        made[points.series.label("key_id"), points.series.label("reason")] = row
    return made


def _activities(
    ws: Workspace,
    key: str,
    counts: Mapping[tuple[str, str], NDArray[np.float64]],
    times: NDArray[np.int64],
    is_now: Hours,
) -> list[KeyActivity]:
    none = np.zeros(len(times))
    answered, denied, wrong = (
        counts.get((key, reason), none) > 0 for reason in ("answered", "permission", "wrong_secret")
    )
    active = answered | denied
    known = np.flatnonzero(active | wrong)
    watched = np.arange(len(times)) >= (known[0] if len(known) else len(times))
    made = [
        _compare(key, "permission", denied, active, is_now),
        _compare(key, "wrong_secret", wrong, watched, is_now),
    ]
    record = ws.records.get(_KIND, key)
    if record is None:
        return made
    known = msgspec.convert(record.body, Addresses)
    if len(known.seen) < MAX_ADDRESSES:  # a full register forgets: what it forgot would look new
        made.append(_new_addresses(key, known, times, active, is_now, ws.now_ms() - KEPT_MS))
    return made


def _compare(key: str, kind: Misuse, events: Hours, among: Hours, is_now: Hours) -> KeyActivity:
    """Hours with the event among the hours in which it could happen: a burst counts once."""
    now, past = among & is_now, among & ~is_now
    return KeyActivity(
        key, kind, int((events & now).sum()), int(now.sum()), int((events & past).sum()),
        int(past.sum()),
    )  # fmt: skip


def _new_addresses(
    key: str, known: Addresses, times: NDArray[np.int64], active: Hours, is_now: Hours, kept_ms: int
) -> KeyActivity:
    """Addresses by the hour they first came in; a key's first day only teaches its own ones, and
    what came before `kept_ms` may be forgotten."""
    begin = int(times[is_now][0])
    learnt = max(known.since_ms + _LEARN_MS, int(times[0]), kept_ms)
    first = [start for start, _ in known.seen.values() if start >= learnt]
    watched = active & (times >= learnt)
    return KeyActivity(
        key, "new_address", sum(start >= begin for start in first), int((watched & is_now).sum()),
        sum(start < begin for start in first), int((watched & ~is_now).sum()),
    )  # fmt: skip


def _revoked(
    counts: Mapping[tuple[str, str], NDArray[np.float64]], times: NDArray[np.int64], is_now: Hours
) -> list[RevokedUse]:
    made = []
    for (key, reason), row in sorted(counts.items()):
        now = row * is_now
        if reason == "revoked_key" and now.any():
            last = int(times[np.flatnonzero(now)[-1]])
            made.append(RevokedUse(key, int(now.sum()), last))
    return made
