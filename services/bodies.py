"""Structs as bodies of records."""

from __future__ import annotations

from typing import Any

import msgspec

from services.errors import Invalid


def as_body(made: msgspec.Struct) -> dict[str, Any]:  # JSON
    """Return a struct as a record's body; `Invalid` where it would not be read again.

    Routes check what they decode, but a page builds structs from what a browser sends. One value
    outside its choices on record would take every list away that holds it.
    """
    body: dict[str, Any] = msgspec.to_builtins(made)
    try:
        msgspec.convert(body, type(made))
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from error
    return body
