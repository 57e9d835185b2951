"""Messages: placeholders, plurals by CLDR, numbers in the reader's notation."""

from __future__ import annotations

import pytest

from i18n import t
from i18n.message import placeholders, render

ROWS = "{n, plural, one {# row} other {# rows}}"


def test_plural_chooses_by_count() -> None:
    assert [render(ROWS, "en", {"n": n}) for n in (0, 1, 2)] == ["0 rows", "1 row", "2 rows"]


@pytest.mark.parametrize(
    ("n", "text"), [(1, "صف واحد"), (2, "صفان"), (3, "3 صفوف"), (11, "11 صفًا"), (100, "100 صف")]
)
def test_arabic_plural_follows_cldr(n: int, text: str) -> None:
    assert t("state.rows", locale="ar", n=n) == text


def test_exact_branch_wins_over_category() -> None:
    text = "{n, plural, =0 {none} one {one} other {#}}"
    assert render(text, "en", {"n": 0}) == "none"


def test_number_and_percent_are_written_as_the_language_does() -> None:
    text = "{n, number} / {p, percent}"
    assert render(text, "de", {"n": 1234.6, "p": 0.125}) == "1.235 / 12,5\xa0%"


def test_text_around_placeholders_is_kept() -> None:
    assert render("a {x} b", "en", {"x": "<1>"}) == "a <1> b"


def test_placeholders_look_into_branches() -> None:
    assert placeholders("{n, plural, one {{who}} other {# of {total}}}") == {"n", "who", "total"}


def test_missing_value_is_an_error_not_a_blank() -> None:
    with pytest.raises(KeyError):
        render("{x}", "en", {})


def test_plural_of_text_is_refused() -> None:
    with pytest.raises(TypeError):
        render(ROWS, "en", {"n": "2"})
