"""Label selectors: ``name{service="a",region=~"eu.*"}`` parsed once, matched anywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

import msgspec
import re2

from connectors.errors import Refused
from connectors.telemetry import Series

Operator = Literal["=", "!=", "=~", "!~"]

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:.\-/]*")
_MATCHER = re.compile(r'\s*([a-zA-Z_][a-zA-Z0-9_.\-]*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*')
_MAX_LENGTH = 4_096
_MAX_PATTERN = 512


class Matcher(msgspec.Struct, frozen=True):
    """One condition on a label; an absent label counts as empty, as in Prometheus."""

    label: str
    operator: Operator
    value: str

    def accepts(self, value: str) -> bool:
        """Whether a label value fulfils the condition; a pattern must match the whole value."""
        if self.operator == "=":
            return value == self.value
        if self.operator == "!=":
            return value != self.value
        found = _pattern(self.value).fullmatch(value) is not None
        return found if self.operator == "=~" else not found


class Selector(msgspec.Struct, frozen=True):
    """A metric name (None = any) and conditions that all must hold."""

    name: str | None = None
    matchers: tuple[Matcher, ...] = ()

    def accepts(self, series: Series) -> bool:
        """Whether a series is selected."""
        if self.name is not None and series.name != self.name:
            return False
        return all(m.accepts(series.label(m.label)) for m in self.matchers)


def select(name: str | None, labels: Mapping[str, str] | None = None) -> Selector:
    """Return the selector of a name and exact label values."""
    return Selector(name, tuple(Matcher(k, "=", v) for k, v in (labels or {}).items()))


def any_of(label: str, values: Iterable[str]) -> Matcher:
    """Return the condition that a label has one of some values, equal for equal sets.

    >>> any_of("model_id", ["b", "a.1"]).value
    'a\\\\.1|b'
    """
    return Matcher(label, "=~", "|".join(map(re.escape, sorted(set(values)))))


def parse_selector(text: str) -> Selector:
    """Return the selector written as ``name{label="value",...}``, or raise `Refused`."""
    if len(text) > _MAX_LENGTH:
        raise Refused(f"a selector may have {_MAX_LENGTH} characters, got {len(text)}")
    text = text.strip()
    named = _NAME.match(text)
    name = named.group(0) if named else None
    position = named.end() if named else 0
    rest = text[position:].strip()
    if not rest and name:
        return Selector(name)
    if not (rest.startswith("{") and rest.endswith("}")):
        raise Refused(f'expected name or name{{label="value"}}, got {text[:80]!r}')
    matchers = _parse_matchers(rest[1:-1])
    if name is None and not matchers:
        raise Refused("a selector needs a name or at least one label condition")
    return Selector(name, matchers)


def _parse_matchers(body: str) -> tuple[Matcher, ...]:
    matchers: list[Matcher] = []
    position = 0
    while position < len(body) and body[position:].strip():
        found = _MATCHER.match(body, position)
        if found is None:
            raise Refused(
                f'expected label="value" at position {position}, got {body[position:][:40]!r}'
            )
        label, operator, value = found.groups()
        value = (
            re.sub(r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1), value)
            if (operator in ("=", "!="))
            else value.replace('\\"', '"').replace("\\\\", "\\")
        )
        matchers.append(_checked(label, operator, value))  # type: ignore[arg-type]
        position = found.end()
        if position < len(body):
            if body[position] != ",":
                raise Refused(f"expected a comma at position {position}, got {body[position]!r}")
            position += 1
    return tuple(matchers)


def _checked(label: str, operator: Operator, value: str) -> Matcher:
    if operator in ("=~", "!~"):
        if len(value) > _MAX_PATTERN:
            raise Refused(f"a pattern may have {_MAX_PATTERN} characters, got {len(value)}")
        _pattern(value)
    return Matcher(label, operator, value)


@lru_cache(maxsize=1)
def _quiet() -> Any:  # re2.Options; the package ships no types
    options = re2.Options()
    options.log_errors = False
    return options


@lru_cache(maxsize=256)
def _pattern(text: str) -> Any:  # a compiled RE2 pattern; the package ships no types
    # RE2 as in Prometheus: a sender cannot make it backtrack for ever.
    try:
        return re2.compile(text, _quiet())
    except re2.error as error:
        reason = error.args[0]
        reason = reason.decode() if isinstance(reason, bytes) else reason
        raise Refused(f"{text!r} is not a regular expression: {reason}") from error
