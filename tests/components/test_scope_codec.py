"""The address is the state: the valid survives the round trip, the rest falls to its default."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.scope import COMPARE, RANGES, REFRESH_S, Scope, parse, range_seconds

NOW = 1_800_000_000_000
names = st.text(st.characters(categories=["L", "N", "P", "S"]), max_size=60)


@given(
    st.builds(
        Scope,
        tenant=names, model=names, version=names, segment=names,
        range=st.sampled_from([*RANGES, "25m", "3w"]), compare=st.sampled_from(COMPARE),
        live=st.booleans(), refresh=st.sampled_from(REFRESH_S),
        lang=st.sampled_from(["", "ar", "de"]), theme=st.sampled_from(["", "dark"]),
    )
)  # fmt: skip
def test_a_scope_survives_its_query(scope: Scope) -> None:
    assert parse("?" + scope.to_query()) == scope


@given(st.text(max_size=300))
def test_the_store_says_what_the_address_says(text: str) -> None:
    scope = parse(text)
    assert parse(scope.to_store()) == scope
    assert all(isinstance(value, str) for value in scope.to_store().values())


def test_the_default_scope_has_an_empty_query() -> None:
    assert Scope().to_query() == ""


@given(st.text(max_size=300))
def test_anything_pasted_parses_to_a_valid_scope(text: str) -> None:
    scope = parse(text)
    assert parse(scope.to_query()) == scope


@pytest.mark.parametrize(
    "query",
    ["range=0h", "range=-1h", "range=99999d", "range=1y", "refresh=1", "compare=never",
     "lang=xx", "theme=pink", "model=" + "x" * 201, "model=a%00b",
     "from=2026-01-02T00:00&to=2026-01-01T00:00", "from=2026-01-01T00:00",
     "from=9999-01-01T00:00&to=9999-02-01T00:00", "from=2020-01-01T00:00&to=2026-01-01T00:00",
     "from=2026-02-30T00:00&to=2026-03-01T00:00"],
)  # fmt: skip
def test_what_is_not_valid_falls_to_its_default(query: str) -> None:
    assert parse(query) == Scope()


def test_a_relative_range_ends_now() -> None:
    assert parse("range=25m").window_ms(NOW) == (NOW - 25 * 60_000, NOW)


def test_an_absolute_range_is_utc() -> None:
    scope = parse("from=2026-01-01T00:00&to=2026-01-01T06:00")
    assert scope.window_ms(NOW) == (1_767_225_600_000, 1_767_247_200_000)
    assert scope.range_s == 6 * 3600


def test_comparison_moves_the_window() -> None:
    day = 86_400_000
    assert parse("range=1h").compare_ms(NOW) is None
    assert parse("range=1h&compare=previous").compare_ms(NOW) == (NOW - 7_200_000, NOW - 3_600_000)
    assert parse("range=1h&compare=week").compare_ms(NOW) == (
        NOW - 3_600_000 - 7 * day,
        NOW - 7 * day,
    )


def test_readers_of_one_period_share_a_bucket() -> None:
    scope = parse("refresh=15")
    assert scope.bucket(NOW) == scope.bucket(NOW + 14_000) != scope.bucket(NOW + 15_000)


def test_the_store_and_the_query_parse_alike() -> None:
    store = {"model": "m", "from": "", "to": "", "live": "0", "refresh": "5", "range": "6h"}
    assert parse(store) == parse("model=m&live=0&refresh=5&range=6h")


def test_a_window_is_said_in_words() -> None:
    assert parse("range=7d").describe() == "Last 7 days"
    words = parse("from=2026-01-01T00:00&to=2026-01-01T06:00").describe()
    assert words == "Jan 1, 2026 00:00 – Jan 1, 2026 06:00 UTC"


@pytest.mark.parametrize(("text", "seconds"), [("15m", 900), ("2w", 1_209_600), ("h", 0), ("", 0)])
def test_ranges_are_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert range_seconds(text) == seconds
