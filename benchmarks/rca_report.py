"""What the root-cause benchmarks share: data folder, top-k with intervals, the report."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import facts

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Outcome:
    """Rank of the true cause (0 = not listed) in one case."""

    cell: str
    rank: int
    abstained: bool
    confidence: float
    cpu_s: float


def data_folder() -> Path:
    """Public development data; stops with a sentence when it is absent."""
    folder = Path(os.environ.get("AIOBS_BENCH_DATA", ROOT.parent / "shared" / "data"))
    if not folder.exists():
        raise SystemExit(f"no data at {folder}; set AIOBS_BENCH_DATA")
    return folder


def wilson(hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """95% interval of a share (Wilson 1927)."""
    if n == 0:
        return (0.0, 1.0)
    p = hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return (round(middle - half, 3), round(middle + half, 3))


def summary(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """Overall and per cell: n, top-1, top-3, Avg@5, Wilson interval, abstentions, CPU seconds."""
    cells = {"all": list(outcomes)}
    for outcome in outcomes:
        cells.setdefault(outcome.cell, []).append(outcome)
    return {name: _cell(found) for name, found in cells.items() if found}


def _cell(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    n = len(outcomes)
    top = [sum(0 < o.rank <= k for o in outcomes) for k in range(1, 6)]
    return {
        "n": n,
        "top1": round(top[0] / n, 3),
        "top1_wilson95": wilson(top[0], n),
        "top3": round(top[2] / n, 3),
        "avg5": round(sum(top) / 5 / n, 3),
        "abstained": sum(o.abstained for o in outcomes),
        "named_and_right": sum(o.rank == 1 and not o.abstained for o in outcomes),
        "cpu_s_mean": round(sum(o.cpu_s for o in outcomes) / n, 3),
        "cpu_s_max": round(max(o.cpu_s for o in outcomes), 3),
    }


def write(name: str, result: dict[str, Any]) -> None:
    """Print the result and keep it with the machine's facts."""
    print(json.dumps(result, indent=1))
    folder = ROOT / "benchmarks" / "results"
    folder.mkdir(exist_ok=True)
    text = json.dumps({"machine": facts(), "result": result}, indent=1)
    (folder / f"{name}.json").write_text(text + "\n")
