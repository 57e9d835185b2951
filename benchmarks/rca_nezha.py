"""Root cause on Nezha faults from metrics alone: top-1, top-3 and Avg@5 per system and fault kind.

``python -m benchmarks.rca_nezha``; data from ``AIOBS_BENCH_DATA``. Eight minutes before and four
after the injection; every earlier row of the day is history.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.rca_report import Outcome, data_folder, summary, write
from engines.causal import Call, Series, find_root_cause

BEFORE_S, AFTER_S = 480.0, 240.0
PLACEHOLDER = "PodSuccessRate(%)"


@dataclass(frozen=True)
class Day:
    name: str
    metrics: dict[tuple[str, str], Series]
    edges: dict[tuple[str, str], tuple[Series | None, Series | None]]
    faults: list[tuple[float, str, str]]


def service_of(pod: str) -> str:
    return "-".join(pod.split("-")[:-2])


def read_day(folder: Path) -> Day:
    metrics = {}
    for path in sorted((folder / "metric").glob("*_metric.csv*")):
        table = pd.read_csv(path).drop_duplicates("TimeStamp")
        times = table["TimeStamp"].to_numpy(dtype=float)
        service = service_of(path.name.split("_metric.csv")[0])
        for name in table.columns[3:]:
            if name != PLACEHOLDER and not name.startswith("Node"):
                metrics[service, name] = Series(times, table[name].to_numpy(dtype=float))
    return Day(folder.name, metrics, _read_edges(folder / "metric"), _read_faults(folder))


def _read_edges(folder: Path) -> dict[tuple[str, str], tuple[Series | None, Series | None]]:
    found: dict[tuple[str, str], list[Series | None]] = {}
    for side, name in enumerate(("source_50", "destination_50")):
        for path in folder.glob(f"{name}.csv*"):
            table = pd.read_csv(path).drop_duplicates("timestamp")
            times = table["timestamp"].to_numpy(dtype=float)
            for column in table.columns[2:]:
                pair = found.setdefault(tuple(column.split("_", 1)), [None, None])
                pair[side] = Series(times, table[column].to_numpy(dtype=float))
    return {edge: (a, b) for edge, (a, b) in found.items()}


def _read_faults(folder: Path) -> list[tuple[float, str, str]]:
    label = next(folder.glob("*fault_list.json"))
    hours = json.loads(label.read_text()).values()
    return [
        (
            pd.Timestamp(fault["inject_time"], tz="UTC").timestamp(),
            service_of(fault["inject_pod"]),
            fault["inject_type"],
        )
        for faults in hours
        for fault in faults
    ]


def until(series: Series | None, end_s: float) -> Series | None:
    if series is None:
        return None
    keep = series.times_s < end_s
    return Series(series.times_s[keep], series.values[keep])


def answer_fault(day: Day, at_s: float, **options: Any) -> Any:
    """What an engine that lives in the past can say four minutes after the fault."""
    end = at_s + AFTER_S
    metrics = {key: until(series, end) for key, series in day.metrics.items()}
    calls = [
        Call(a, b, None, until(seen, end), until(served, end))
        for (a, b), (seen, served) in day.edges.items()
    ]
    return find_root_cause(
        metrics,
        onset_s=at_s,
        before_s=BEFORE_S,
        after_s=AFTER_S,
        step_s=60.0,
        topology=calls,
        **options,
    )


def run_day(day: Day, **options: Any) -> list[Outcome]:
    outcomes = []
    for at_s, service, kind in day.faults:
        start = time.process_time()
        answer = answer_fault(day, at_s, **options)
        cpu = time.process_time() - start
        names = [cause.node for cause in answer.causes]
        rank = names.index(service) + 1 if service in names else 0
        family = "cpu" if kind.startswith("cpu") else kind
        best = answer.causes[0].confidence if answer.causes else np.nan
        outcomes.append(Outcome(family, rank, answer.abstained, best, cpu))
    return outcomes


def main() -> None:
    root = data_folder() / "rca" / "nezha"
    folders = sorted(p for p in root.iterdir() if (p / "metric").is_dir())
    write("rca_nezha", {folder.name: summary(run_day(read_day(folder))) for folder in folders})


if __name__ == "__main__":
    main()
