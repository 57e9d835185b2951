"""Read protobuf wire format field by field, for the messages that a schema would make slow."""

from __future__ import annotations

from collections.abc import Iterator

from connectors.errors import Refused

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_WIDTH = {FIXED64: 8, FIXED32: 4}


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Return an unsigned varint and the position after it."""
    if at < len(data) and data[at] < 0x80:
        return data[at], at + 1
    value = shift = 0
    while shift < 70:
        if at >= len(data):
            raise Refused("protobuf ends inside a number")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise Refused("protobuf number is longer than 10 bytes")


def read_fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """Yield (field number, wire type, value) of a message; groups and bad lengths are refused."""
    at, end = 0, len(data)
    while at < end:
        tag, at = read_varint(data, at)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise Refused("protobuf field number 0")
        if wire == VARINT:
            value, at = read_varint(data, at)
            yield number, wire, value
            continue
        if wire == BYTES:
            width, at = read_varint(data, at)
        elif wire in _WIDTH:
            width = _WIDTH[wire]
        else:
            raise Refused(f"protobuf wire type {wire} is not in use")
        if at + width > end:
            raise Refused("protobuf ends inside a field")
        yield number, wire, data[at : at + width]
        at += width


def signed(value: int) -> int:
    """Return the int64 of an unsigned varint."""
    return value - (1 << 64) if value >= 1 << 63 else value


def text(value: int | bytes) -> str:
    """Return a field as text; protobuf strings are UTF-8."""
    if not isinstance(value, bytes):
        raise Refused("protobuf field has another type than its schema says")
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        raise Refused("protobuf string is not UTF-8") from error


def message(value: int | bytes) -> bytes:
    """Return the bytes of an embedded message."""
    if not isinstance(value, bytes):
        raise Refused("protobuf field has another type than its schema says")
    return value
