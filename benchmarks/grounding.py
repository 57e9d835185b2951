"""How well grounding is judged, with documents or whole families held out, beside each feature.

Run: python -m benchmarks.grounding   (needs the public groundedness data; about 4 CPU minutes)
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold

from benchmarks.grounding_data import MAY_TRAIN, Row, read
from benchmarks.grounding_embed import aligned, apply_stage, fit_stage
from benchmarks.grounding_fit import Floats, Table, design, leave_family_out, out_of_fold, platt
from benchmarks.grounding_synthetic import synthesise
from benchmarks.grounding_words import sentences, word_model, word_table
from benchmarks.machine import facts
from engines.hallucination.context import ContextCache
from engines.hallucination.features import FEATURES
from engines.hallucination.spans import WordModel, flag_words

RESULTS = Path(__file__).resolve().parent / "results" / "grounding.json"
DRAWS = 1_000


def auroc(table: Table, score: Floats, dataset: str) -> float:
    chosen = table.dataset == dataset
    return float(roc_auc_score(table.y[chosen], score[chosen]))


def macro(table: Table, score: Floats) -> float:
    return float(np.mean([auroc(table, score, name) for name in MAY_TRAIN]))


def best_single(table: Table, dataset: str) -> tuple[str, float]:
    """The feature with the highest AUROC on this very file: a bar set with hindsight."""
    found = [(auroc(table, table.x[:, i], dataset), name) for i, name in enumerate(FEATURES)]
    value, name = max(found)
    return name, value


def expected_error(p: Floats, y: Floats, bins: int = 10) -> float:
    """ECE over equal-width bins."""
    place = np.minimum((p * bins).astype(int), bins - 1)
    return float(
        sum(
            (place == b).mean() * abs(p[place == b].mean() - y[place == b].mean())
            for b in range(bins)
            if (place == b).any()
        )
    )


def calibrated(score: Floats, table: Table) -> Floats:
    """Platt scaling per family; every row scaled by a fit that saw no row of its group."""
    p = np.zeros(len(score))
    for family in set(table.family):
        inside = np.flatnonzero(table.family == family)
        folds = GroupKFold(5).split(inside, groups=table.group[inside])
        for train, test in folds:
            slope, offset = platt(score[inside[train]], table.y[inside[train]])
            p[inside[test]] = 1 / (1 + np.exp(-(slope * score[inside[test]] + offset)))
    return p


def calibrated_without_family(score: Floats, table: Table) -> Floats:
    """Platt scaling fitted on the other families."""
    p = np.zeros(len(score))
    for family in set(table.family):
        inside = table.family == family
        slope, offset = platt(score[~inside], table.y[~inside])
        p[inside] = 1 / (1 + np.exp(-(slope * score[inside] + offset)))
    return p


def balanced_accuracy(score: Floats, table: Table) -> dict[str, float]:
    """Threshold per family on the other folds' rows; BAcc per dataset."""
    flag = np.zeros(len(score), dtype=bool)
    for family in set(table.family):
        inside = np.flatnonzero(table.family == family)
        for train, test in GroupKFold(5).split(inside, groups=table.group[inside]):
            limits = np.quantile(score[inside[train]], np.linspace(0.02, 0.98, 49))
            y = table.y[inside[train]]
            known = score[inside[train]]
            worth = [(known[y == 1] >= t).mean() + (known[y == 0] < t).mean() for t in limits]
            flag[inside[test]] = score[inside[test]] >= limits[int(np.argmax(worth))]
    found = {}
    for name in MAY_TRAIN:
        chosen = table.dataset == name
        y, said = table.y[chosen], flag[chosen]
        found[name] = float((said[y == 1].mean() + (~said[y == 0]).mean()) / 2)
    return found


def interval(table: Table, statistic: Callable[[Table, NDIndex], float]) -> list[float]:
    """95 % bootstrap interval: document groups drawn with replacement, all their rows kept."""
    rng = np.random.default_rng(0)
    members: dict[str, list[list[int]]] = {}
    for name in MAY_TRAIN:
        inside = np.flatnonzero(table.dataset == name)
        groups = sorted(set(table.group[inside]))
        members[name] = [inside[table.group[inside] == g].tolist() for g in groups]
    draws = []
    for _ in range(DRAWS):
        rows: list[int] = []
        for groups in members.values():
            for i in rng.integers(0, len(groups), len(groups)):
                rows += groups[i]
        draws.append(statistic(table, np.array(rows)))
    return [float(q) for q in np.quantile(draws, [0.025, 0.975])]


NDIndex = np.ndarray[tuple[int, ...], np.dtype[np.int64]]


def fast_macro(score: Floats) -> Callable[[Table, NDIndex], float]:
    """Macro AUROC of resampled rows by ranks."""
    from scipy.stats import rankdata

    def statistic(table: Table, rows: NDIndex) -> float:
        found = []
        for name in MAY_TRAIN:
            chosen = rows[table.dataset[rows] == name]
            y = table.y[chosen]
            positive = y.sum()
            if 0 < positive < len(y):
                ranks = rankdata(score[chosen])
                above = ranks[y == 1].sum() - positive * (positive + 1) / 2
                found.append(above / (positive * (len(y) - positive)))
        return float(np.mean(found))

    return statistic


def span_scores(rows: list[Row]) -> dict[str, dict[str, float]]:
    """Micro precision, recall and F1 over characters, documents held out."""
    groups = np.array([row.group for row in rows])
    mine: dict[int, set[int]] = {}
    cache = ContextCache(max_characters=50_000_000)
    for train, test in GroupKFold(5).split(groups, groups=groups):
        x, y, _ = word_table([rows[i] for i in train])
        raw = word_model(x, y)
        model = WordModel(tuple(raw["weights"]), raw["intercept"], raw["threshold"])
        for i in test:
            mine[int(i)] = pointed(rows[i], cache, model)
    gold = [{c for start, end in row.spans for c in range(start, end)} for row in rows]
    everything = [set(range(len(row.output))) for row in rows]
    return {
        "model": overlap([mine[i] for i in range(len(rows))], gold),
        "flag everything": overlap(everything, gold),
    }


def pointed(row: Row, cache: ContextCache, model: WordModel) -> set[int]:
    """Characters of the flagged words, neighbours joined."""
    found: set[int] = set()
    for item, context in sentences(row, cache):
        words, last = item.claim.words, -2
        for i in flag_words(item, context, model):
            start = words.ends[last] if last == i - 1 else words.starts[i]
            found.update(range(start, words.ends[i]))
            last = i
    return found


def overlap(said: list[set[int]], gold: list[set[int]]) -> dict[str, float]:
    hit = sum(len(a & b) for a, b in zip(said, gold, strict=True))
    n_said, n_gold = sum(map(len, said)), sum(map(len, gold))
    return {
        "precision": hit / n_said,
        "recall": hit / n_gold,
        "f1": 2 * hit / (n_said + n_gold),
    }


def tier_two(held_out: Floats, real: Table) -> dict[str, list[float]]:
    """AUROC of tiers 1 and 2 on the sampled rows of each file, documents held out."""
    kept, distance = aligned(real)
    table, first = real.where(kept), held_out[kept]
    second = np.zeros(len(first))
    for train, test in GroupKFold(5).split(first, groups=table.group):
        mask = np.zeros(len(first), dtype=bool)
        mask[train] = True
        stage = fit_stage(first[mask], distance[mask], table.where(mask))
        second[test] = apply_stage(stage, first[test], distance[test])
    return {
        name: [auroc(table, first, name), auroc(table, second, name)]
        for name in sorted(set(table.dataset))
    }


def measure() -> dict[str, Any]:
    rows = [row for dataset in MAY_TRAIN for row in read(dataset)]
    real, synthetic = design(rows), design(synthesise(rows))
    held_out, without = out_of_fold(real, synthetic), leave_family_out(real, synthetic)
    p, p_without = calibrated(held_out, real), calibrated_without_family(without, real)
    accuracy = balanced_accuracy(held_out, real)
    sets = {}
    for name in MAY_TRAIN:
        chosen = real.dataset == name
        feature, single = best_single(real, name)
        sets[name] = {
            "rows": int(chosen.sum()),
            "best_feature": feature,
            "best_feature_auroc": single,
            "auroc": auroc(real, held_out, name),
            "auroc_family_out": auroc(real, without, name),
            "balanced_accuracy": accuracy[name],
            "ece": expected_error(p[chosen], real.y[chosen]),
            "ece_family_out": expected_error(p_without[chosen], real.y[chosen]),
        }
    families = sorted(set(real.family))
    return {
        "machine": facts(),
        "sets": sets,
        "macro": {
            "auroc": macro(real, held_out),
            "auroc_interval": interval(real, fast_macro(held_out)),
            "auroc_family_out": macro(real, without),
            "auroc_family_out_interval": interval(real, fast_macro(without)),
            "best_feature_auroc": max(macro(real, real.x[:, i]) for i in range(len(FEATURES))),
        },
        "ece_by_family": {
            f: expected_error(p[real.family == f], real.y[real.family == f]) for f in families
        },
        "ece_by_family_left_out": {
            f: expected_error(p_without[real.family == f], real.y[real.family == f])
            for f in families
        },
        "spans": span_scores(read("wice_tokens")),
        "tier_two": tier_two(held_out, real),
    }


def main() -> None:
    found = measure()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"{'set':22}{'best feature':>24}{'AUROC':>8}{'ours':>7}{'LODO':>7}{'BAcc':>7}{'ECE':>7}")
    for name, row in found["sets"].items():
        print(
            f"{name:22}{row['best_feature']:>24}{row['best_feature_auroc']:8.3f}"
            f"{row['auroc']:7.3f}{row['auroc_family_out']:7.3f}"
            f"{row['balanced_accuracy']:7.3f}{row['ece']:7.3f}"
        )
    for part in ("macro", "ece_by_family", "ece_by_family_left_out", "spans", "tier_two"):
        print(part, json.dumps(found[part]))


if __name__ == "__main__":
    main()
