"""Messages with placeholders: `{name}`, `{n, number}`, `{x, percent}`, `{n, plural, one {…} …}`.

A small part of ICU MessageFormat, parsed once per text. `#` inside a plural branch is the number
itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from i18n import formats


@dataclass(frozen=True, slots=True)
class Slot:
    """One placeholder: the value's name, how to write it, and the branches of a plural."""

    name: str
    kind: str = ""
    branches: tuple[tuple[str, tuple[str | Slot, ...]], ...] = ()


Parts = tuple[str | Slot, ...]
KINDS = ("", "number", "percent", "plural")


class MessageError(ValueError):
    """A catalogue text that cannot be parsed; the message says where."""


@lru_cache(maxsize=8192)
def parse(text: str) -> Parts:
    """Return the parts of a message; raise `MessageError` when braces or kinds are wrong."""
    parts, end = _parse(text, 0, inside=False)
    if end != len(text):
        raise MessageError(f"unexpected }} at {end} in {text!r}")
    return parts


def placeholders(text: str) -> frozenset[str]:
    """Return the names that a message needs."""

    def names(parts: Parts) -> set[str]:
        found: set[str] = set()
        for part in parts:
            if isinstance(part, Slot):
                found.add(part.name)
                for _, branch in part.branches:
                    found |= names(branch)
        return found - {"#"}

    return frozenset(names(parse(text)))


def render(text: str, locale: str, values: dict[str, object]) -> str:
    """Return the message with its values, in the grammar of `locale`."""
    if "{" not in text:
        return text
    return _render(parse(text), locale, values, None)


def _parse(text: str, start: int, *, inside: bool) -> tuple[Parts, int]:
    parts: list[str | Slot] = []
    literal = ""
    at = start
    while at < len(text) and text[at] != "}":
        if text[at] == "{":
            slot, at = _parse_slot(text, at)
            parts += [literal, slot] if literal else [slot]
            literal = ""
        elif text[at] == "#" and inside:
            parts += [literal, Slot("#")] if literal else [Slot("#")]
            literal = ""
            at += 1
        else:
            literal += text[at]
            at += 1
    return (*parts, literal) if literal else tuple(parts), at


def _parse_slot(text: str, start: int) -> tuple[Slot, int]:
    end = min((i for i in (text.find("}", start), text.find(",", start)) if i > 0), default=-1)
    if end < 0:
        raise MessageError(f"unclosed {{ at {start} in {text!r}")
    name = text[start + 1 : end].strip()
    if not name.isidentifier():
        raise MessageError(f"bad placeholder {name!r} in {text!r}")
    if text[end] == "}":
        return Slot(name), end + 1
    stop = min((i for i in (text.find("}", end), text.find(",", end + 1)) if i > 0), default=-1)
    kind = text[end + 1 : stop].strip() if stop > 0 else ""
    if kind not in KINDS[1:]:
        raise MessageError(f"unknown kind {kind!r} in {text!r}")
    if kind != "plural":
        return Slot(name, kind), stop + 1
    return _parse_plural(text, stop + 1, name)


def _parse_plural(text: str, at: int, name: str) -> tuple[Slot, int]:
    branches: list[tuple[str, Parts]] = []
    while at < len(text) and text[at] != "}":
        opening = text.find("{", at)
        if opening < 0:
            raise MessageError(f"plural without branches in {text!r}")
        label = text[at:opening].strip()
        branch, end = _parse(text, opening + 1, inside=True)
        branches.append((label, branch))
        at = end + 1
        while at < len(text) and text[at].isspace():
            at += 1
    if "other" not in dict(branches) or at >= len(text):
        raise MessageError(f"plural needs a closed `other` branch in {text!r}")
    return Slot(name, "plural", tuple(branches)), at + 1


def _render(parts: Parts, locale: str, values: dict[str, object], count: float | None) -> str:
    out: list[str] = []
    for part in parts:
        if isinstance(part, str):
            out.append(part)
        elif part.name == "#":
            out.append(formats.number(count or 0, locale=locale))
        elif part.kind == "plural":
            amount = _as_number(values[part.name])
            branches = dict(part.branches)
            exact = branches.get(f"={amount:g}")
            branch = exact or branches.get(formats.plural_form(amount, locale))
            out.append(_render(branch or branches["other"], locale, values, amount))
        elif part.kind == "number":
            out.append(formats.number(_as_number(values[part.name]), locale=locale))
        elif part.kind == "percent":
            out.append(formats.percent(_as_number(values[part.name]), locale=locale))
        else:
            value = values[part.name]
            if isinstance(value, float):
                value = formats.number(value, locale=locale)
            out.append(str(value))
    return "".join(out)


def _as_number(value: object) -> float:
    if not isinstance(value, (int, float)):
        raise TypeError(f"a message needs a number here, got {value!r}")
    return value
