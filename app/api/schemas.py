"""JSON schemas of the types that routes take and give.

msgspec describes structs, but not unions of two dataclasses (a result or `Insufficient`), which is
what engines answer; this walks both kinds the same way.
"""

from __future__ import annotations

import dataclasses
import datetime
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import numpy as np

from engines.sentence import Sentence

Schema = dict[str, Any]  # JSON
_PLAIN: dict[Any, Schema] = {
    datetime.date: {"type": "string", "format": "date"},
    str: {"type": "string"},
    Sentence: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    type(None): {"type": "null"},
    Any: {},
    object: {},
}


class Schemas:
    """Collects named schemas under `components` while types are described."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}
        self._kinds: dict[str, Any] = {}  # the class behind each name

    def of(self, kind: Any, bound: Mapping[Any, Any] | None = None) -> Schema:  # any type
        """Return the schema of a type; classes become references into `components`."""
        if isinstance(kind, TypeVar):
            kind = (bound or {}).get(kind, Any)
        if kind in _PLAIN:
            return dict(_PLAIN[kind])
        origin, arguments = get_origin(kind), get_args(kind)
        if origin is Literal:
            return {"enum": list(arguments)}
        if origin in (Union, types.UnionType):
            return {"anyOf": [self.of(argument, bound) for argument in arguments]}
        if origin is typing.Annotated:
            return self.of(arguments[0], bound)
        plain = origin or kind
        if plain is np.ndarray:
            return {"type": "array", "items": {}}
        if isinstance(plain, type) and issubclass(plain, Mapping):
            values = arguments[1] if len(arguments) == 2 else Any
            return {"type": "object", "additionalProperties": self.of(values, bound)}
        if isinstance(plain, type) and issubclass(plain, Sequence | frozenset | set):
            return self._array(arguments, bound)
        return self._reference(kind)

    def _array(self, arguments: tuple[Any, ...], bound: Mapping[Any, Any] | None) -> Schema:
        if len(arguments) > 1 and arguments[1] is not Ellipsis:
            items = [self.of(argument, bound) for argument in arguments]
            return {"type": "array", "prefixItems": items, "minItems": len(items)}
        return {"type": "array", "items": self.of(arguments[0] if arguments else Any, bound)}

    def _reference(self, kind: Any) -> Schema:  # a dataclass, a struct, or one with parameters
        name = _name(kind)
        if self._kinds.setdefault(name, kind) != kind:  # two services use one word
            name = f"{(get_origin(kind) or kind).__module__.split('.')[-1].title()}{name}"
            self._kinds[name] = kind
        if name not in self.components:
            self.components[name] = {}  # a type may contain itself
            self.components[name] = self._object(kind)
        return {"$ref": f"#/components/schemas/{name}"}

    def _object(self, kind: Any) -> Schema:
        plain = get_origin(kind) or kind
        parameters = getattr(plain, "__parameters__", ())
        bound = dict(zip(parameters, get_args(kind), strict=False))
        hints = get_type_hints(plain)
        required = _required(plain)
        summary = (plain.__doc__ or "").strip().split("\n")[0]
        return {
            "type": "object",
            "description": summary,
            "required": [name for name in _fields(plain) if name in required],
            "properties": {name: self.of(hints[name], bound) for name in _fields(plain)},
        }


def _fields(kind: type) -> tuple[str, ...]:
    if issubclass(kind, msgspec.Struct):
        return kind.__struct_fields__
    return tuple(field.name for field in dataclasses.fields(kind))  # type: ignore[arg-type]


def _required(kind: type) -> set[str]:
    if issubclass(kind, msgspec.Struct):
        return {field.name for field in msgspec.structs.fields(kind) if field.required}
    missing = dataclasses.MISSING
    return {
        field.name
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.default is missing and field.default_factory is missing
    }


def _name(kind: Any) -> str:
    arguments = "".join(f"_{_name(argument)}" for argument in get_args(kind))
    plain = get_origin(kind) or kind
    family = plain.__module__.split(".")[-2] if plain.__module__.startswith("engines.") else ""
    return f"{family.title()}{plain.__name__}{arguments}"
