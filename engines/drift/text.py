"""Drift of texts: length, make-up, language and words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from engines.drift.chi_square import chi_square, pool_cells
from engines.drift.combine import combine_p
from engines.drift.embedding import with_held_out
from engines.drift.language import guess_language
from engines.drift.pair import CategoryPair, Floats, NumericPair
from engines.drift.policy import Policy
from engines.drift.registry import NUMERIC_TESTS
from engines.drift.result import ColumnDrift, Effects, TestResult
from engines.drift.univariate import Sides, blank, draw_numbers, list_changes, with_missing
from engines.drift.witness import HeldOut, hold_out

WORD = re.compile(r"\w+")
VOCABULARY = 2000  # most frequent words that enter the word test
HEAD = 2000  # characters of a text that are read: enough for its language and words


def compare_texts(
    name: str,
    reference: Sequence[str],
    current: Sequence[str],
    sides: Sides,
    policy: Policy,
    level: float,
    seed: int = 0,
) -> ColumnDrift:
    """Return the undecided comparison of two samples of texts.

    Notes
    -----
    H0: both sides are samples of one source of texts. Four questions, joined by Cauchy: length in
    characters; share of letters; language (chi-square); words, by a naive Bayes score learned on
    one half and tested on the other, both ways. New and vanished categories are languages. Meaning
    in other words needs an embedding column. At most `policy.text_rows` per side are read.
    """
    rng = np.random.default_rng(seed)
    before, after = (_sample(side, policy.text_rows, rng) for side in (reference, current))
    lengths = _pair(before, after, lambda text: float(len(text)))
    letters = _pair(before, after, _letter_share)
    languages = CategoryPair.of_counts(
        Counter(guess_language(text[:HEAD]) for text in before),
        Counter(guess_language(text[:HEAD]) for text in after),
    )
    words = word_test(before, after, seed)
    tests = (
        _joined("length", lengths),
        _joined("letter_share", letters),
        replace(chi_square(pool_cells(languages)), name="language"),
        TestResult("words", words.auc, combine_p(words.p_values)),
    )
    auc = max(words.auc, *(0.5 + abs(test.statistic - 0.5) for test in tests[:2]))
    draft = replace(
        blank(name, "text", sides, ""),
        effects=Effects(auc=auc, auc_shift=tests[0].statistic - 0.5),
        histogram=draw_numbers(lengths),
    )
    draft = with_held_out(draft, auc, len(before), len(after), policy, level)
    return with_missing(list_changes(draft, languages), tests, sides, policy)


def word_test(before: Sequence[str], after: Sequence[str], seed: int) -> HeldOut:
    """Return the held-out test of a naive Bayes score over the most frequent words.

    Examples
    --------
    >>> word_test(["red wine"] * 40, ["white rice"] * 40, seed=0).auc
    1.0
    """
    bags = [[set(WORD.findall(text[:HEAD].lower())) for text in side] for side in (before, after)]
    frequency = Counter(word for side in bags for bag in side for word in bag)
    index = {word: i for i, (word, _) in enumerate(frequency.most_common(VOCABULARY))}
    return hold_out(_present(bags[0], index), _present(bags[1], index), naive_bayes, seed)


def _present(bags: list[set[str]], index: dict[str, int]) -> Floats:
    rows = np.zeros((len(bags), max(1, len(index))), dtype=np.float64)
    for row, bag in zip(rows, bags, strict=True):
        row[[index[word] for word in bag if word in index]] = 1.0
    return rows


def naive_bayes(before: Floats, after: Floats) -> Callable[[Floats], Floats]:
    """Return the summed log odds of the words present, half a document added to each side."""
    share_before = (before.sum(axis=0) + 0.5) / (len(before) + 1.0)
    share_after = (after.sum(axis=0) + 0.5) / (len(after) + 1.0)
    weights = np.log(share_after / share_before)
    return lambda rows: np.asarray(rows @ weights, dtype=np.float64)


def _joined(name: str, pair: NumericPair) -> TestResult:
    tests = [test(pair) for test in NUMERIC_TESTS]
    return TestResult(name, tests[1].statistic, combine_p([test.p_value for test in tests]))


def _pair(
    before: Sequence[str], after: Sequence[str], measure: Callable[[str], float]
) -> NumericPair:
    sides = [np.array([measure(text) for text in side]) for side in (before, after)]
    return NumericPair.of_samples(sides[0], sides[1])


def _letter_share(text: str) -> float:
    head = text[:HEAD]
    return sum(map(str.isalpha, head)) / len(head) if head else 0.0


def _sample(texts: Sequence[str], size: int, rng: np.random.Generator) -> Sequence[str]:
    if len(texts) <= size:
        return texts
    return [texts[i] for i in rng.permutation(len(texts))[:size].tolist()]
