"""What a column holds, and its values without the missing ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from engines.drift.pair import Floats
from engines.drift.result import Kind
from engines.errors import EngineError

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 500  # values looked at to tell text from categories
TEXT_LENGTH = 25.0  # mean characters from which distinct strings are read as text
LARGEST = 1e150  # the squares of larger numbers overflow; they count as infinite
TEXT_DISTINCT = 0.5  # share of distinct values from which long strings are read as text


def as_columns(data: Any) -> tuple[dict[str, Any], int]:  # Any: frame or mapping of arrays
    """Return the columns by name and the number of rows.

    Raises
    ------
    EngineError
        When columns differ in length, names repeat, or the data is neither a frame nor a mapping.
    """
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        names = [str(name) for name in data.columns]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise EngineError(f"column names repeat: {repeated[:5]}")
        return {str(name): data[name] for name in data.columns}, len(data)
    if not isinstance(data, Mapping):
        raise EngineError(f"needs a DataFrame or a mapping of arrays, got {type(data).__name__}")
    columns = {
        str(name): values if isinstance(values, (np.ndarray, pd.Series)) else _as_array(values)
        for name, values in data.items()
    }
    lengths = {len(values) for values in columns.values()}
    if len(lengths) > 1:
        raise EngineError(f"columns differ in length: {sorted(lengths)}")
    return columns, lengths.pop() if lengths else 0


def _as_array(values: Any) -> Any:  # Any: whatever sequence the caller holds
    import pandas as pd

    return pd.Series(list(values))


def take_rows(values: Any, rows: NDArray[np.generic]) -> Any:  # Any: Series or array
    """Return `values` at `rows` (positions or a boolean mask)."""
    import pandas as pd

    return values.iloc[rows] if isinstance(values, pd.Series) else values[rows]


def is_numeric_dtype(values: Any) -> bool:  # Any: Series or array
    """Return whether the values are stored as numbers or booleans."""
    import pandas as pd

    return bool(pd.api.types.is_numeric_dtype(values.dtype))


def infer_kind(values: Any) -> Kind | None:  # Any: Series or array
    """Return what the column holds, or ``None`` when every value is missing.

    Notes
    -----
    Numbers are numeric (few distinct ones are compared as categories later); booleans, categories
    and short or repeated strings are categorical; long, mostly distinct strings are text; rows of
    numbers are embeddings; dates are time.
    """
    import pandas as pd

    if isinstance(values, np.ndarray) and values.ndim == 2:
        return "embedding"
    dtype = values.dtype
    if pd.api.types.is_bool_dtype(dtype) or isinstance(dtype, pd.CategoricalDtype):
        return "categorical"
    if pd.api.types.is_numeric_dtype(dtype):
        return "numeric"
    if pd.api.types.is_datetime64_any_dtype(dtype) or pd.api.types.is_timedelta64_dtype(dtype):
        return "time"
    return _infer_object(values)


def _infer_object(values: Any) -> Kind | None:
    import pandas as pd

    series = values if isinstance(values, pd.Series) else pd.Series(values)
    sample = series.iloc[: 4 * SAMPLE].dropna().iloc[:SAMPLE]
    if sample.empty:
        sample = series.dropna().iloc[:SAMPLE]
    if sample.empty:
        return None
    first = sample.iloc[0]
    if isinstance(first, (list, tuple, np.ndarray)):
        return "embedding"
    inferred = pd.api.types.infer_dtype(sample, skipna=True)
    if inferred in {"integer", "floating", "mixed-integer-float", "decimal"}:
        return "numeric"
    if inferred in {"datetime64", "datetime", "date", "timedelta"}:
        return "time"
    if inferred != "string":
        return "categorical"
    is_long = float(sample.str.len().mean()) >= TEXT_LENGTH
    is_prose = float(sample.str.contains(" ", regex=False).mean()) >= 0.5
    is_varied = sample.nunique() >= TEXT_DISTINCT * len(sample)
    return "text" if is_long and is_prose and is_varied else "categorical"


def read_numbers(values: Any) -> Floats:  # Any: Series or array
    """Return the finite values as float64; null, NaN and infinite values count as missing."""
    import pandas as pd

    if isinstance(values, pd.Series):
        if values.dtype == object:
            values = pd.to_numeric(values, errors="coerce")
        array = values.to_numpy(dtype=np.float64, na_value=np.nan)
    else:
        array = np.asarray(values)
        if array.dtype == object:
            array = pd.to_numeric(pd.Series(array), errors="coerce").to_numpy()
        array = array.astype(np.float64, copy=False)
    finite = np.abs(array) < LARGEST  # False for NaN and infinity
    return cast(Floats, array if finite.all() else array[finite])


def read_categories(values: Any) -> dict[str, int]:  # Any: Series or array
    """Return how often each label occurs; missing values are left out."""
    import pandas as pd

    series = values if isinstance(values, pd.Series) else pd.Series(values)
    if isinstance(series.dtype, pd.CategoricalDtype):
        codes = series.cat.codes.to_numpy()
        counts = np.bincount(codes[codes >= 0], minlength=len(series.cat.categories))
        pairs = zip(series.cat.categories, counts.tolist(), strict=True)
        return {str(label): count for label, count in pairs if count}
    if series.dtype == object or isinstance(series.dtype, pd.StringDtype):
        counted = _count_strings(series)
        if counted is not None:
            return counted
    frequencies = series.value_counts(dropna=True)
    result: dict[str, int] = {}
    for label, count in zip(frequencies.index, frequencies.tolist(), strict=True):
        result[str(label)] = result.get(str(label), 0) + count
    return result


def _count_strings(series: pd.Series[Any]) -> dict[str, int] | None:
    """Return counts through Arrow's hash table, or ``None`` where the values are not strings."""
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        if isinstance(series.dtype, pd.StringDtype):
            array = pa.array(series.array)
        else:
            array = pa.array(series.to_numpy(), type=pa.large_string(), from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return None
    counted = pc.value_counts(array)
    labels, counts = counted.field("values").to_pylist(), counted.field("counts").to_pylist()
    return {label: n for label, n in zip(labels, counts, strict=True) if label is not None}


def read_vectors(values: Any) -> Floats:  # Any: 2-D array, or a column of vectors
    """Return the rows of finite numbers as a 2-D float64 array.

    Raises
    ------
    EngineError
        When the vectors differ in length.
    """
    if isinstance(values, np.ndarray) and values.ndim == 2:
        array = values.astype(np.float64, copy=False)
    else:
        rows = [row for row in values if row is not None and np.ndim(row) == 1]
        lengths = {len(row) for row in rows}
        if len(lengths) > 1:
            raise EngineError(f"embedding lengths differ: {sorted(lengths)[:5]}")
        array = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
    finite = np.isfinite(array).all(axis=1)
    return array if finite.all() else array[finite]


def read_texts(values: Any) -> list[str]:  # Any: Series or array of strings
    """Return the texts that are present."""
    return [value for value in values if isinstance(value, str)]
