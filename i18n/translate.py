"""`t`: a key and its values become a sentence in the language in use."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from i18n.languages import LANGUAGES, current
from i18n.message import render

CATALOGUE = Path(__file__).parent / "catalogue"

Area = dict[str, dict[str, str]]


def areas() -> tuple[str, ...]:
    """Return the names of all catalogues."""
    return tuple(sorted(path.stem for path in CATALOGUE.glob("*.json")))


@cache
def area(name: str) -> Area:
    """Return one catalogue: key -> language -> text."""
    path = CATALOGUE / f"{name}.json"
    if not path.is_file():
        raise KeyError(f"no catalogue {name!r} in i18n/catalogue/")
    loaded: Area = json.loads(path.read_text("utf-8"))
    return loaded


def t(key: str, /, *, locale: str | None = None, **values: object) -> str:
    """Return the text of `key` (`area.name`) with its values, by default in the language in use.

    >>> t("state.rows", n=2)
    '2 rows'
    """
    area_name, _, name = key.partition(".")
    texts = area(area_name).get(name)
    if texts is None:
        raise KeyError(f"no text {key!r}: add it to i18n/catalogue/{area_name}.json")
    code = locale or current()
    return render(texts[code if code in LANGUAGES else "en"], code, values)


def tell(text: str, *, locale: str | None = None) -> str:
    """Return a sentence of an engine in the language in use; any other text as it is.

    A sentence is a text that carries `key` and `values` (engines know no languages). Names that it
    holds keep their own direction between right-to-left words.
    """
    key: str = getattr(text, "key", "")
    if not key:
        return str(text)
    code = locale or current()
    held: dict[str, object] = getattr(text, "values", {})
    named = {name: _named(value, code) if name in _CODES else value for name, value in held.items()}
    return t(key, locale=code, **{name: _held(value, code) for name, value in named.items()})


_CODES = ("metric", "cause", "effect")
"""Values that are the code of a number, such as `latency_ms`; the hub's own have a name."""


def _named(value: object, code: str) -> object:
    name, _, of = str(value).partition(":")
    if of and f"m_{name}" in area("causal_graph"):  # a number of one feature or one objective
        return t(f"causal_graph.m_{name}", locale=code, feature=of, objective=of)
    texts = area("causal_graph").get(f"m_{value}")
    return value if texts is None else texts[code if code in LANGUAGES else "en"]


def isolated(text: str) -> str:
    """Return a text that keeps its own direction inside a sentence, where no element can do it."""
    return f"{_ISOLATE}{text}{_END}"


def _held(value: object, code: str) -> object:
    if isinstance(value, tuple | list):
        return _COMMA.get(code, ", ").join(str(_held(one, code)) for one in value)
    if not isinstance(value, str):
        return value
    if getattr(value, "key", ""):
        return tell(value, locale=code)
    is_rtl = code in LANGUAGES and LANGUAGES[code].direction == "rtl"
    return isolated(value) if is_rtl and value else str(value)


_COMMA = {"ar": "، ", "ja": "、", "zh": "、"}
_ISOLATE, _END = "\u2068", "\u2069"  # Unicode: first strong isolate, pop directional isolate


def translations(code: str) -> dict[str, str]:
    """Return every text in one language, key -> unrendered message, for clients of the API."""
    return {f"{name}.{key}": texts[code] for name in areas() for key, texts in area(name).items()}
