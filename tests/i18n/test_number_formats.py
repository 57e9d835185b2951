"""Numbers, money, durations and times, checked by hand in several notations."""

from __future__ import annotations

import pytest

from i18n import (
    LANGUAGES,
    ago,
    currency,
    date_time,
    duration,
    number,
    percent,
    plain_bytes,
    quantity,
    signed,
)


@pytest.mark.parametrize(
    ("code", "text"),
    [("en", "1,234,567.8"), ("de", "1.234.567,8"), ("fr", "1\u202f234\u202f567,8"),
     ("pt", "1.234.567,8"), ("ja", "1,234,567.8"), ("ar", "1,234,567.8")],
)  # fmt: skip
def test_numbers_are_grouped_as_the_language_does(code: str, text: str) -> None:
    assert number(1234567.8, decimals=1, locale=code) == text


def test_three_significant_digits_are_kept_without_decimals() -> None:
    found = [number(v) for v in (0.0012345, 0.5, 1.2345, 12.345, 123.45, 1234.5, 42.0)]
    assert found == ["0.00123", "0.5", "1.23", "12.3", "123", "1,234", "42"]


def test_numbers_that_nobody_can_count_have_an_exponent() -> None:
    assert (number(-1.2345e30), number(1e20)) == ("−1.23E30", "100,000,000,000,000,000,000")
    assert (number(1.25e30, locale="de"), percent(1e300)) == ("1,25E30", "1E302%")
    assert (currency(1e30, "EUR"), duration(1e30)[:6]) == ("1E30 EUR", "1.16E2")
    assert quantity(5e40, "kWh") == "5E28T kWh"


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_what_is_not_a_number_is_a_dash(value: float | None) -> None:
    written = {number(value), percent(value), currency(value), duration(value), quantity(value)}
    assert written == {"–"}


def test_compact_numbers_round_up_into_the_next_unit() -> None:
    assert [number(v, compact=True) for v in (999, 999_600, 1_500_000)] == ["999", "1M", "1.5M"]


def test_money_under_one_keeps_three_digits() -> None:
    assert (currency(0.000123, "USD"), currency(12.5, "EUR", locale="de")) == (
        "$0.000123",
        "12,50\xa0€",
    )


def test_signs_are_real_signs() -> None:
    assert (signed(2.5), signed(-2.5), signed(0)) == ("+2.5", "−2.5", "0")


@pytest.mark.parametrize("code", list(LANGUAGES))
def test_every_negative_number_has_the_same_minus(code: str) -> None:
    written = [
        number(-1234.5, locale=code), number(-2e6, compact=True, locale=code),
        percent(-0.25, locale=code), currency(-12.5, "EUR", locale=code),
        currency(-0.0012, "USD", locale=code), duration(-90, locale=code),
        quantity(-3, "kWh", locale=code), plain_bytes(-2e6, locale=code),
        signed(-2.5, locale=code),
    ]  # fmt: skip
    assert [text.count("−") for text in written] == [1] * len(written)
    assert not any("-" in text for text in written)
    if code == "ar":  # a mark keeps the sign before its number between right-to-left words
        assert all("\u200e−" in text for text in written)


def test_bytes_are_decimal() -> None:
    assert (plain_bytes(999), plain_bytes(1_500_000)) == ("999 B", "1.5 MB")


def test_negative_durations_keep_their_sign() -> None:
    assert (duration(-90), duration(0), duration(3600)) == ("−1 min 30 s", "0 s", "1 h")


def test_a_minute_less_a_moment_does_not_round_into_sixty_seconds_of_nothing() -> None:
    assert duration(119.7) == "2 min"


@pytest.mark.parametrize(
    ("code", "words"),
    [("en", "2 d 7 h|95 ms"), ("de", "2 d 7 h|95 ms"), ("fr", "2 j 7 h|95 ms"),
     ("ja", "2 日 7 時間|95 ミリ秒"), ("zh", "2 天 7 小时|95 毫秒"), ("ar", "2 d 7 h|95 ms")],
)  # fmt: skip
def test_durations_have_the_signs_of_the_language(code: str, words: str) -> None:
    assert f"{duration(200_000, locale=code)}|{duration(0.095, locale=code)}" == words


def test_times_are_utc() -> None:
    assert date_time(1_700_000_000_000) == "Nov 14, 2023 22:13"


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_writes_latin_digits(code: str) -> None:
    written = " ".join(
        [number(1234.5, locale=code), percent(0.5, locale=code), date_time(0, locale=code),
         currency(3, locale=code)]
    )  # fmt: skip
    assert all(c.isascii() for c in written if c.isdigit())


def test_ago_speaks_the_language() -> None:
    assert (ago(180), ago(180, locale="fr")) == ("3 minutes ago", "il y a 3 minutes")
