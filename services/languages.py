"""The languages that the hub speaks and their texts."""

from __future__ import annotations

import msgspec

from i18n import LANGUAGES
from i18n.translate import translations
from services.errors import NotFound
from services.identity import permitted
from services.workspace import Workspace


class LanguageInfo(msgspec.Struct, frozen=True):
    """A language: code, own name and writing direction."""

    code: str
    name: str
    direction: str


@permitted("profile:read")
def list_languages(ws: Workspace) -> list[LanguageInfo]:
    """Return the languages, English first."""
    return [_info(code) for code in LANGUAGES]


@permitted("profile:read")
def get_translations(ws: Workspace, code: str) -> dict[str, str]:
    """Return every text in one language."""
    _require(code)
    return translations(code)


@permitted("profile:read")
def get_language(ws: Workspace, code: str | None = None) -> LanguageInfo:
    """Return one language, by default the one that the caller is answered in."""
    code = ws.locale if code is None else code
    _require(code)
    return _info(code)


def _info(code: str) -> LanguageInfo:
    language = LANGUAGES[code]
    return LanguageInfo(language.code, language.name, language.direction)


def _require(code: str) -> None:
    if code not in LANGUAGES:
        raise NotFound(f"{code!r} is not one of {', '.join(LANGUAGES)}")
