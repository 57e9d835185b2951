"""Which language a reader gets."""

from __future__ import annotations

import pytest

from i18n import current, direction, negotiate, speaking, t, use


def test_query_beats_cookie_beats_browser() -> None:
    assert negotiate(query="ar", cookie="de", accept="fr") == "ar"
    assert negotiate(query="xx", cookie="de", accept="fr") == "de"
    assert negotiate(cookie=None, accept="fr") == "fr"


@pytest.mark.parametrize(
    ("header", "code"),
    [("", "en"), ("*", "en"), ("nl, de;q=0.1", "de"), ("zh-TW,zh;q=0.9", "zh"),
     ("de;q=0.4, ko;q=0.8", "ko"), ("fr;q=0, es", "es"), ("fr;q=oops, it", "it"),
     ("," * 100_000, "en")],
)  # fmt: skip
def test_browser_preference_is_read_by_weight(header: str, code: str) -> None:
    assert negotiate(accept=header) == code


def test_speaking_ends_with_its_block() -> None:
    with speaking("ar"):
        assert (current(), direction()) == ("ar", "rtl")
        assert t("state.good") == "جيد"
    assert (current(), direction()) == ("en", "ltr")


def test_an_unknown_language_means_english() -> None:
    with speaking("de"):
        use("klingon")
        assert current() == "en"
