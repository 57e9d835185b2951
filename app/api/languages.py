"""/api/i18n: languages, texts and the caller's choice."""

from __future__ import annotations

from flask import Response

from app.api.routing import Router, success
from services import languages
from services.languages import LanguageInfo
from services.workspace import Workspace

router = Router("i18n", "/api/i18n")
COOKIE = "aiobs_lang"
_YEAR_S = 31_536_000


@router.route("GET", "/languages", permission="profile:read", returns=list[LanguageInfo])
def list_languages(ws: Workspace) -> list[LanguageInfo]:
    """Return the languages that the hub speaks."""
    return languages.list_languages(ws)


@router.route(
    "GET", "/translations/<text:lang>", permission="profile:read", returns=dict[str, str],
    errors=(404,),
)  # fmt: skip
def get_translations(ws: Workspace, lang: str) -> dict[str, str]:
    """Return every text in one language."""
    return languages.get_translations(ws, lang)


@router.route(
    "POST", "/set-language/<text:lang>", permission="profile:read", returns=LanguageInfo,
    errors=(404,),
)  # fmt: skip
def set_language(ws: Workspace, lang: str) -> Response:
    """Choose a language; a cookie remembers it for a year."""
    answer = success(languages.get_language(ws, lang))
    answer.set_cookie(COOKIE, lang, max_age=_YEAR_S, samesite="Lax", httponly=False)
    return answer


@router.route("GET", "/current", permission="profile:read", returns=LanguageInfo)
def current(ws: Workspace) -> LanguageInfo:
    """Return the language of this answer."""
    return languages.get_language(ws)
