"""The predictive models of the sample fleet, trained at start on data inside installed packages."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Predictor:
    """A trained model with the held-out rows that customers will ask about."""

    model_id: str
    version: str
    kind: str  # classification | regression
    feature_names: tuple[str, ...]
    rows: Floats  # (n, features): held out
    truth: NDArray[Any]
    classes: tuple[str, ...]
    estimator: Any  # scikit-learn
    bounds: tuple[Any, Any] | None  # estimators of the 5 % and 95 % quantiles
    latencies_ms: Floats  # measured on single requests at start
    cost: float
    energy_kwh: float

    def answer(self, rows: Floats) -> list[dict[str, Any]]:
        """Return prediction and score (or interval) for rows, as an inference carries them."""
        if self.kind == "regression":
            assert self.bounds is not None
            low, high = (bound.predict(rows) for bound in self.bounds)
            middle = self.estimator.predict(rows)
            return [
                {"prediction": round(float(m), 3), "interval": sorted((float(a), float(b)))}
                for m, a, b in zip(middle, low, high, strict=True)
            ]
        chances = self.estimator.predict_proba(rows)
        best = chances.argmax(axis=1)
        if len(self.classes) == 2:
            return [
                {"prediction": self.classes[i], "score": float(p[1])}
                for i, p in zip(best, chances, strict=True)
            ]
        return [
            {
                "prediction": self.classes[i],
                "score": dict(zip(self.classes, map(float, p), strict=True)),
            }
            for i, p in zip(best, chances, strict=True)
        ]

    def label(self, index: int) -> Any:
        """Return the truth about a held-out row, as a label carries it."""
        if self.kind == "regression":
            return float(self.truth[index])
        return self.classes[int(self.truth[index])]


Load = Callable[[], tuple[Floats, NDArray[Any], tuple[str, ...], tuple[str, ...]]]


def _bundled(name: str) -> Load:
    def load() -> tuple[Floats, NDArray[Any], tuple[str, ...], tuple[str, ...]]:
        from sklearn import datasets

        data = getattr(datasets, f"load_{name}")()
        classes = tuple(str(c) for c in getattr(data, "target_names", ()))
        names = tuple(str(f) for f in data.feature_names)
        return np.asarray(data.data, dtype=float), np.asarray(data.target), names, classes

    return load


def _digits() -> tuple[Floats, NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    """Describe each digit by ink per row and column: 16 features that a person can follow."""
    from sklearn.datasets import load_digits

    data = load_digits()
    images = data.images
    features = np.hstack([images.sum(axis=2), images.sum(axis=1)])
    names = tuple([f"ink_row_{i}" for i in range(8)] + [f"ink_column_{i}" for i in range(8)])
    return features, data.target, names, tuple(map(str, range(10)))


def _visits() -> tuple[Floats, NDArray[Any], tuple[str, ...], tuple[str, ...]]:
    """Say whether a person sees a doctor in a year (RAND health insurance experiment)."""
    from statsmodels.datasets import randhie

    frame = randhie.load_pandas().data
    features = frame.drop(columns="mdvis")
    truth = (frame["mdvis"] > 0).to_numpy().astype(int)
    names = tuple(str(c) for c in features.columns)
    return features.to_numpy(dtype=float), truth, names, ("no_visit", "visit")


FLEET: tuple[tuple[str, str, str, Load, float], ...] = (
    ("digits-reader", "3.1", "classification", _digits, 0.00002),
    ("tumour-screening", "2.4", "classification", _bundled("breast_cancer"), 0.0004),
    ("wine-grader", "1.2", "classification", _bundled("wine"), 0.00001),
    ("species-tagger", "5.0", "classification", _bundled("iris"), 0.00001),
    ("visit-risk", "2.0", "classification", _visits, 0.00005),
    ("diabetes-progression", "1.7", "regression", _bundled("diabetes"), 0.0002),
)
"""Model id, version, kind, data and price of one prediction in US dollars."""

_WATTS = 35.0
"""Assumed draw of one busy core: what turns measured seconds into energy. Stated, not measured."""


def train_all(seed: int = 7) -> list[Predictor]:
    """Return every predictor, trained on half of its data; the other half is served."""
    return [_train(*line, seed=seed) for line in FLEET]


def _train(
    model_id: str, version: str, kind: str, load: Load, cost: float, *, seed: int
) -> Predictor:
    from sklearn.model_selection import train_test_split

    features, target, names, classes = load()
    fit_x, rows, fit_y, truth = train_test_split(
        features, target, test_size=0.5, random_state=seed, stratify=target if classes else None
    )
    fit_x, fit_y = fit_x[:3_000], fit_y[:3_000]
    estimator, bounds = _fit(kind, fit_x, fit_y, seed)
    latencies = _measure(estimator, kind, rows)
    return Predictor(
        model_id=model_id,
        version=version,
        kind=kind,
        feature_names=tuple(name.replace(" (cm)", "").replace(" ", "_") for name in names),
        rows=rows[:4_000],
        truth=truth[:4_000],
        classes=classes,
        estimator=estimator,
        bounds=bounds,
        latencies_ms=latencies,
        cost=cost,
        energy_kwh=float(np.median(latencies)) / 3_600_000 * _WATTS / 1_000,
    )


def _fit(kind: str, x: Floats, y: NDArray[Any], seed: int) -> tuple[Any, Any]:
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    if kind == "classification":
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2_000, C=0.3))
        return model.fit(x, y), None

    def quantile(alpha: float) -> Any:
        booster = GradientBoostingRegressor(
            loss="quantile", alpha=alpha, n_estimators=60, max_depth=3, random_state=seed
        )
        return booster.fit(x, y)

    return quantile(0.5), (quantile(0.02), quantile(0.98))


def _measure(estimator: Any, kind: str, rows: Floats) -> Floats:
    """Time single requests: what back-filled history draws its latencies from."""
    ask = estimator.predict_proba if kind == "classification" else estimator.predict
    taken = []
    for row in rows[:150]:
        started = time.perf_counter()
        ask(row[None, :])
        taken.append((time.perf_counter() - started) * 1_000)
    return np.array(taken)
