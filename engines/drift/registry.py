"""Every univariate test by the kind of column it reads: the one list to extend."""

from __future__ import annotations

from collections.abc import Callable

from engines.drift.chi_square import PooledTable, chi_square
from engines.drift.ks import ks
from engines.drift.pair import NumericPair
from engines.drift.rank_tests import mann_whitney, mood
from engines.drift.result import TestResult

NUMERIC_TESTS: tuple[Callable[[NumericPair], TestResult], ...] = (ks, mann_whitney, mood)
CATEGORY_TESTS: tuple[Callable[[PooledTable], TestResult], ...] = (chi_square,)
