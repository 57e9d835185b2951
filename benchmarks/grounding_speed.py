"""CPU time per output of the hallucination tiers, one thread, contexts of 2,000 characters.

Run: OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.grounding_speed
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.grounding_data import read
from benchmarks.machine import facts
from engines.hallucination import detect, parse_context
from engines.hallucination.encoder import encoder_missing

RESULTS = Path(__file__).resolve().parent / "results" / "grounding_speed.json"
SETS = ("summedits_news", "summedits_sales_call", "begin_tc", "wice")
CHARACTERS = 2_000


def pairs(n: int = 400) -> list[tuple[str, str]]:
    """Outputs with exactly 2,000 characters of their context."""
    found = [
        (row.output, row.context[:CHARACTERS])
        for name in SETS
        for row in read(name)
        if len(row.context) >= CHARACTERS
    ]
    random.Random(0).shuffle(found)
    return found[:n]


def timings(work: Callable[[str, str], object], inputs: list[tuple[str, str]]) -> dict[str, float]:
    """Mean and percentiles of CPU milliseconds per call, after one warm pass."""
    for output, context in inputs:
        work(output, context)
    spent = []
    for output, context in inputs:
        start = time.process_time_ns()
        work(output, context)
        spent.append((time.process_time_ns() - start) / 1e6)
    spent.sort()
    mean = sum(spent) / len(spent)
    return {
        "n": len(spent),
        "mean_ms": mean,
        "per_second": 1e3 / mean,
        "p50_ms": spent[len(spent) // 2],
        "p95_ms": spent[int(0.95 * len(spent))],
        "p99_ms": spent[int(0.99 * len(spent))],
    }


def main() -> None:
    inputs = pairs()
    found = {
        "tiers 0 and 1, context cached": timings(detect, inputs),
        "context parsed each time": timings(
            lambda output, context: detect(output, parse_context(context)), inputs
        ),
    }
    if encoder_missing() is None:
        found["tier 2, every output undecided"] = timings(
            lambda output, context: detect(
                output, context, max_tier=2, task="claim", low=0.0, high=1.0
            ),
            inputs[:60],
        )
    RESULTS.parent.mkdir(exist_ok=True)
    content = {"machine": facts(), "context_characters": CHARACTERS, "tiers": found}
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    for name, row in found.items():
        print(f"{name:34}" + "  ".join(f"{key} {value:.2f}" for key, value in row.items()))


if __name__ == "__main__":
    main()
