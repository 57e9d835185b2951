"""The tables of the drift studies: 30 numbers and 5 string columns with 2 to 1,000 values."""

from __future__ import annotations

import numpy as np
import pandas as pd

NUMBERS = 30
CARDINALITIES = (2, 5, 20, 100, 1000)


def table(rng: np.random.Generator, rows: int, *, encoded: bool = False) -> pd.DataFrame:
    """Independent normal columns and uniform categories; `encoded`: categories as codes."""
    columns: dict[str, object] = {f"n{i}": rng.normal(size=rows) for i in range(NUMBERS)}
    for values in CARDINALITIES:
        codes = rng.integers(0, values, rows)
        names = np.arange(values).astype(str)
        as_codes = pd.Categorical.from_codes(codes, categories=names)
        columns[f"c{values}"] = as_codes if encoded else pd.Series(as_codes.astype(str))
    return pd.DataFrame(columns)
