"""Result objects as bytes and back: what a shared cache keeps.

MessagePack with extensions: NumPy arrays, tuples, texts that carry attributes, and dataclasses or
structs by name with their fields. Decoding builds the named class without calling it and only if
it is a dataclass or struct that this process has loaded and whose fields are the same: bytes from
another version of the hub, or from anywhere else, are a `ValueError` and never run code.
"""

from __future__ import annotations

import dataclasses
import enum
import sys
import zlib
from datetime import datetime
from types import UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin

import msgspec
import numpy as np

from connectors.telemetry import Series

T = TypeVar("T")

_ARRAY, _TUPLE, _OBJECT, _SET, _SERIES, _TEXT = 1, 2, 3, 4, 5, 6
_COMPRESS_ABOVE = 1_024
_MAX_BYTES = 256 * 1024 * 1024


def encode(value: object) -> bytes:
    """Return the bytes of a result; a value of an unknown type is a `TypeError`."""
    packed = _pack(_lower(value))
    if len(packed) > _COMPRESS_ABOVE:
        return b"z" + zlib.compress(packed, 1)
    return b"m" + packed


def decode(data: bytes, kind: type[T]) -> T:
    """Return the value that was encoded, or raise `ValueError` when it is not a `kind` here."""
    try:
        packed = _inflate(data[1:]) if data[:1] == b"z" else data[1:]
        value = _unpack(packed)
    except (msgspec.DecodeError, zlib.error, ValueError, TypeError, KeyError, IndexError) as error:
        raise ValueError(f"not a cached value: {error}") from error
    if not _is_a(value, kind):
        raise ValueError(f"expected {kind}, got {type(value).__name__}")
    return cast(T, value)


def _inflate(data: bytes) -> bytes:
    engine = zlib.decompressobj()
    packed = engine.decompress(data, _MAX_BYTES)
    if not engine.eof:
        raise ValueError("truncated or too large")
    return packed


def _is_a(value: object, kind: Any) -> bool:  # a type, a generic alias or a union of them
    origin = get_origin(kind)
    if origin in (Union, UnionType):
        return any(_is_a(value, one) for one in get_args(kind))
    if kind is None:
        return value is None
    if kind is float:
        return isinstance(value, float | int)
    plain = origin or kind
    return not isinstance(plain, type) or isinstance(value, plain)


def _lower(value: Any) -> Any:
    if value is None or isinstance(value, bool | bytes) or type(value) in (int, float, str):
        return value
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value  # MessagePack has its own timestamp, always UTC
    if isinstance(value, enum.Enum):
        raise TypeError("an Enum is not cached: use a Literal")
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, str):
        return msgspec.msgpack.Ext(
            _TEXT, _pack([_where(type(value)), str(value), _lower(vars(value))])
        )
    if isinstance(value, np.ndarray):
        return msgspec.msgpack.Ext(_ARRAY, _pack(_lower_array(value)))
    if isinstance(value, tuple):
        return msgspec.msgpack.Ext(_TUPLE, _pack([_lower(item) for item in value]))
    if isinstance(value, frozenset):
        return msgspec.msgpack.Ext(_SET, _pack([_lower(item) for item in value]))
    if isinstance(value, list):
        return [_lower(item) for item in value]
    if isinstance(value, dict):
        return {key: _lower(item) for key, item in value.items()}
    if isinstance(value, Series):
        return msgspec.msgpack.Ext(_SERIES, _pack([value.name, value.labels]))
    names = _field_names(type(value))
    fields = [_lower(getattr(value, name)) for name in names]
    return msgspec.msgpack.Ext(_OBJECT, _pack([_where(type(value)), list(names), fields]))


def _where(kind: type) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def _lower_array(array: np.ndarray[Any, Any]) -> list[Any]:
    if array.dtype.hasobject:
        return ["O", list(array.shape), [_lower(item) for item in array.ravel().tolist()]]
    return [array.dtype.str, list(array.shape), array.tobytes()]


def _raise_array(text: str, shape: list[int], content: Any) -> np.ndarray[Any, Any]:
    if text == "O":
        array = np.empty(len(content), dtype=object)
        array[:] = content
        return array.reshape(shape)
    return np.frombuffer(content, dtype=np.dtype(text)).reshape(shape)


def _field_names(kind: type) -> tuple[str, ...]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    raise TypeError(f"a {kind.__qualname__} is not cached: use a dataclass or a struct")


def _kind_at(where: str) -> Any:  # whatever has that name in a loaded module
    module, _, qualname = where.partition(":")
    kind: Any = sys.modules[module]
    for part in qualname.split("."):
        kind = vars(kind)[part]
    return kind


def _raise_text(where: str, text: str, attributes: dict[str, Any]) -> str:
    kind = _kind_at(where)
    if not (isinstance(kind, type) and issubclass(kind, str)) or kind is str:
        raise ValueError(f"{where} is no text here")
    value = str.__new__(kind, text)
    vars(value).update(attributes)
    return value


def _raise_object(where: str, names: list[str], fields: list[Any]) -> Any:
    kind = _kind_at(where)
    if not isinstance(kind, type) or list(_field_names(kind)) != names:
        raise ValueError(f"{where} has other fields here")
    given = dict(zip(names, fields, strict=True))
    if issubclass(kind, msgspec.Struct):
        if hasattr(kind, "__post_init__"):
            raise ValueError(f"{where} checks itself")
        return kind(**given)
    value = object.__new__(kind)
    for name, field in given.items():
        object.__setattr__(value, name, field)
    return value


def _ext_hook(code: int, data: memoryview) -> Any:
    content = _unpack(data)
    if code == _ARRAY:
        return _raise_array(*content)
    if code == _TUPLE:
        return tuple(content)
    if code == _SET:
        return frozenset(content)
    if code == _SERIES:
        return Series(content[0], tuple((k, v) for k, v in content[1]))
    if code == _TEXT:
        return _raise_text(*content)
    if code == _OBJECT:
        return _raise_object(*content)
    raise ValueError(f"unknown extension {code}")


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(ext_hook=_ext_hook).decode
