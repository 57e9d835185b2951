"""Values as msgpack bytes, whatever integers JSON may carry."""

from __future__ import annotations

from typing import Any

import msgspec

_encode = msgspec.msgpack.Encoder().encode
unpack = msgspec.msgpack.Decoder().decode


def pack(value: Any) -> bytes:
    """The bytes of a value; integers beyond 64 bits, which msgpack lacks, become floats."""
    try:
        return _encode(value)
    except OverflowError:
        return _encode(_bounded(msgspec.to_builtins(value)))


def _bounded(value: Any) -> Any:
    if type(value) is int and not -(2**63) <= value < 2**64:
        try:
            return float(value)
        except OverflowError:
            return float("inf") if value > 0 else float("-inf")
    if isinstance(value, dict):
        return {key: _bounded(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(inner) for inner in value]
    return value
