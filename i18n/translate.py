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


def translations(code: str) -> dict[str, str]:
    """Return every text in one language, key -> unrendered message, for clients of the API."""
    return {f"{name}.{key}": texts[code] for name in areas() for key, texts in area(name).items()}
