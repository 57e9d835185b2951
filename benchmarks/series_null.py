"""False alarms and power of correlation and anomalies over metric series, on simulated series.

`python -m benchmarks.series_null` prints the tables and writes `results/series_null.json`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.machine import facts
from engines.series import correlate, find_anomalies, find_count_anomalies
from engines.series.result import Floats

RUNS = 300
STEPS = 24 * 14
SEASON = 24
ALPHA = 0.05
Noise = Callable[[np.random.Generator, int], Floats]


def autoregressive(rng: np.random.Generator, n: int, phi: float) -> Floats:
    """AR(1) with unit innovations."""
    out = rng.normal(size=n)
    for index in range(1, n):
        out[index] += phi * out[index - 1]
    return out


def daily(n: int) -> Floats:
    """One sine a day with amplitude 3."""
    return np.asarray(3 * np.sin(np.arange(n) / SEASON * 2 * np.pi))


NOISES: dict[str, Noise] = {
    "white normal": lambda rng, n: rng.normal(size=n),
    "AR(1) 0.5": lambda rng, n: autoregressive(rng, n, 0.5),
    "AR(1) 0.9": lambda rng, n: autoregressive(rng, n, 0.9),
    "random walk": lambda rng, n: np.asarray(np.cumsum(rng.normal(size=n))),
    "Student t3": lambda rng, n: rng.standard_t(3, size=n),
    "lognormal": lambda rng, n: rng.lognormal(0.0, 0.7, size=n),
    "Poisson 3": lambda rng, n: rng.poisson(3, size=n).astype(float),
    "daily season + normal": lambda rng, n: daily(n) + rng.normal(size=n),
    "trend + normal": lambda rng, n: np.linspace(0, 10, n) + rng.normal(size=n),
}


def correlation_alarms(noise: Noise) -> dict[str, float]:
    """Share of runs with a related pair among six independent series; also for plain Spearman."""
    from scipy.stats import false_discovery_control, spearmanr

    ours = plain = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        table = np.column_stack([noise(rng, STEPS) for _ in range(6)])
        ours += any(p.is_related for p in correlate(table, season=SEASON, fdr=ALPHA).pairs)
        p_values = spearmanr(table).pvalue[np.triu_indices(6, 1)]
        plain += bool((false_discovery_control(p_values) <= ALPHA).any())
    return {"correlate": ours / RUNS, "plain Spearman": plain / RUNS}


def correlation_power(strength: float, noise: Noise) -> dict[str, float]:
    """Share of runs that find a pair linked at lag 2 among six series, and the right lag."""
    found = right = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        table = np.column_stack([noise(rng, STEPS) for _ in range(6)])
        scale = table[:, 0].std()
        table[2:, 1] += strength * table[:-2, 0] / scale * table[:, 1].std()
        pair = next(p for p in correlate(table, season=SEASON).pairs if (p.i, p.j) == (0, 1))
        found += pair.is_related
        right += pair.is_related and pair.lag == 2
    return {"found": found / RUNS, "right lag": right / RUNS}


def anomaly_alarms(noise: Noise) -> dict[str, float]:
    """Share of quiet series with a run; for three robust standard deviations as well."""
    ours = three = 0
    for seed in range(RUNS):
        values = noise(np.random.default_rng(seed), STEPS)
        ours += bool(find_anomalies(values, season=SEASON, alpha=ALPHA).runs)
        gap = np.abs(values - np.median(values))
        three += bool((gap > 3 * 1.4826 * np.median(gap)).any())
    return {"find_anomalies": ours / RUNS, "3 MAD": three / RUNS}


def anomaly_power(noise: Noise, height: float, spikes: tuple[int, ...] = (200,)) -> float:
    """Share of runs that find the last of some spikes of three steps, `height` standard deviations
    of the noise high (of its logarithm, where the noise is lognormal)."""
    found = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        values = noise(rng, STEPS)
        for at in spikes:
            if noise is NOISES["lognormal"]:
                values[at : at + 3] *= np.exp(0.7 * height)
            else:
                values[at : at + 3] += height
        runs = find_anomalies(values, season=SEASON, alpha=ALPHA).runs
        found += any(run.start <= spikes[-1] + 2 and run.end > spikes[-1] for run in runs)
    return found / RUNS


def counts_with(phi: float, share: float) -> Callable[[np.random.Generator], tuple[Floats, Floats]]:
    """Return a source of (errors, requests): a daily course of 700 requests a step on average, a
    share of them failing, with the variance `phi` times the mean."""
    requests = np.round(700 * (1 + 0.5 * daily(STEPS) / 3))
    mean = requests * share

    def draw(rng: np.random.Generator) -> tuple[Floats, Floats]:
        if phi == 1.0:
            return rng.poisson(mean).astype(float), requests
        return rng.negative_binomial(mean / (phi - 1), 1 / phi).astype(float), requests

    return draw


def count_anomalies(phi: float, share: float) -> dict[str, float]:
    """Share of quiet series with a run, and of those found in which 3 steps fail ten times as
    often."""
    draw = counts_with(phi, share)
    alarms = found = 0
    for seed in range(RUNS):
        rng = np.random.default_rng(seed)
        errors, requests = draw(rng)
        alarms += bool(find_count_anomalies(errors, requests, alpha=ALPHA).runs)
        errors[200:203] += rng.poisson(9 * share * requests[200:203])
        runs = find_count_anomalies(errors, requests, alpha=ALPHA).runs
        found += any(run.start <= 202 and run.end >= 201 for run in runs)
    return {"false_alarms": alarms / RUNS, "ten_times_found": found / RUNS}


def main() -> None:
    """Run every table."""
    started = time.process_time()
    result: dict[str, object] = {
        "machine": facts(), "runs": RUNS, "steps": STEPS, "alpha": ALPHA,
        "correlation_false_alarms": {name: correlation_alarms(f) for name, f in NOISES.items()},
        "correlation_power_lag_2": {
            f"{name}, strength {s}": correlation_power(s, NOISES[name])
            for name in ("white normal", "AR(1) 0.9", "Student t3") for s in (0.2, 0.3, 0.5)
        },
        "anomaly_false_alarms": {name: anomaly_alarms(f) for name, f in NOISES.items()},
        "anomaly_power": {
            f"{name}, {h:g} deviations": anomaly_power(NOISES[name], h)
            for name in ("white normal", "daily season + normal", "lognormal") for h in (4, 6, 8)
        },
        "anomaly_power_of_five": {
            f"{name}, 8 deviations": anomaly_power(NOISES[name], 8, (40, 90, 140, 190, 240))
            for name in ("white normal", "daily season + normal", "lognormal")
        },
        "count_anomalies": {
            f"share {share:g}, variance {phi:g} x mean": count_anomalies(phi, share)
            for share in (0.001, 0.02) for phi in (1.0, 3.0, 10.0)
        },
    }  # fmt: skip
    result["cpu_s"] = round(time.process_time() - started, 1)
    text = json.dumps(result, indent=1)
    Path(__file__).with_name("results").joinpath("series_null.json").write_text(
        text + "\n", "utf-8"
    )
    print(text)


if __name__ == "__main__":
    main()
