"""Compares a model's decisions between groups of people, with intervals and guards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError, InsufficientData
from engines.fairness.result import Comparison, Disparity, FairnessReport, GroupMetrics, Share
from engines.reliability.proportion import wilson
from engines.result import Interval
from engines.sentence import say

MIN_GROUP = 30
MAX_GROUPS = 30
MANY = 2_000
"""Rows above which the calibration gap's interval is normal instead of bootstrapped."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits: error level over all metrics, the tolerated difference, and the least group."""

    alpha: float = 0.05
    tolerance: float = 0.05
    min_group: int = MIN_GROUP
    level: float = 0.95


def compare_groups(
    groups: Sequence[object],
    selected: Sequence[bool | None] | NDArray[Any],
    *,
    truth: Sequence[bool | None] | NDArray[Any] | None = None,
    score: Sequence[float] | Floats | None = None,
    attribute: str = "group",
    policy: Policy | None = None,
    resamples: int = 999,
    seed: int = 0,
) -> FairnessReport:
    """Return selection, equal opportunity and calibration by group.

    Parameters
    ----------
    groups : sequence
        The group of each row; None or NaN rows are left out.
    selected : sequence of bool or None
        Whether the model decided for the person.
    truth : sequence of bool or None, optional
        What was right, where known.
    score : sequence of float, optional
        Predicted probability of the positive class, NaN where unknown.
    attribute : str
        Name of what the groups are of.
    policy : Policy, optional
        Limits.
    resamples, seed : int
        Bootstrap of the calibration gap, for groups of up to `MANY` rows.

    Returns
    -------
    FairnessReport
        Groups under `policy.min_group` rows are shown as small and never compared.

    Raises
    ------
    InsufficientData
        With fewer than two groups that are large enough.
    EngineError
        When lengths differ or there are more than `MAX_GROUPS` groups.

    Notes
    -----
    Shares carry Wilson intervals. H0 of a metric: equal shares in all groups, by Pearson's
    chi-square on the k x 2 table, or by a permutation of the largest difference where an expected
    count is under 5; calibration by Cochran's Q on the gaps. Holm adjusts over the metrics.
    Differences from the largest group have Newcombe's hybrid interval at level
    ``1 - (1 - level) / (k - 1)``, so all hold together. A disparity needs both: the test, and an
    interval wholly beyond 0 whose point is beyond `tolerance`. What breaks it: groups that differ
    in what the label measures; repeated persons.

    Examples
    --------
    >>> report = compare_groups(["a"] * 200 + ["b"] * 200, [True] * 120 + [False] * 80
    ...     + [True] * 60 + [False] * 140)
    >>> report.disparities[0].verdict, round(report.disparities[0].comparisons[0].difference, 2)
    ('disparity', -0.3)

    References
    ----------
    Newcombe (1998), Interval estimation for the difference between independent proportions,
    Statistics in Medicine 17. Hardt, Price and Srebro (2016), Equality of opportunity
    in supervised learning, NeurIPS 29.
    Holm (1979), A simple sequentially rejective multiple test procedure.
    """
    chosen = policy or Policy()
    rows = _Rows.of(groups, selected, truth, score)
    names, counts = np.unique(rows.group, return_counts=True)
    if len(names) > MAX_GROUPS:
        raise EngineError(f"at most {MAX_GROUPS} groups can be compared, got {len(names)}")
    order = [str(names[i]) for i in np.lexsort((names, -counts))]
    large = [n for n in order if int((rows.group == n).sum()) >= chosen.min_group]
    if len(large) < 2:
        raise InsufficientData(
            say(
                "reasons.fairness_needs_groups",
                "a comparison needs two groups of {size, number} rows, got {got, number}",
                size=chosen.min_group,
                got=len(large),
            ),
            needed=2,
            got=len(large),
        )
    rng = np.random.default_rng(seed)
    metrics = tuple(_group(rows, name, chosen, resamples, rng) for name in order)
    big = [m for m in metrics if not m.is_small]
    raw = [_disparity(big, name, chosen, rng, resamples) for name in METRICS]
    return FairnessReport(
        attribute, large[0], metrics, _holm(raw, chosen), len(rows.group),
        tuple(m.group for m in metrics if m.is_small),
    )  # fmt: skip


METRICS = ("selection_rate", "true_positive_rate", "false_positive_rate", "calibration_gap")


@dataclass(frozen=True, slots=True)
class _Rows:
    group: NDArray[np.str_]
    selected: Floats
    truth: Floats
    score: Floats

    @classmethod
    def of(cls, groups: Any, selected: Any, truth: Any, score: Any) -> _Rows:
        n = len(groups)
        for part in (selected, truth, score):
            if part is not None and len(part) != n:
                raise EngineError(f"groups have {n} rows, another column {len(part)}")
        known = np.array([g is not None and g == g and g != "" for g in groups], dtype=bool)
        return cls(
            np.array([str(g) for g in groups], dtype=str)[known],
            _floats(selected, n)[known],
            _floats(truth, n)[known],
            _floats(score, n)[known],
        )


def _floats(values: Any, n: int) -> Floats:
    if values is None:
        return np.full(n, np.nan)
    return np.array([np.nan if v is None else float(v) for v in values], dtype=np.float64)


def _group(
    rows: _Rows, name: str, policy: Policy, resamples: int, rng: np.random.Generator
) -> GroupMetrics:
    mine = rows.group == name
    chosen, truth, score = rows.selected[mine], rows.truth[mine], rows.score[mine]
    n = int(mine.sum())
    return GroupMetrics(
        name, n, n < policy.min_group,
        _share(chosen, policy),
        _share(chosen[truth == 1], policy),
        _share(chosen[truth == 0], policy),
        _gap(score, truth, policy, resamples, rng),
    )  # fmt: skip


def _share(values: Floats, policy: Policy) -> Share | None:
    known = values[np.isfinite(values)]
    if len(known) == 0:
        return None
    hits = int((known > 0.5).sum())
    return Share(hits / len(known), len(known), wilson(hits, len(known), policy.level))


def _gap(
    score: Floats, truth: Floats, policy: Policy, resamples: int, rng: np.random.Generator
) -> Share | None:
    known = np.isfinite(score) & np.isfinite(truth)
    gaps = score[known] - truth[known]
    n = len(gaps)
    if n < 2:
        return None
    if n > MANY:  # the mean is normal long before; a bootstrap would only cost time
        z = NormalDist().inv_cdf(0.5 + policy.level / 2)
        half = z * float(gaps.std(ddof=1)) / float(np.sqrt(n))
        mean = float(gaps.mean())
        return Share(mean, n, Interval(mean - half, mean + half, policy.level))
    means = np.array([gaps[rng.integers(n, size=n)].mean() for _ in range(resamples)])
    tail = (1 - policy.level) / 2
    low, high = np.quantile(means, [tail, 1 - tail])
    return Share(float(gaps.mean()), n, Interval(float(low), float(high), policy.level))


def _disparity(
    groups: list[GroupMetrics],
    metric: str,
    policy: Policy,
    rng: np.random.Generator,
    resamples: int,
) -> Disparity:
    pairs = [(g.group, s) for g in groups if (s := getattr(g, metric)) is not None]
    usable = [(name, s) for name, s in pairs if s.n >= policy.min_group]
    if len(usable) < 2:
        least = sorted((s.n for _, s in pairs), reverse=True)[1:2]
        reason = say(
            "reasons.few_telling_rows",
            "two groups with {size, number} rows that tell are needed",
            size=policy.min_group,
        )
        if least:
            reason = say(
                "reasons.few_telling_rows_in_second",
                "two groups with {size, number} rows that tell are needed; the second largest "
                "has {got, number}",
                size=policy.min_group,
                got=least[0],
            )
        return Disparity(metric, "insufficient_data", None, (), 0.0, reason)
    level = 1 - (1 - policy.level) / (len(usable) - 1)
    base = usable[0][1]
    is_gap = metric == "calibration_gap"
    made = []
    for name, share in usable[1:]:
        interval = _gap_difference(share, base, level) if is_gap else _newcombe(share, base, level)
        difference = share.value - base.value
        ratio = share.value / base.value if not is_gap and base.value > 0 else None
        sure = interval.low > 0 or interval.high < 0
        made.append(
            Comparison(
                name, difference, interval, ratio, sure and abs(difference) >= policy.tolerance
            )
        )
    p = (
        _cochran([s for _, s in usable])
        if is_gap
        else _equality([s for _, s in usable], rng, resamples)
    )
    values = [s.value for _, s in usable]
    verdict = "disparity" if any(c.is_apart for c in made) else "no_evidence"
    return Disparity(metric, verdict, p, tuple(made), max(values) - min(values))  # type: ignore[arg-type]


def _newcombe(a: Share, b: Share, level: float) -> Interval:
    """Return the interval of ``a - b`` from the Wilson intervals of both (Newcombe's method 10)."""
    wa, wb = (wilson(round(s.value * s.n), s.n, level) for s in (a, b))
    d = a.value - b.value
    low = d - np.hypot(a.value - wa.low, wb.high - b.value)
    high = d + np.hypot(wa.high - a.value, b.value - wb.low)
    return Interval(float(low), float(high), level)


def _gap_difference(a: Share, b: Share, level: float) -> Interval:
    z = NormalDist().inv_cdf(0.5 + level / 2)
    half = z * float(np.hypot(_error(a), _error(b)))
    d = a.value - b.value
    return Interval(d - half, d + half, level)


def _error(share: Share) -> float:
    z = NormalDist().inv_cdf(0.5 + share.interval.level / 2)
    return max((share.interval.high - share.interval.low) / (2 * z), 1e-9)


def _cochran(shares: list[Share]) -> float:
    from scipy.stats import chi2

    weights = np.array([1 / _error(s) ** 2 for s in shares])
    values = np.array([s.value for s in shares])
    q = float(np.sum(weights * (values - np.average(values, weights=weights)) ** 2))
    return float(chi2.sf(q, len(shares) - 1))


def _equality(shares: list[Share], rng: np.random.Generator, resamples: int) -> float:
    from scipy.stats import chi2_contingency

    hits = np.array([round(s.value * s.n) for s in shares])
    sizes = np.array([s.n for s in shares])
    total, n = int(hits.sum()), int(sizes.sum())
    if total in (0, n):
        return 1.0
    if min(total, n - total) * sizes.min() / n >= 5:
        return float(chi2_contingency(np.array([hits, sizes - hits]), correction=False)[1])
    drawn = rng.multivariate_hypergeometric(sizes, total, size=resamples) / sizes
    seen = np.ptp(hits / sizes)
    return float((1 + np.sum(np.ptp(drawn, axis=1) >= seen - 1e-12)) / (resamples + 1))


def _holm(found: list[Disparity], policy: Policy) -> tuple[Disparity, ...]:
    tested = sorted((d for d in found if d.p_value is not None), key=lambda d: d.p_value or 0.0)
    largest, adjusted = 0.0, {}
    for i, one in enumerate(tested):
        largest = max(largest, min(1.0, (len(tested) - i) * (one.p_value or 0.0)))
        apart = one.verdict == "disparity" and largest <= policy.alpha
        verdict = "disparity" if apart else "no_evidence"
        adjusted[one.metric] = replace(one, p_value=largest, verdict=verdict)  # type: ignore[arg-type]
    return tuple(adjusted.get(d.metric, d) for d in found)
