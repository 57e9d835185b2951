"""Drift: how often real changes are found at n = 5,000, and negligible ones are not."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from benchmarks.drift_tables import table
from benchmarks.study import Row, run
from engines.drift import DriftReport, compare

REPORTS = 60
Change = Callable[[pd.DataFrame, np.random.Generator], None]
Found = Callable[[DriftReport], float]


def shift(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame[["n0", "n1", "n2"]] += 0.1


def widen(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame[["n0", "n1", "n2"]] *= 1.1


def correlate_three(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Pairwise correlation 0.1 among three columns, margins unchanged."""
    common = rng.normal(size=len(frame))
    for name in ("n0", "n1", "n2"):
        frame[name] = np.sqrt(0.1) * common + np.sqrt(0.9) * frame[name]


def correlate_pair(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame["n1"] = 0.1 * frame["n0"] + np.sqrt(0.99) * frame["n1"]


def fold(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Same size, independent sign: no correlation, margins unchanged."""
    frame["n1"] = np.sign(rng.normal(size=len(frame))) * np.abs(frame["n0"])


def volatility(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Two columns share a volatility: sizes depend weakly, correlation is zero."""
    common = np.sqrt(2.0 / rng.exponential(2.0, len(frame)) ** 0.5)
    for name in ("n0", "n1"):
        ranks = np.argsort(np.argsort(frame[name] * common))
        frame[name] = np.sort(rng.normal(size=len(frame)))[ranks]


def interact(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    """Three columns depend only together: every pair stays independent."""
    sign = np.sign(frame["n0"]) * np.sign(frame["n1"])
    frame["n2"] = sign * np.abs(frame["n2"])


def share_at(moved: float) -> Change:
    def change(frame: pd.DataFrame, rng: np.random.Generator) -> None:
        rows = np.flatnonzero((frame["c5"] == "0").to_numpy())
        picked = rows[: round(moved * len(frame))]
        frame.loc[picked, "c5"] = "1"

    return change


def nudge(frame: pd.DataFrame, rng: np.random.Generator) -> None:
    frame["n0"] += 0.01


def columns(*names: str) -> Found:
    return lambda report: float(np.mean([name in report.drifted_columns for name in names]))


def detected(name: str) -> Found:
    def found(report: DriftReport) -> float:
        return report.column(name).outcome in ("drift", "detectable_but_negligible")

    return found


def joint(report: DriftReport) -> float:
    return any(test.outcome == "drift" for test in report.joint)


def share(rows: int, change: Change, found: Found, reports: int = REPORTS) -> float:
    """Mean of `found` over reports with `change` made to the current side."""
    rng = np.random.default_rng(rows)
    total = 0.0
    for index in range(reports):
        current = table(rng, rows)
        change(current, rng)
        total += found(compare(table(rng, rows), current, seed=index))
    return total / reports


def measure() -> list[Row]:
    three = columns("n0", "n1", "n2")
    return [
        Row("mean +0.1 sd in 3 of 30, per column", share(5_000, shift, three), 0.95, None, REPORTS),
        Row("scale x 1.1 in 3 of 30, per column", share(5_000, widen, three), 0.95, None, REPORTS),
        Row(
            "correlation 0 to 0.1, 3 columns", share(5_000, correlate_three, joint), 0.95, None, 60
        ),
        Row("correlation 0 to 0.1, one pair", share(5_000, correlate_pair, joint), None, None, 60),
        Row("same size, random sign", share(5_000, fold, joint), 0.9, None, REPORTS),
        Row("shared volatility", share(5_000, volatility, joint), 0.9, None, REPORTS),
        Row("three-way interaction only", share(5_000, interact, joint), None, None, REPORTS),
        Row(
            "2 % share moved, 20,000 rows",
            share(20_000, share_at(0.02), detected("c5")),
            0.85,
            None,
            60,
        ),
        Row(
            "5 % share moved, 5,000 rows",
            share(5_000, share_at(0.05), columns("c5")),
            0.95,
            None,
            60,
        ),
        Row(
            "mean +0.01 sd at 100,000 called drift",
            share(100_000, nudge, columns("n0"), 20),
            None,
            0.0,
            20,
        ),
        Row(
            "mean +0.01 sd at 1,000,000 called drift",
            share(1_000_000, nudge, columns("n0"), 2),
            None,
            0.0,
            2,
        ),
    ]


if __name__ == "__main__":
    run("drift_power", "Small real changes are found and negligible ones are not.", measure)
