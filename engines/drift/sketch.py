"""Mergeable summary of a table: drift of any window against any other without its rows."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engines.drift.category_sketch import CategorySketch, merge_categories
from engines.drift.columns import (
    as_columns,
    infer_kind,
    read_categories,
    read_numbers,
    read_texts,
    read_vectors,
    take_rows,
)
from engines.drift.language import guess_language
from engines.drift.pair import Floats
from engines.drift.quantile_sketch import QuantileSketch, merge_quantiles
from engines.drift.result import Kind
from engines.drift.score_sums import GRID, ScoreGrid, ScoreSums, make_grid, merge_sums
from engines.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

POINTS = 512  # one hour of one column in about 6 kB; rank error of a batch 0.2 %
PROFILE_POINTS = 2048  # a reference is kept once and compared often
LABELS = 1024
SUM_ROWS = 20_000  # rows per batch that enter the correlation sums
PROJECTIONS = 8  # fixed directions in which a vector is summarised


@dataclass(frozen=True, slots=True, eq=False)
class TableSketch:
    """What is kept of a batch of rows.

    Attributes
    ----------
    rows : int
        Rows summarised; a column's missing rows are these less its own.
    numbers, categories : mapping
        One sketch per column. A text column ``t`` is kept as ``t.length`` and ``t.language``, a
        vector column ``e`` as ``e.norm`` and ``e.projection0`` to ``7``.
    sums : ScoreSums or None
        Products of scores, when the batch was made with a grid.
    grid : ScoreGrid or None
        The map behind `sums`; its `key` tells whether sums of two sketches can be joined.
    """

    rows: int
    numbers: Mapping[str, QuantileSketch]
    categories: Mapping[str, CategorySketch]
    sums: ScoreSums | None = None
    grid: ScoreGrid | None = field(default=None)

    @property
    def names(self) -> tuple[str, ...]:
        """Return every column, numbers first."""
        return (*self.numbers, *self.categories)

    def present(self, name: str) -> int:
        """Return the rows of a column that are not missing (0 for an unknown one)."""
        if name in self.numbers:
            return self.numbers[name].rows
        return self.categories[name].rows if name in self.categories else 0


def sketch_table(
    table: pd.DataFrame | Mapping[str, NDArray[np.generic]],
    *,
    kinds: Mapping[str, Kind] | None = None,
    points: int = POINTS,
    labels: int = LABELS,
    grid: ScoreGrid | None = None,
) -> TableSketch:
    """Return the mergeable summary of a batch of rows.

    Parameters
    ----------
    table : DataFrame or mapping of name to array
        As for ``compare``; not changed. Times and columns without any value are left out.
    kinds : mapping, optional
        Overrides what a column is taken for; pass it to keep batches of one model alike.
    points, labels : int
        Capacity per numeric and per categorical column, at least 8.
    grid : ScoreGrid, optional
        Map to scores from a reference profile; without it no correlations can be compared.

    Notes
    -----
    Distribution functions are known to within ``error / rows`` (0 up to `points` distinct values);
    tests on sketches count that bound against themselves.

    Examples
    --------
    >>> batch = sketch_table({"x": np.arange(100.0), "c": np.repeat(["a", "b"], 50)})
    >>> batch.rows, batch.numbers["x"].rows, dict(batch.categories["c"].counts)
    (100, 100, {'a': 50, 'b': 50})
    """
    if min(points, labels) < 8:
        raise EngineError(f"points and labels must be at least 8, got {points} and {labels}")
    columns, rows = as_columns(table)
    numbers: dict[str, QuantileSketch] = {}
    categories: dict[str, CategorySketch] = {}
    for name, values in columns.items():
        kind = (kinds or {}).get(name) or infer_kind(values)
        if kind == "numeric":
            numbers[name] = QuantileSketch.of(read_numbers(values), points)
        elif kind == "categorical":
            categories[name] = CategorySketch.of(read_categories(values), labels)
        elif kind == "text":
            _sketch_texts(name, read_texts(values), points, labels, numbers, categories)
        elif kind == "embedding":
            _sketch_vectors(name, read_vectors(values), points, numbers)
    sums = _sum_scores(columns, rows, grid) if grid is not None else None
    return TableSketch(rows, numbers, categories, sums, grid)


def profile_table(
    reference: pd.DataFrame | Mapping[str, NDArray[np.generic]],
    *,
    kinds: Mapping[str, Kind] | None = None,
    points: int = PROFILE_POINTS,
    labels: int = LABELS,
) -> TableSketch:
    """Return the reference as a sketch with its score grid and correlation sums.

    Notes
    -----
    Keep it and compare each window with ``compare_sketches(profile, sketch_table(window,
    grid=profile.grid))``: the reference is never read again.
    """
    sketch = sketch_table(reference, kinds=kinds, points=points, labels=labels)
    columns, rows = as_columns(reference)
    levels = (np.arange(GRID) + 0.5) / GRID
    names = [name for name, part in sketch.numbers.items() if name in columns and part.rows]
    grid = make_grid(names, [_quantiles(sketch.numbers[name], levels) for name in names])
    return replace(sketch, grid=grid, sums=_sum_scores(columns, rows, grid))


def _quantiles(sketch: QuantileSketch, levels: Floats) -> Floats:
    ends = np.cumsum(sketch.at + sketch.before)
    index = np.searchsorted(ends, levels * ends[-1])
    quantiles: Floats = sketch.values[np.minimum(index, len(sketch.values) - 1)]
    return quantiles


def _sum_scores(columns: Mapping[str, Any], rows: int, grid: ScoreGrid) -> ScoreSums:
    step = max(1, -(-rows // SUM_ROWS))
    chosen = np.arange(0, rows, step)
    picked: dict[str, Floats] = {}
    for name in grid.names:
        if name in columns:
            picked[name] = _as_floats(take_rows(columns[name], chosen))
    return ScoreSums.of(grid.apply(picked, len(chosen)))


def _as_floats(values: Any) -> Floats:
    import pandas as pd

    numbers = pd.to_numeric(pd.Series(values), errors="coerce")
    array: Floats = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return array


def _sketch_texts(
    name: str,
    texts: Sequence[str],
    points: int,
    labels: int,
    numbers: dict[str, QuantileSketch],
    categories: dict[str, CategorySketch],
) -> None:
    lengths = np.array([len(text) for text in texts], dtype=np.float64)
    numbers[f"{name}.length"] = QuantileSketch.of(lengths, points)
    counts: dict[str, int] = {}
    for text in texts:
        code = guess_language(text)
        counts[code] = counts.get(code, 0) + 1
    categories[f"{name}.language"] = CategorySketch.of(counts, labels)


def _sketch_vectors(
    name: str, vectors: Floats, points: int, numbers: dict[str, QuantileSketch]
) -> None:
    dimensions = vectors.shape[1] if vectors.ndim == 2 else 0
    if not dimensions:
        return
    norms = np.sqrt((vectors * vectors).sum(axis=1))
    numbers[f"{name}.norm"] = QuantileSketch.of(norms, points)
    directions = np.random.default_rng(dimensions).normal(size=(dimensions, PROJECTIONS))
    for index, scores in enumerate((vectors @ (directions / np.sqrt(dimensions))).T):
        numbers[f"{name}.projection{index}"] = QuantileSketch.of(scores, points)


def merge(parts: Sequence[TableSketch]) -> TableSketch:
    """Return the sketch of all rows behind `parts`, in any order of arrival.

    Raises
    ------
    EngineError
        When `parts` is empty.

    Notes
    -----
    A column absent from a part counts as missing there. A column that is a number in one part and
    a category in another becomes a category. Sums are kept when every part with rows was made with
    the same grid.

    Examples
    --------
    >>> hours = [sketch_table({"x": np.full(10, float(hour))}) for hour in range(3)]
    >>> merge(hours).numbers["x"].mean
    1.0
    """
    if not parts:
        raise EngineError("merge needs at least one sketch, got 0")
    full = [part for part in parts if part.rows] or [parts[0]]
    labelled = {name for part in full for name, one in part.categories.items() if one.rows}
    numbers = {
        name: merge_quantiles([part.numbers[name] for part in full if name in part.numbers])
        for name in dict.fromkeys(name for part in full for name in part.numbers)
        if name not in labelled
    }
    categories = {
        name: merge_categories([as_category(part, name) for part in full if name in part.names])
        for name in dict.fromkeys(name for part in full for name in part.names)
        if name not in numbers
    }
    grids = {grid_key(part.grid) for part in full}
    sums = [part.sums for part in full if part.sums is not None]
    is_joinable = len(grids) == 1 and len(sums) == len(full)
    return TableSketch(
        sum(part.rows for part in full),
        numbers,
        categories,
        merge_sums(sums) if is_joinable else None,
        full[0].grid if is_joinable else None,
    )


def as_category(sketch: TableSketch, name: str) -> CategorySketch:
    """Return a column as categories, whichever way it was kept."""
    if name in sketch.categories:
        return sketch.categories[name]
    numbers = sketch.numbers[name]
    values, masses = numbers.weighted()
    counts = {
        f"{v:.12g}": round(mass) for v, mass in zip(values.tolist(), masses.tolist(), strict=True)
    }
    return CategorySketch.of(counts, LABELS)


def grid_key(grid: ScoreGrid | None) -> int | None:
    """Return a checksum of a grid: sums are joined and compared only under equal keys."""
    if grid is None:
        return None
    return zlib.crc32(grid.quantiles.tobytes() + "\0".join(grid.names).encode())
