"""Concept drift: the online detector, the test with labels, and performance without labels.

NannyML's bundled data are read through the interpreter named by ``AIOBS_PEER_PYTHON``; without it
that part is left out.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.study import Row, run
from engines.drift.concept import compare_concept
from engines.drift.detector import DetectorState, watch
from engines.drift.performance import estimate_performance

PEERS = Path(__file__).with_name("drift_peers.py")
STREAMS = 30
LENGTH = 6_000
CHANGE = 3_000
Stream = Callable[[np.random.Generator], np.ndarray]


def bernoulli(rng: np.random.Generator, rate: float, n: int, phi: float = 0.0) -> np.ndarray:
    """0/1 errors with lag-1 autocorrelation `phi`."""
    errors = np.empty(n)
    last = float(rng.random() < rate)
    for index, u in enumerate(rng.random(n)):
        last = float(u < rate + phi * (last - rate))
        errors[index] = last
    return errors


def normal(rng: np.random.Generator, n: int, phi: float) -> np.ndarray:
    """Stationary AR(1) losses with unit variance."""
    noise: np.ndarray = rng.normal(size=n) * np.sqrt(1 - phi**2)
    noise[0] = rng.normal()
    for index in range(1, n):
        noise[index] += phi * noise[index - 1]
    return noise


def false_alarms(stream: Stream) -> float:
    """Alarms per 1,000 observations without change."""
    alarms = sum(
        len(watch(DetectorState(), stream(np.random.default_rng(seed)))[1])
        for seed in range(STREAMS)
    )
    return 1000 * alarms / (STREAMS * LENGTH)


def delay(before: float, after: float, phi: float = 0.0) -> float:
    """Median observations from the change to the next alarm; a miss counts as infinite."""
    waits = []
    for seed in range(STREAMS):
        rng = np.random.default_rng(500 + seed)
        parts = [bernoulli(rng, rate, CHANGE, phi) for rate in (before, after)]
        _, alarms = watch(DetectorState(), np.concatenate(parts))
        late = [alarm.index - CHANGE for alarm in alarms if alarm.index >= CHANGE]
        waits.append(float(late[0]) if late else np.inf)
    return float(np.median(waits))


def online() -> list[Row]:
    quiet: dict[str, Stream] = {
        "error rate 0.02": lambda rng: bernoulli(rng, 0.02, LENGTH),
        "error rate 0.2": lambda rng: bernoulli(rng, 0.2, LENGTH),
        "error rate 0.5": lambda rng: bernoulli(rng, 0.5, LENGTH),
        "normal losses": lambda rng: normal(rng, LENGTH, 0.0),
        "normal losses, AR(1) 0.6": lambda rng: normal(rng, LENGTH, 0.6),
        "error rate 0.2, AR(1) 0.3": lambda rng: bernoulli(rng, 0.2, LENGTH, 0.3),
        "error rate 0.2, AR(1) 0.6": lambda rng: bernoulli(rng, 0.2, LENGTH, 0.6),
    }
    return [
        *(
            Row(f"false alarms per 1,000: {name}", false_alarms(stream), None, 0.05, STREAMS)
            for name, stream in quiet.items()
        ),
        Row("median delay, error 0.2 to 0.4", delay(0.2, 0.4), None, 100.0, STREAMS),
        Row("median delay, error 0.2 to 0.3", delay(0.2, 0.3), repetitions=STREAMS),
        Row("median delay, error 0.05 to 0.15", delay(0.05, 0.15), repetitions=STREAMS),
        Row("median delay, 0.2 to 0.4 at AR(1) 0.3", delay(0.2, 0.4, 0.3), repetitions=STREAMS),
    ]


def labelled(
    rng: np.random.Generator, n: int, slope: float = 1.0, shift: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    logit = rng.normal(shift, 2.0, n)
    label = rng.random(n) < 1 / (1 + np.exp(-slope * logit))
    return 1 / (1 + np.exp(-logit)), label.astype(float)


def rejected(labels: int, slope: float, shift: float = 0.0, reports: int = 100) -> float:
    """Share of comparisons that find a changed meaning of the score."""
    rng = np.random.default_rng(labels)
    reference = labelled(rng, 20_000)
    found = [
        compare_concept(*reference, *labelled(rng, labels, slope, shift)).outcome == "drift"
        for _ in range(reports)
    ]
    return float(np.mean(found))


def with_labels() -> list[Row]:
    return [
        Row("500 labels, nothing changed", rejected(500, 1.0), None, 0.08, 100),
        Row("5,000 labels, scores shifted by 1 sd", rejected(5_000, 1.0, 2.0), None, 0.08, 100),
        Row("500 labels, slope x 0.4", rejected(500, 0.4), 0.99, None, 100),
        Row("500 labels, slope x 0.7", rejected(500, 0.7), 0.48, None, 100),
    ]


def auc(label: np.ndarray, score: np.ndarray) -> float:
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(label, score))


def bundled(case: dict[str, Any]) -> tuple[float, float, int]:
    """Mean absolute error of AUC and accuracy over chunks, and the chunks called a drop."""
    reference, current = np.array(case["reference"]), np.array(case["current"])
    errors: list[tuple[float, float]] = []
    drops = 0
    for start in range(0, current.shape[1] - case["chunk"] + 1, case["chunk"]):
        score, label = current[:, start : start + case["chunk"]]
        found = estimate_performance(reference[0], reference[1], score, threshold=case["threshold"])
        values = {metric.metric: metric.value for metric in found.metrics}
        right = float(((score >= case["threshold"]) == label).mean())
        errors.append((abs(values["roc_auc"] - auc(label, score)), abs(values["accuracy"] - right)))
        drops += found.verdict == "estimated_drop"
    mean = np.mean(errors, axis=0)
    return float(mean[0]), float(mean[1]), drops


def without_labels() -> list[Row]:
    interpreter = os.environ.get("AIOBS_PEER_PYTHON")
    if not interpreter:
        return []
    done = subprocess.run(
        [interpreter, str(PEERS), "cbpe"], capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    rows = []
    for name, case in answer["data"].items():
        theirs = answer["errors"][name]
        auc_error, accuracy_error, drops = bundled(case)
        rows += [
            Row(f"{name}: AUC error", auc_error, None, theirs["roc_auc"]),
            Row(f"{name}: AUC error of nannyml", theirs["roc_auc"]),
            Row(f"{name}: accuracy error", accuracy_error),
            Row(f"{name}: accuracy error of nannyml", theirs["accuracy"]),
            Row(f"{name}: chunks called a drop", drops),
        ]
    return rows


if __name__ == "__main__":
    run(
        "drift_concept",
        "Concept drift is found soon, quiet streams stay quiet, estimates match the realised.",
        lambda: [*online(), *with_labels(), *without_labels()],
    )
