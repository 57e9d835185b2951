"""The ten languages, which one a reader gets, and the one in use right now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Language:
    """A language: its code, its own name, its writing direction and Plotly's locale name."""

    code: str
    name: str
    direction: Literal["ltr", "rtl"]
    plotly: str


LANGUAGES: dict[str, Language] = {
    language.code: language
    for language in (
        Language("en", "English", "ltr", "en-US"),
        Language("fr", "Français", "ltr", "fr"),
        Language("es", "Español", "ltr", "es"),
        Language("de", "Deutsch", "ltr", "de"),
        Language("pt", "Português", "ltr", "pt-BR"),
        Language("it", "Italiano", "ltr", "it"),
        Language("zh", "中文", "ltr", "zh-CN"),
        Language("ja", "日本語", "ltr", "ja"),
        Language("ko", "한국어", "ltr", "ko"),
        Language("ar", "العربية", "rtl", "ar"),
    )
}

_current: ContextVar[str] = ContextVar("aiobs_locale", default="en")


def current() -> str:
    """Return the code of the language in use."""
    return _current.get()


def use(code: str) -> Token[str]:
    """Speak `code` until `leave`; an unknown code means English."""
    return _current.set(code if code in LANGUAGES else "en")


def leave(token: Token[str]) -> None:
    """Undo `use`."""
    _current.reset(token)


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Speak `code` inside the block."""
    token = use(code)
    try:
        yield
    finally:
        leave(token)


def direction(code: str | None = None) -> Literal["ltr", "rtl"]:
    """Return the writing direction of a language, by default the one in use."""
    return LANGUAGES[code or current()].direction


def negotiate(*, query: str | None = None, cookie: str | None = None, accept: str = "") -> str:
    """Return the language a reader gets: `?lang=`, the cookie, or the browser's first choice.

    >>> negotiate(accept="nl;q=0.9, pt-BR;q=0.8, en;q=0.7")
    'pt'
    """
    for explicit in (query, cookie):
        if explicit in LANGUAGES:
            return explicit
    for code in _preferences(accept):
        if code in LANGUAGES:
            return code
    return "en"


def _preferences(accept: str) -> list[str]:
    """Return the primary subtags of an Accept-Language header, most wanted first."""
    wanted: list[tuple[float, int, str]] = []
    for position, item in enumerate(accept[:1000].split(",")):
        tag, _, parameter = item.strip().partition(";")
        try:
            weight = float(parameter.strip().removeprefix("q=")) if parameter else 1.0
        except ValueError:
            continue
        if tag and weight > 0:
            wanted.append((-weight, position, tag.strip().lower().split("-")[0]))
    return [code for _, _, code in sorted(wanted)]
