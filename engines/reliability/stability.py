"""Stability: the same question, the same answer; one version to the next."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engines.errors import EngineError, InsufficientData
from engines.reliability.proportion import wilson
from engines.reliability.result import Agreement, Flip, Stability
from engines.result import Insufficient, Interval
from engines.sentence import Sentence, say
from engines.trust.maps import part

MIN_CASES = 20
"""Under 20 cases a 90 % Wilson interval spans 12 points even when all agree."""

SHOWN_FLIPS = 10


@dataclass(frozen=True, slots=True)
class Repeats:
    """Inputs asked more than once.

    Attributes
    ----------
    inputs : array_like, shape (n,)
        Something that is equal for equal inputs, such as a hash.
    answers : array_like, shape (n,)
        Text, class or number.
    """

    inputs: ArrayLike
    answers: ArrayLike


@dataclass(frozen=True, slots=True)
class Versions:
    """The same inputs answered by two versions, row by row.

    Attributes
    ----------
    previous, current : array_like, shape (n,)
        Text, class or number.
    labels : array_like, shape (n,), optional
        The right answers, to tell regressions from repairs.
    """

    previous: ArrayLike
    current: ArrayLike
    labels: ArrayLike | None = None


def stability(
    repeats: Repeats | None = None,
    versions: Versions | None = None,
    *,
    tolerance: float = 0.0,
    level: float = 0.9,
) -> Stability:
    """Return how often the same question gets the same answer.

    Parameters
    ----------
    repeats : Repeats, optional
        For the answer to repeated questions.
    versions : Versions, optional
        For the agreement of two versions.
    tolerance : float
        Largest difference at which two numbers count as equal; 0 and up.
    level : float
        Confidence level of the intervals, in (0, 1).

    Returns
    -------
    Stability

    Raises
    ------
    InsufficientData
        When neither repeats nor versions hold 20 cases.
    EngineError
        When columns differ in length.

    Notes
    -----
    A repeated input is one case whatever its number of answers, since answers to one input are
    not independent. It agrees when all its answers are equal, or span at most `tolerance`.
    An input asked many times has more chances to differ: compare systems at equal repetition.

    Examples
    --------
    >>> asked = np.repeat(np.arange(50), 2)
    >>> told = np.where(np.arange(100) == 7, "no", "yes")
    >>> found = stability(Repeats(asked, told))
    >>> found.repeats.share, found.repeats.n
    (0.98, 50)

    References
    ----------
    Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22.
    """
    if tolerance < 0:
        raise EngineError(f"tolerance must be 0 or above, got {tolerance}")
    repeated: Agreement | Insufficient = Insufficient(
        say("reasons.no_repeats", "no repeated inputs were given")
    )
    if repeats is not None:
        repeated = _repeated(repeats, tolerance, level)
    between: Agreement | Insufficient = Insufficient(
        say("reasons.no_second_version", "no second version was given")
    )
    kept: Agreement | Insufficient = Insufficient(
        say("reasons.no_labels_for_versions", "no labels were given for two versions")
    )
    flips: tuple[Flip, ...] = ()
    if versions is not None:
        between, kept, flips = _between(versions, tolerance, level)
    if isinstance(repeated, Agreement):
        basis = repeated
    elif isinstance(between, Agreement):
        basis = between
    else:
        thin = repeated if repeats is not None else between
        said = Sentence(thin.reason, thin.reason_key, thin.reason_values)
        raise InsufficientData(said, needed=thin.needed, got=thin.got)
    span = basis.interval
    graded = part(
        "disagreement",
        1 - basis.share,
        Interval(1 - span.high, 1 - span.low, level),
        basis.n,
    )
    return Stability(
        repeats=repeated,
        versions=between,
        regressions=kept,
        flips=flips,
        score=graded.score,
        interval=graded.interval or span,
        n=basis.n,
    )


def _repeated(repeats: Repeats, tolerance: float, level: float) -> Agreement | Insufficient:
    inputs, answers = _columns(repeats.inputs, repeats.answers)
    groups: dict[object, list[object]] = {}
    for question, answer in zip(inputs.tolist(), answers.tolist(), strict=True):
        groups.setdefault(question, []).append(answer)
    asked_again = [group for group in groups.values() if len(group) > 1]
    agreed = sum(_is_one_answer(group, tolerance) for group in asked_again)
    n = len(asked_again)
    few = say(
        "reasons.stability_needs_repeats",
        "stability needs {needed, number} inputs asked more than once, got {got, number}",
        needed=MIN_CASES,
        got=n,
    )
    return _agreement(agreed, n, few, level)


def _is_one_answer(answers: list[object], tolerance: float) -> bool:
    numbers = [float(a) for a in answers if isinstance(a, int | float)]
    if tolerance > 0 and len(numbers) == len(answers):
        return max(numbers) - min(numbers) <= tolerance
    return all(answer == answers[0] for answer in answers)


def _between(
    versions: Versions, tolerance: float, level: float
) -> tuple[Agreement | Insufficient, Agreement | Insufficient, tuple[Flip, ...]]:
    previous, current = _columns(versions.previous, versions.current)
    same = _equal(previous, current, tolerance)
    few = say(
        "reasons.stability_needs_pairs",
        "stability needs {needed, number} inputs answered by both versions, got {got, number}",
        needed=MIN_CASES,
        got=same.size,
    )
    agreement = _agreement(int(same.sum()), same.size, few, level)
    pairs = zip(previous[~same].tolist(), current[~same].tolist(), strict=True)
    common = Counter((str(before), str(after)) for before, after in pairs)
    flips = tuple(Flip(*pair, count) for pair, count in common.most_common(SHOWN_FLIPS))
    if versions.labels is None:
        return (
            agreement,
            Insufficient(
                say("reasons.no_labels_for_versions", "no labels were given for two versions")
            ),
            flips,
        )
    labels, _ = _columns(versions.labels, current)
    was_right = _equal(previous, labels, tolerance)
    still = was_right & _equal(current, labels, tolerance)
    n = int(was_right.sum())
    few = say(
        "reasons.stability_needs_right",
        "stability needs {needed, number} inputs that the former version had right, got "
        "{got, number}",
        needed=MIN_CASES,
        got=n,
    )
    return agreement, _agreement(int(still.sum()), n, few, level), flips


def _equal(a: NDArray[np.generic], b: NDArray[np.generic], tolerance: float) -> NDArray[np.bool_]:
    if tolerance > 0 and a.dtype.kind in "iuf" and b.dtype.kind in "iuf":
        return np.asarray(np.abs(a.astype(float) - b.astype(float)) <= tolerance)
    return np.asarray(a == b, dtype=bool)


def _agreement(agreed: int, n: int, few: Sentence, level: float) -> Agreement | Insufficient:
    if n < MIN_CASES:
        return Insufficient(few, MIN_CASES, n)
    return Agreement(agreed / n, wilson(agreed, n, level), agreed, n)


def _columns(a: ArrayLike, b: ArrayLike) -> tuple[NDArray[np.generic], NDArray[np.generic]]:
    first, second = np.asarray(a), np.asarray(b)
    if first.ndim != 1 or first.shape != second.shape:
        raise EngineError(f"need two equal columns, got {first.shape} and {second.shape}")
    return first, second
