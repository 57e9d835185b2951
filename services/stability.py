"""Which of a model's inputs came more than once, and what was answered each time."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import reliability as engine
from services.quality import class_name

_FEATURE = "feature:"


def asked_again(
    rows: InferenceColumns, *, is_number: bool
) -> tuple[engine.Repeats | None, engine.Versions | None]:
    """Return equal inputs with their answers within the newest version, and between it and the
    version before it; None where there are none.

    Two inputs are equal when all features are, to the last bit.
    """
    answers = rows.columns.get("prediction")
    inputs = _inputs(rows)
    if answers is None or inputs is None:
        return None, None
    known = np.array([a is not None and a == a for a in answers.tolist()], dtype=bool)
    told = [_answer(a, is_number) for a in answers.tolist()]
    order = list(dict.fromkeys(rows.versions.tolist()))  # by first row, oldest first
    mine = known & (rows.versions == order[-1])
    repeats = None
    if len(set(inputs[mine].tolist())) < mine.sum():
        chosen = np.flatnonzero(mine)
        repeats = engine.Repeats(inputs[mine], _column([told[i] for i in chosen]))
    if len(order) < 2:
        return repeats, None
    former = known & (rows.versions == order[-2])
    return repeats, _between(rows, inputs, told, former, mine, is_number)


def _between(
    rows: InferenceColumns,
    inputs: NDArray[np.int64],
    told: list[Hashable],
    former: NDArray[np.bool_],
    present: NDArray[np.bool_],
    is_number: bool,
) -> engine.Versions | None:
    before, after = (
        {key: i for key, i in zip(inputs[mask].tolist(), np.flatnonzero(mask).tolist(),
                                  strict=True)}
        for mask in (former, present)
    )  # fmt: skip
    shared = [key for key in after if key in before]
    if not shared:
        return None
    labels = rows.columns.get("label")
    truth: dict[int, Hashable] = {}
    if labels is not None and not is_number:
        known = [(k, v) for k, v in zip(inputs.tolist(), labels.tolist(), strict=True)
                 if v is not None and v == v]  # fmt: skip
        truth = {key: class_name(value) for key, value in known}
    if truth:
        shared = [key for key in shared if key in truth]
    return engine.Versions(
        _column([told[before[key]] for key in shared]),
        _column([told[after[key]] for key in shared]),
        _column([truth[key] for key in shared]) if truth else None,
    )


def _inputs(rows: InferenceColumns) -> NDArray[np.int64] | None:
    """Return one number per row, equal for equal features."""
    columns = [v for name, v in sorted(rows.columns.items()) if name.startswith(_FEATURE)]
    if not columns or not len(rows):
        return None
    matrix = np.column_stack([_codes(values) for values in columns])
    places: dict[bytes, int] = {}
    found = [places.setdefault(row.tobytes(), len(places)) for row in matrix]
    return np.array(found, dtype=np.int64)


def _codes(values: NDArray[Any]) -> NDArray[np.float64]:  # float64 or object
    if values.dtype != object:
        return np.asarray(values, dtype=np.float64)
    places: dict[str, int] = {}
    return np.array([places.setdefault(repr(v), len(places)) for v in values], dtype=np.float64)


def _answer(value: Any, is_number: bool) -> Hashable:  # a prediction as sent
    return float(value) if is_number and isinstance(value, int | float) else class_name(value)


def _column(values: list[Hashable]) -> NDArray[Any]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
