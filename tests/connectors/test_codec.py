"""Result objects survive the trip through a shared cache, and nothing else gets in."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import codec
from connectors.protocols import SeriesPoints
from connectors.telemetry import Series


@dataclass(frozen=True, slots=True)
class Thin:
    reason: str
    status: Literal["insufficient_data"] = field(default="insufficient_data", init=False)


@dataclass(frozen=True, slots=True)
class Part:
    value: float | Thin
    history: Any


@dataclass(frozen=True, slots=True)
class Whole:
    parts: tuple[Part | Thin, ...]
    by_name: dict[str, Part]
    at: datetime | None = None


class Told(str):
    def __new__(cls, *_: object) -> Told:
        raise AssertionError("decoding must not run code")


class Colour(enum.Enum):
    RED = 1


@dataclass
class Loud:
    word: str

    def __post_init__(self) -> None:
        raise AssertionError("decoding must not run code")


def test_a_nested_result_comes_back_equal_with_its_own_types() -> None:
    whole = Whole(
        parts=(Part(0.5, None), Thin("needs 20 rows")),
        by_name={"a": Part(Thin("no labels"), [1, (2, "x"), frozenset({3})])},
        at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
    )
    assert codec.decode(codec.encode(whole), Whole) == whole


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.int32).reshape(2, 3),
        np.array([1.5, np.nan, -np.inf]),
        np.array([], dtype=np.float32),
        np.array(["a", None, 3], dtype=object),
        np.array(["2026-01-01"], dtype="datetime64[ms]"),
        np.array([True, False]),
        np.arange(100_000.0),
    ],
)
def test_arrays_keep_dtype_shape_and_values(array: np.ndarray[Any, Any]) -> None:
    back = codec.decode(codec.encode(Part(1.0, array)), Part).history
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_numpy_scalars_become_plain_numbers() -> None:
    back = codec.decode(codec.encode(Part(float(np.float64(0.25)), np.int64(3))), Part)
    assert (back.value, type(back.history)) == (0.25, int)


def test_structs_come_back() -> None:
    points = SeriesPoints(Series("a", {"x": "1", "b": "2"}), np.arange(3), np.arange(3.0))
    back = codec.decode(codec.encode(points), SeriesPoints)
    assert back.series == points.series
    np.testing.assert_array_equal(back.timestamps_ms, points.timestamps_ms)


def test_long_values_are_compressed() -> None:
    assert len(codec.encode(np.zeros(100_000))) < 10_000


@pytest.mark.parametrize("value", [object(), Colour.RED, {1, 2}, print, datetime(2026, 1, 1)])
def test_unknown_types_are_a_type_error(value: object) -> None:
    with pytest.raises(TypeError):
        codec.encode(value)


def test_another_type_than_asked_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="expected"):
        codec.decode(codec.encode(Thin("x")), Whole)
    either: Any = Whole | Thin
    assert codec.decode(codec.encode(Thin("x")), either) == Thin("x")
    maybe: Any = Thin | None
    assert codec.decode(codec.encode(None), maybe) is None
    assert codec.decode(codec.encode([1]), list[int]) == [1]
    assert codec.decode(codec.encode(1), float) == 1


def test_a_class_whose_fields_changed_is_a_value_error() -> None:
    data = codec.encode(Thin("x")).replace(b"reason", b"motive")
    with pytest.raises(ValueError, match="other fields"):
        codec.decode(data, Thin)


@pytest.mark.parametrize("where", ["os:system", "builtins:eval", "subprocess:Popen", "no.such:X"])
def test_names_that_are_not_results_are_refused(where: str) -> None:
    ext = msgspec.msgpack.Ext(3, msgspec.msgpack.encode([where, [], []]))
    with pytest.raises(ValueError, match="not a cached value"):
        codec.decode(b"m" + msgspec.msgpack.encode(ext), object)


def test_decoding_does_not_run_the_class() -> None:
    where = f"{Loud.__module__}:Loud"
    ext = msgspec.msgpack.Ext(3, msgspec.msgpack.encode([where, ["word"], ["hi"]]))
    assert codec.decode(b"m" + msgspec.msgpack.encode(ext), Loud).word == "hi"


@given(st.binary(max_size=200))
def test_any_bytes_decode_or_raise_value_error(data: bytes) -> None:
    try:
        codec.decode(data, object)
    except ValueError:
        return


scalars = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary()
values = st.recursive(
    scalars | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(), inner, max_size=4)
        | st.builds(Part, st.floats(allow_nan=False), inner)
    ),
    max_leaves=20,
)


@given(values)
def test_any_value_survives(value: object) -> None:
    assert codec.decode(codec.encode(value), object) == value


def test_a_text_with_attributes_comes_back_with_them() -> None:
    said = str.__new__(Told, "needs 20 rows")
    vars(said).update(key="rows", values={"needed": 20})
    back = codec.decode(codec.encode(Thin(said)), Thin).reason
    assert (type(back), back, vars(back)) == (Told, "needs 20 rows", vars(said))


@pytest.mark.parametrize("where", ["builtins:str", "builtins:int", "os:environ"])
def test_a_text_of_another_kind_is_refused(where: str) -> None:
    ext = msgspec.msgpack.Ext(6, msgspec.msgpack.encode([where, "x", {}]))
    with pytest.raises(ValueError):
        codec.decode(b"m" + msgspec.msgpack.encode(ext), str)
