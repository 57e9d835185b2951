"""Trust: coverage of the interval in simulation, exactness of the contributions, cost."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.study import Row, run
from engines import trust
from engines.reliability import wilson
from engines.result import Interval
from engines.trust import POLICIES, Part, PartPolicy, Trust, TrustPolicy

REPETITIONS = 2_000
EQUAL = TrustPolicy("equal", "0", tuple(PartPolicy(f"p{i}", 1.0) for i in range(5)))


def _share(rng: np.random.Generator, truth: float, n: int) -> Part:
    """A part that is a share of n cases, such as agreement."""
    hits = int(rng.binomial(n, truth))
    return Part(hits / n, wilson(hits, n, 0.9), n)


def _mean(rng: np.random.Generator, truth: float, n: int) -> Part:
    """A part that is a mean of n scores with a normal interval."""
    sd = 0.25 / n**0.5
    found = float(np.clip(rng.normal(truth, sd), 0, 1))
    low, high = np.clip([found - 1.645 * sd, found + 1.645 * sd], 0, 1)
    return Part(found, Interval(float(low), float(high), 0.9), n)


def _mapped(rng: np.random.Generator, truth: float, n: int) -> Part:
    """A part that a map makes from an error rate."""
    hits = int(rng.binomial(n, truth))
    return trust.part("error_rate", hits / n, wilson(hits, n, 0.9), n)


def shares(n: int, low: float, high: float) -> tuple[float, float, int]:
    """Coverage of the interval and of the bound over fresh truths; five shares of n cases."""
    rng = np.random.default_rng(n)
    inside = below = 0
    for _ in range(REPETITIONS):
        truths = rng.uniform(low, high, 5)
        parts = {f"p{i}": _share(rng, t, n) for i, t in enumerate(truths)}
        inside, below = _count(parts, float(np.prod(truths**0.2)), EQUAL, inside, below)
    return inside / REPETITIONS, below / REPETITIONS, REPETITIONS


def mixed(policy: TrustPolicy, missing: bool) -> tuple[float, float, int]:
    """The same with mapped, mean and share parts of unequal sizes; the last part may be missing."""
    rng = np.random.default_rng(7)
    names = [part.name for part in policy.parts]
    weights = policy.weights()
    inside = below = 0
    for _ in range(REPETITIONS):
        parts: dict[str, Part | float | None] = {}
        truth = 1.0
        for i, name in enumerate(names):
            n = int(rng.integers(60, 3_000))
            if missing and i == len(names) - 1:
                score = float(rng.beta(policy.prior_shape, 1))
                parts[name] = None
            elif name == "errors":
                rate = float(rng.uniform(0.002, 0.04))
                score = trust.grade(rate, trust.MEASURES["error_rate"])
                parts[name] = _mapped(rng, rate, n)
            else:
                score = float(rng.uniform(0.7, 0.97))
                parts[name] = (_share if i % 2 else _mean)(rng, score, n)
            truth *= score ** weights[name]
        inside, below = _count(parts, truth, policy, inside, below)
    return inside / REPETITIONS, below / REPETITIONS, REPETITIONS


def _count(
    parts: dict[str, Part] | dict[str, Part | float | None],
    truth: float,
    policy: TrustPolicy,
    inside: int,
    below: int,
) -> tuple[int, int]:
    found = trust.score(dict(parts), policy=policy)
    assert isinstance(found, Trust)
    return (
        inside + (found.trust <= truth <= found.interval.high),
        below + (found.trust <= truth),
    )


def together(correlation: float, stated: float) -> tuple[float, float, int]:
    """The same with five means whose errors share a cause, and a policy that says how much."""
    rng = np.random.default_rng(11)
    policy = TrustPolicy("together", "0", EQUAL.parts, correlation=stated)
    inside = below = 0
    for _ in range(REPETITIONS):
        truths = rng.uniform(0.7, 0.9, 5)
        shared, own = rng.standard_normal(), rng.standard_normal(5)
        found = truths + 0.02 * (correlation**0.5 * shared + (1 - correlation) ** 0.5 * own)
        parts = {
            f"p{i}": Part(float(s), Interval(float(s) - 0.0329, float(s) + 0.0329, 0.9))
            for i, s in enumerate(found)
        }
        inside, below = _count(parts, float(np.prod(truths**0.2)), policy, inside, below)
    return inside / REPETITIONS, below / REPETITIONS, REPETITIONS


def sums() -> float:
    """Share of random scores whose contributions do not add up to the last bit, in any order."""
    rng = np.random.default_rng(3)
    wrong = 0
    for _ in range(REPETITIONS):
        parts = {
            f"p{i}": Part(float(s), n=int(n))
            for i, (s, n) in enumerate(
                zip(rng.uniform(size=5), rng.integers(1, 5_000, 5), strict=True)
            )
        }
        found = trust.score(parts, policy=EQUAL)
        assert isinstance(found, Trust)
        lost = rng.permutation([c.points_lost for c in found.components])
        uncertain = rng.permutation([c.points_uncertain for c in found.components])
        exact = sum(lost) == 1 - found.point and sum(uncertain) == found.point - found.trust
        wrong += not exact
    return wrong / REPETITIONS


def measure() -> list[Row]:
    rows = []
    cases = [
        (f"five shares of {n} cases, truths {low} to {high}", shares(n, low, high))
        for n, low, high in ((50, 0.6, 0.95), (200, 0.6, 0.95), (200, 0.9, 0.99), (2_000, 0.3, 0.9))
    ]
    for name in ("classification", "llm", "rag"):
        policy = POLICIES[name]
        ungated = TrustPolicy(
            name, "0", tuple(PartPolicy(part.name, part.weight) for part in policy.parts)
        )
        cases.append((f"{name} weights, mixed parts", mixed(ungated, missing=False)))
    cases.append(("classification policy with its gates", mixed(POLICIES["classification"], False)))
    cases.append(("classification, one part missing", mixed(POLICIES["classification"], True)))
    cases.append(("errors correlated 0.5, stated 0.5", together(0.5, 0.5)))
    unstated, _, _ = together(0.5, 0.0)
    case = "errors correlated 0.5, stated 0: 90 % interval covers"
    rows.append(Row(case, unstated, None, None, REPETITIONS))
    for case, (inside, below, n) in cases:
        rows.append(Row(f"{case}: 90 % interval covers", inside, 0.85, 0.95, n))
        rows.append(Row(f"{case}: bound below the truth", below, 0.95, None, n))
    rows.append(Row("contributions that do not sum exactly", sums(), None, 0.0, REPETITIONS))
    parts = {name: Part(0.9, n=500) for name in POLICIES["llm"].weights()}
    start = time.process_time()
    for _ in range(500):
        trust.score(parts, policy=POLICIES["llm"])
    cost = (time.process_time() - start) * 1e6 / 500
    rows.append(Row("CPU microseconds per score of six parts", cost, repetitions=500))
    return rows


if __name__ == "__main__":
    run("trust", "The interval of the trust score holds the truth as often as it says.", measure)
