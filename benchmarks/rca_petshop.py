"""Root cause on PetShop issues: top-1 and top-3 per scenario and metric, quiet windows, CPU time.

``python -m benchmarks.rca_petshop``; data from ``AIOBS_BENCH_DATA``.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rca_report import Outcome, data_folder, summary, write
from engines.causal import find_root_cause

STATISTIC = {"latency": "Average", "availability": "Average", "requests": "Sum"}
QUIET_ROWS = 5


@dataclass(frozen=True)
class Issue:
    scenario: str
    target: tuple[str, str]
    cause: str
    frame: Any


def read_frame(path: Path, statistic: str = "Average") -> Any:
    frame = pd.read_csv(path, header=[0, 1, 2], index_col=0)
    chosen = {**STATISTIC, "latency": statistic}
    keep = [c for c in frame.columns if chosen.get(c[1]) == c[2]]
    out = frame[keep]
    out.columns = pd.MultiIndex.from_tuples([(c[0], c[1]) for c in keep])
    return out


def read_calls(scenario: Path) -> list[tuple[str, str]]:
    graph = pd.read_csv(scenario / "graph.csv", index_col=0)
    return [(str(a), str(b)) for a in graph.index for b in graph.columns if graph.loc[a, b] > 0]


def read_issues(scenario: Path) -> Iterator[Issue]:
    for label in sorted(scenario.glob("*/issue_*/target.json")):
        case = json.loads(label.read_text())
        target = case["target"]
        frame = read_frame(label.parent / "metrics.csv", target["agg"])
        yield Issue(
            scenario.name,
            (target["node"], target["metric"]),
            case["root_cause"]["node"],
            frame,
        )


def normal_folder(scenario: Path) -> Path:
    """The scenario's own quiet rows, else those of low traffic (off protocol)."""
    own = scenario / "noissue" / "metrics.csv.gz"
    return own if own.exists() else scenario.parent / "low_traffic" / "noissue" / "metrics.csv.gz"


def run_issues(root: Path) -> list[Outcome]:
    outcomes = []
    for scenario in sorted(p for p in root.iterdir() if (p / "graph.csv").exists()):
        calls = read_calls(scenario)
        normal = read_frame(normal_folder(scenario))
        for issue in read_issues(scenario):
            start = time.process_time()
            answer = find_root_cause(issue.frame, issue.target, topology=calls, reference=normal)
            cpu = time.process_time() - start
            names = [cause.node for cause in answer.causes]
            rank = names.index(issue.cause) + 1 if issue.cause in names else 0
            cell = f"{issue.scenario} {issue.target[1]}"
            outcomes.append(Outcome(cell, rank, answer.abstained, answer.causes[0].confidence, cpu))
    return outcomes


def run_quiet(root: Path, every: int = 6) -> list[Outcome]:
    """Windows of the second half of the quiet rows against the first half: none has a cause."""
    outcomes = []
    for scenario in sorted(p for p in root.iterdir() if (p / "noissue").exists()):
        calls = read_calls(scenario)
        frame = read_frame(normal_folder(scenario))
        half = len(frame) // 2
        for metric in ("latency", "availability"):
            for start in range(half, len(frame) - QUIET_ROWS, every):
                window = frame.iloc[start : start + QUIET_ROWS]
                if np.isfinite(window["PetSite", metric]).sum() < 3:
                    continue
                answer = find_root_cause(
                    window, ("PetSite", metric), topology=calls, reference=frame.iloc[:half]
                )
                outcomes.append(Outcome(f"{scenario.name} {metric}", 0, answer.abstained, 0.0, 0.0))
    return outcomes


def main() -> None:
    root = data_folder() / "rca" / "petshop"
    issues, quiet = run_issues(root), run_quiet(root)
    protocol = [o for o in issues if not o.cell.startswith("temporal")]
    named = sum(not o.abstained for o in quiet)
    write(
        "rca_petshop",
        {
            "issues": summary(protocol),
            "temporal, borrowed baseline (off protocol)": summary(
                [o for o in issues if o.cell.startswith("temporal")]
            ),
            "quiet windows": {"n": len(quiet), "named_a_cause": named, "share": named / len(quiet)},
        },
    )


if __name__ == "__main__":
    main()
