"""OTLP attributes: wire bytes or JSON to plain values, and values to labels."""

from __future__ import annotations

import base64
import re
import struct
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from connectors import protobuf_wire as wire
from connectors.errors import Refused

Attributes = dict[str, Any]  # text, bool, int, float, bytes as base64 text, lists and dicts of them

MAX_DEPTH = 20
_MAX_LABELS = 100
_MAX_LABEL = 4_096
_CACHED = 96  # bytes: longer attributes are seldom seen twice
_MAX_CACHED = 100_000

# Resource attributes with a name of their own among the labels; the other names are escaped.
_RENAMED = {
    "service.name": "service",
    "service.instance.id": "instance",
    "deployment.environment": "environment",
    "deployment.environment.name": "environment",
    "host.name": "host",
    "cloud.region": "region",
}
# They describe the sender's machinery: as labels they would only split series at every restart.
_NOT_LABELS = ("telemetry.", "process.", "os.", "container.", "host.id", "host.ip", "host.mac")
_NOT_NAME = re.compile(r"[^a-zA-Z0-9_]")
_cache: dict[bytes, tuple[str, Any]] = {}


def read_attributes(blocks: Iterable[bytes]) -> Attributes:
    """Return the attributes of KeyValue messages; the last of a name wins."""
    known = _cache
    found = {}
    for block in blocks:
        pair = known.get(block)
        if pair is None:
            pair = _learn(block)
        found[pair[0]] = pair[1]
    return found


def read_resource(block: bytes) -> Attributes:
    """Return the attributes of a Resource message."""
    return of_resource(
        read_attributes(
            wire.message(value) for number, _, value in wire.read_fields(block) if number == 1
        )
    )


def of_resource(attributes: Attributes) -> Attributes:
    """Return a resource's attributes with lists and objects as text: each of its rows reads them,
    and a long one must not be written anew for each."""
    return {
        name: label_value(value) if isinstance(value, list | dict) else value
        for name, value in attributes.items()
    }


def _learn(block: bytes) -> tuple[str, Any]:
    pair = _key_value(block, 0)
    if len(block) <= _CACHED and not isinstance(pair[1], list | dict):
        if len(_cache) >= _MAX_CACHED:
            _cache.clear()
        _cache[block] = pair
    return pair


def _key_value(block: bytes, depth: int) -> tuple[str, Any]:
    # Nearly all attributes are a short key and one value field: read those without a loop.
    if len(block) > 2 and block[0] == 0x0A and (size := block[1]) < 0x80:
        at = 2 + size
        if len(block) > at + 2 and block[at] == 0x12:
            length, start = wire.read_varint(block, at + 1)
            if start + length == len(block):
                return wire.text(block[2:at]), _one_value(block, start, depth)
    key, value = "", None
    for number, _, content in wire.read_fields(block):
        if number == 1:
            key = wire.text(content)
        elif number == 2:
            value = read_value(wire.message(content), depth)
    return key, value


def _one_value(block: bytes, start: int, depth: int) -> Any:
    if start + 1 < len(block) and block[start] == 0x0A:
        length, at = wire.read_varint(block, start + 1)
        if at + length == len(block):
            return wire.text(block[at:])
    return read_value(block[start:], depth)


def read_value(block: bytes, depth: int = 0) -> Any:
    """Return the value of an AnyValue message."""
    value: Any = None
    for number, kind, content in wire.read_fields(block):
        if number == 1:
            value = wire.text(content)
        elif number == 2 and kind == wire.VARINT:
            value = bool(content)
        elif number == 3 and isinstance(content, int):
            value = wire.signed(content)
        elif number == 4 and kind == wire.FIXED64 and isinstance(content, bytes):
            (value,) = struct.unpack("<d", content)
        elif number in (5, 6):
            value = _nested(number, wire.message(content), depth + 1)
        elif number == 7:
            value = base64.b64encode(wire.message(content)).decode()
    return value


def _nested(number: int, block: bytes, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Refused(f"attributes are nested more than {MAX_DEPTH} deep")
    items = [wire.message(v) for field, _, v in wire.read_fields(block) if field == 1]
    if number == 5:
        return [read_value(item, depth) for item in items]
    return dict(_key_value(item, depth) for item in items)


def label_name(name: str) -> str:
    """Return an attribute name in the form labels and metrics have: ``http.method`` with ``_``."""
    escaped = _NOT_NAME.sub("_", name)
    return f"_{escaped}" if escaped[:1].isdigit() else escaped


def label_value(value: Any) -> str:
    """Return an attribute value as label text."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return "" if value is None else msgspec.json.encode(value).decode()


def resource_labels(attributes: Attributes) -> dict[str, str]:
    """Return the labels that a resource gives to all its series."""
    return {
        _RENAMED.get(name) or label_name(name): label_value(value)
        for name, value in attributes.items()
        if name and not name.startswith(_NOT_LABELS)
    }


def check_number(labels: Mapping[str, str]) -> None:
    """Raise `Refused` for more labels than a series may have."""
    if len(labels) > _MAX_LABELS:
        raise Refused(f"a series may have {_MAX_LABELS} labels, got {len(labels)}")


def point_labels(resource: Mapping[str, str], attributes: Attributes) -> dict[str, str]:
    """Return the labels of one data point; its own attributes win over the resource's."""
    labels = dict(resource)
    labels.update((label_name(k), label_value(v)) for k, v in attributes.items() if k)
    labels.pop("__name__", None)
    check_number(labels)
    if any(len(name) > _MAX_LABEL or len(value) > _MAX_LABEL for name, value in labels.items()):
        raise Refused(f"label names and values may have {_MAX_LABEL} characters")
    return labels
