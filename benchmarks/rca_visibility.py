"""Do code faults show in the metrics of their own pod at all? Real faults against quiet moments.

``python -m benchmarks.rca_visibility``; data from ``AIOBS_BENCH_DATA``. Not an engine: it may look
ahead. For each statistic a pod's shift (mean of four rows, less the median of eight before) is
compared with the same pod's shifts over the whole day, two-sided, and the pods are ranked by that
share. If a fault shows, the faulty pod ranks better than the same pods do at random moments.
"""

from __future__ import annotations

import numpy as np

from benchmarks.rca_nezha import Day, read_day
from benchmarks.rca_report import data_folder, write
from benchmarks.rca_simulator import Array
from engines.causal.panel import build_panel

CODE = ("return", "exception")
BEFORE, AFTER, DRAWS = 8, 4, 300
SOURCES = {
    "cpu": "CpuUsage(m)",
    "memory": "MemoryUsage(Mi)",
    "received": "NetworkReceiveBytes",
    "sent": "NetworkTransmitBytes",
    "workload": "PodWorkload(Ops)",
    "latency": "PodServerLatencyP90(s)",
}


def read_pods(day: Day) -> tuple[list[str], Array, dict[str, Array]]:
    """Services, minutes, and per source an array of shape (minutes, services)."""
    last = max(at for at, _, _ in day.faults)  # one pod's clock is years ahead
    panel = build_panel({k: s for k, s in day.metrics.items() if s.times_s[0] < last}, 60.0)
    at = {key: j for j, key in enumerate(panel.keys)}
    names = sorted({node for node, _ in panel.keys})
    empty = np.full(panel.times_s.size, np.nan)
    columns = {
        short: np.column_stack(
            [panel.values[:, at[n, full]] if (n, full) in at else empty for n in names]
        )
        for short, full in SOURCES.items()
    }
    return names, panel.times_s, columns


def statistics(pods: dict[str, Array]) -> dict[str, Array]:
    """Each metric, and the work per request: two-sided, on scales on which shifts are shares."""
    log = {k: np.log(np.maximum(pods[k], 1e-4)) for k in ("cpu", "received", "sent", "latency")}
    load = np.sqrt(pods["workload"])
    return {
        **log,
        "memory": pods["memory"],
        "workload": load,
        "sent per byte received": log["sent"] - log["received"],
        "cpu per byte received": log["cpu"] - log["received"],
        "cpu left by workload": _left(log["cpu"], load),
        "received left by workload": _left(log["received"], load),
    }


def _left(y: Array, x: Array) -> Array:
    """What a line through all minutes of the pod leaves."""
    out = np.full_like(y, np.nan)
    for j in range(y.shape[1]):
        ok = np.isfinite(y[:, j]) & np.isfinite(x[:, j])
        if ok.sum() >= 50 and x[ok, j].std() > 0:
            slope, level = np.polyfit(x[ok, j], y[ok, j], 1)
            out[:, j] = y[:, j] - level - slope * x[:, j]
    return out


def ranks(values: Array) -> Array:
    """Mean-of-ties rank of every pod at every row by how rare its shift is; 1 is rarest."""
    rows = values.shape[0] - BEFORE - AFTER + 1
    view = np.lib.stride_tricks.sliding_window_view(values, BEFORE + AFTER, axis=0)[:rows]
    shift = np.nanmean(view[..., BEFORE:], axis=2) - np.nanmedian(view[..., :BEFORE], axis=2)
    rare = np.ones_like(shift)
    for j in range(shift.shape[1]):
        seen = np.sort(shift[np.isfinite(shift[:, j]), j])
        ok = np.isfinite(shift[:, j])
        low = np.searchsorted(seen, shift[ok, j], side="right")
        high = seen.size - np.searchsorted(seen, shift[ok, j], side="left")
        rare[ok, j] = np.minimum(1, 2 * (1 + np.minimum(low, high)) / (1 + seen.size))
    less = (rare[:, None, :] < rare[:, :, None]).sum(axis=2)
    same = (rare[:, None, :] == rare[:, :, None]).sum(axis=2)
    return np.asarray(1 + less + (same - 1) / 2)


def compare(day: Day) -> dict[str, dict[str, float]]:
    names, times, pods = read_pods(day)
    faults = [
        (at, names.index(who)) for at, who, kind in day.faults if kind in CODE and who in names
    ]
    who = np.array([pod for _, pod in faults])
    rows = np.array([np.searchsorted(times, at) - BEFORE for at, _ in faults])
    rng = np.random.default_rng(0)
    found = {}
    for name, values in statistics(pods).items():
        rank = ranks(values)
        keep = (rows >= 0) & (rows < rank.shape[0])
        real = rank[rows[keep], who[keep]]
        by_chance = rank[rng.integers(0, rank.shape[0], (DRAWS, keep.sum())), who[keep]]
        chance = (1 + (by_chance.mean(axis=1) <= real.mean()).sum()) / (1 + DRAWS)
        found[name] = {
            "n": int(keep.sum()),
            "mean_rank": round(float(real.mean()), 1),
            "mean_rank_at_random_moments": round(float(by_chance.mean()), 1),
            "p": round(float(chance), 3),
            "first": int((real < 2).sum()),
            "first_at_random_moments": round(float((by_chance < 2).sum(axis=1).mean()), 2),
        }
    return found


def main() -> None:
    root = data_folder() / "rca" / "nezha"
    folders = sorted(p for p in root.iterdir() if (p / "metric").is_dir())
    with np.errstate(all="ignore"):
        write("rca_visibility", {folder.name: compare(read_day(folder)) for folder in folders})


if __name__ == "__main__":
    main()
