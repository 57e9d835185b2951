"""Read a list of JSON items so that each stands or falls alone, with the field and the reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import blake2b
from typing import Any, Generic, TypeVar

import msgspec

from connectors.decoded import EARLIEST_MS, MAX_AHEAD_MS
from connectors.errors import NOT_JSON, Refused, TooMuch

I = TypeVar("I")  # noqa: E741 -- an input shape
R = TypeVar("R")
B = TypeVar("B")

MAX_ITEMS = 10_000
_MS_FROM = 1e11  # as seconds the year 5138, as milliseconds 1973
_PLACE = re.compile(r"^(.*?)(?: - at `(?:key in )?\$\.?(.*?)`)?$", re.DOTALL)
_NAMED = re.compile(r"(?:missing required|contains unknown) field `(.*?)`")


class Rejected(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why one item was not taken. `section` names the list in a batch body."""

    index: int
    field: str
    reason: str
    section: str = ""


class Items(msgspec.Struct, Generic[R], frozen=True):
    """Records that hold, items that do not, and field names that mean nothing here."""

    rows: list[R]
    rejected: list[Rejected] = []
    ignored: list[str] = []


class ItemError(Exception):
    """An item that parsed but does not hold."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


def parse(body: bytes, decoder: msgspec.json.Decoder[B]) -> B:
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        _, reason = _explain(error)
        raise Refused(f"body: {reason}") from error
    except NOT_JSON as error:
        raise Refused(f"body is not JSON: {error}") from error


def _explain(error: Exception) -> tuple[str, str]:
    found = _PLACE.match(str(error))
    reason, place = (found.group(1), found.group(2) or "") if found else (str(error), "")
    named = _NAMED.search(reason)
    if named:
        place = f"{place}.{named.group(1)}" if place else named.group(1)
    return place, reason.replace("Object ", "").replace("`", "")


def read_each(
    raws: Sequence[msgspec.Raw | bytes],
    read: Callable[[msgspec.Raw | bytes, set[str]], R],
) -> Items[R]:
    if len(raws) > MAX_ITEMS:
        raise TooMuch(f"a request may carry {MAX_ITEMS} items, got {len(raws)}")
    rows: list[R] = []
    rejected: list[Rejected] = []
    ignored: set[str] = set()
    for index, raw in enumerate(raws):
        try:
            rows.append(read(raw, ignored))
        except ItemError as error:
            rejected.append(Rejected(index, error.field, error.reason))
        except msgspec.ValidationError as error:
            rejected.append(Rejected(index, *_explain(error)))
        except NOT_JSON as error:
            rejected.append(Rejected(index, "", f"not JSON: {error}"))
    return Items(rows, rejected, sorted(ignored))


def reader(
    kind: type[I],
) -> Callable[[msgspec.Raw | bytes, set[str]], I]:
    """Read an item; fields that are not known are ignored, but said so."""
    strict = msgspec.json.Decoder(kind)
    known = set(kind.__struct_fields__)  # type: ignore[attr-defined]

    def read(raw: msgspec.Raw | bytes, ignored: set[str]) -> I:
        try:
            return strict.decode(raw)
        except msgspec.ValidationError as error:
            if "unknown field" not in str(error):
                raise
        fields = _ANY.decode(raw)
        ignored.update(list(fields.keys() - known)[:20])
        return msgspec.convert({k: v for k, v in fields.items() if k in known}, kind)

    return read


def time_ms_of(value: datetime | float | None, now_ms: int, field: str = "timestamp") -> int:
    if value is None:
        return now_ms
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ItemError(field, "has no time zone: end it with Z or an offset such as +02:00")
        time_ms = round(value.timestamp() * 1000)
    elif abs(value) > 1e18:
        raise ItemError(field, "is not epoch seconds or milliseconds")
    else:
        time_ms = round(value if abs(value) >= _MS_FROM else value * 1000)
    if time_ms >= now_ms + MAX_AHEAD_MS:
        raise ItemError(field, "is a day or more ahead")
    if time_ms < EARLIEST_MS:
        raise ItemError(field, "is before 1990")
    return time_ms


def check_id(field: str, text: str | None) -> None:
    if text is not None and not text.isprintable():
        raise ItemError(field, "must be printable text")


def content_id(*parts: str | bytes) -> str:
    """Return an id that the same content always gets, so that a retry is recognised."""
    digest = blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()


def numbered(seen: Counter[str], id: str) -> str:
    """Return the id, numbered from the second time on: equal lines in one request are several."""
    seen[id] += 1
    return id if seen[id] == 1 else f"{id}-{seen[id]}"


_ANY = msgspec.json.Decoder(dict[str, Any])
