"""OTLP/HTTP: content types, and the answers a sender understands, partial success included."""

from __future__ import annotations

from typing import Literal

import msgspec

from connectors.errors import Refused

Signal = Literal["traces", "metrics", "logs"]

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

_COUNT_FIELD: dict[Signal, str] = {
    "traces": "rejectedSpans",
    "metrics": "rejectedDataPoints",
    "logs": "rejectedLogRecords",
}


def is_json(content_type: str) -> bool:
    """Return whether a body is JSON rather than protobuf; other types are `Refused`."""
    plain = content_type.split(";", 1)[0].strip().lower()
    if plain not in (PROTOBUF, JSON):
        raise Refused(f"OTLP/HTTP bodies are {PROTOBUF} or {JSON}, not {plain[:80]!r}")
    return plain == JSON


def export_response(signal: Signal, rejected: int, reason: str, *, as_json: bool) -> bytes:
    """Return the body of a 200 answer: empty when all was taken, else how many were not."""
    if not rejected and not reason:
        return b"{}" if as_json else b""
    if as_json:
        # 64-bit numbers are text in protobuf's JSON.
        partial = {_COUNT_FIELD[signal]: str(rejected), "errorMessage": reason}
        return msgspec.json.encode({"partialSuccess": partial})
    text = reason.encode()
    inner = (b"\x08" + _varint(rejected) if rejected else b"") + b"\x12" + _varint(len(text)) + text
    return b"\x0a" + _varint(len(inner)) + inner


def error_response(message: str, *, as_json: bool) -> bytes:
    """Return the `google.rpc.Status` of a 4xx or 5xx answer; senders go by the HTTP status."""
    if as_json:
        return msgspec.json.encode({"message": message})
    text = message.encode()
    return b"\x12" + _varint(len(text)) + text


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
