"""Sentences of engines on their way out and into records, where msgspec knows only plain values."""

from __future__ import annotations

from typing import Any

from engines.sentence import Sentence

_SAID = "said"


def english(value: object) -> object:
    """Return a sentence as English text: a msgspec hook for messages and documents."""
    if isinstance(value, Sentence):
        return str(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")


def kept(value: object) -> object:
    """Return a sentence as a record keeps it: a msgspec hook; `recalled` is the way back."""
    if isinstance(value, Sentence):
        return {_SAID: [str(value), value.key, dict(value.values)]}
    raise NotImplementedError(f"no record form for {type(value).__name__}")


def recalled(value: Any) -> Any:  # any JSON value
    """Return a stored value with its sentences; texts stored before there were any stay texts."""
    if isinstance(value, list):
        return [recalled(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {_SAID}:
        text, key, values = value[_SAID]
        return Sentence(text, key, recalled(values))
    return {name: recalled(item) for name, item in value.items()}
