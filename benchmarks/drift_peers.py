"""Peers on the same tables; runs under an interpreter that has them installed.

``python drift_peers.py evidently|nannyml ROWS`` prints CPU seconds and extra memory as JSON;
``python drift_peers.py cbpe`` prints the errors of NannyML's estimates on its bundled data.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

warnings.simplefilter("ignore")
REPEATS = {"evidently": 1, "nannyml": 5}


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def tables(rows: int) -> tuple[Any, Any]:
    pandas = importlib.import_module("pandas")
    made = []
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        columns: dict[str, Any] = {f"n{i}": rng.normal(size=rows) for i in range(30)}
        for values in (2, 5, 20, 100, 1000):
            columns[f"c{values}"] = rng.integers(0, values, rows).astype(str)
        made.append(pandas.DataFrame(columns))
    return made[0], made[1]


def evidently(reference: Any, current: Any) -> None:
    module = importlib.import_module("evidently")
    presets = importlib.import_module("evidently.presets")
    module.Report([presets.DataDriftPreset()]).run(current, reference).dict()


def nannyml(reference: Any, current: Any) -> None:
    module = importlib.import_module("nannyml")
    module.UnivariateDriftCalculator(column_names=list(reference)).fit(reference).calculate(current)


def time_peer(name: str, rows: int) -> dict[str, float]:
    peer = {"evidently": evidently, "nannyml": nannyml}[name]
    small = tables(2000)
    peer(*small)
    reference, current = tables(rows)
    before = peak_mb()
    taken = []
    for _ in range(REPEATS[name]):
        start = time.process_time()
        peer(reference, current)
        taken.append(time.process_time() - start)
    return {"cpu_s": min(taken), "extra_mb": peak_mb() - before}


def bundled() -> Path:
    package = importlib.import_module("nannyml").__file__
    return Path(str(package)).parent / "datasets" / "data"


def cases() -> list[dict[str, Any]]:
    """Scores, predictions and labels of the two bundled data sets, per chunk."""
    pandas = importlib.import_module("pandas")
    folder = bundled()
    loan = [
        pandas.read_csv(folder / f"synthetic_car_loan_{part}.csv")
        for part in ("reference", "analysis", "analysis_target")
    ]
    census = [
        pandas.read_parquet(folder / f"employment_MA_{part}.pq")
        for part in ("reference", "analysis", "analysis_target")
    ]
    return [
        {
            "name": "car loan",
            "reference": loan[0],
            "current": loan[1].merge(loan[2], on="id"),
            "columns": ("y_pred_proba", "y_pred", "repaid"),
            "chunk": 5_000,
        },
        {
            "name": "US census",
            "reference": census[0],
            "current": census[1].merge(census[2], on="id"),
            "columns": ("predicted_probability", "prediction", "employed"),
            "chunk": 10_000,
        },
    ]


def cbpe() -> dict[str, dict[str, float]]:
    module = importlib.import_module("nannyml")
    metrics = importlib.import_module("sklearn.metrics")
    answer = {}
    for case in cases():
        score, predicted, label = case["columns"]
        reference, current = case["reference"].copy(), case["current"]
        estimator = module.CBPE(
            y_pred_proba=score,
            y_pred=predicted,
            y_true=label,
            metrics=["roc_auc", "accuracy"],
            chunk_size=case["chunk"],
            problem_type="classification_binary",
        ).fit(reference)
        table = estimator.estimate(current.drop(columns=[label])).filter(period="analysis").to_df()
        errors: dict[str, list[float]] = {"roc_auc": [], "accuracy": []}
        for index in range(len(current) // case["chunk"]):
            chunk = current.iloc[index * case["chunk"] : (index + 1) * case["chunk"]]
            real = {
                "roc_auc": metrics.roc_auc_score(chunk[label], chunk[score]),
                "accuracy": float((chunk[predicted] == chunk[label]).mean()),
            }
            for metric, value in real.items():
                errors[metric].append(abs(value - table[(metric, "value")].iloc[index]))
        answer[case["name"]] = {metric: float(np.mean(e)) for metric, e in errors.items()}
    return answer


def export() -> dict[str, Any]:
    """The bundled scores and labels as lists, for an engine that must not import NannyML."""
    made = {}
    for case in cases():
        score, predicted, label = case["columns"]
        made[case["name"]] = {
            "chunk": case["chunk"],
            "reference": [case["reference"][c].astype(float).tolist() for c in (score, label)],
            "current": [case["current"][c].astype(float).tolist() for c in (score, label)],
            "threshold": float(
                case["reference"].loc[case["reference"][predicted] == 1, score].min()
            ),
        }
    return made


if __name__ == "__main__":
    if sys.argv[1] == "cbpe":
        print(json.dumps({"errors": cbpe(), "data": export()}))
    else:
        print(json.dumps(time_peer(sys.argv[1], int(sys.argv[2]))))
