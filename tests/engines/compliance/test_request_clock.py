"""Months by hand, against Regulation 1182/71 and the examples of the EDPB."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.compliance import add_months, read_request
from engines.errors import EngineError


def ms(*parts: int) -> int:
    return round(datetime(*parts, tzinfo=UTC).timestamp() * 1_000)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        (date(2026, 3, 5), 1, date(2026, 4, 5)),  # EDPB Guidelines 01/2022: 5 March, 5 April
        (date(2026, 8, 31), 1, date(2026, 9, 30)),  # the same: 31 August, 30 September
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2028, 1, 31), 1, date(2028, 2, 29)),
        (date(2100, 1, 29), 1, date(2100, 2, 28)),  # no leap year
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2026, 1, 31), 3, date(2026, 4, 30)),
        (date(2026, 2, 28), 1, date(2026, 3, 28)),  # the number of the day, not the end of a month
        (date(2026, 12, 31), 12, date(2027, 12, 31)),
    ],
)
def test_a_period_ends_on_the_same_number_or_the_last_day(
    start: date, months: int, end: date
) -> None:
    assert add_months(start, months) == end


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 60))
def test_months_keep_the_number_of_the_day_where_the_month_has_it(day: date, months: int) -> None:
    end = add_months(day, months)
    assert (end.year - day.year) * 12 + end.month - day.month == months
    assert end.day == min(day.day, monthrange(end.year, end.month)[1])


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)), st.integers(0, 24))
def test_a_later_start_never_ends_earlier(day: date, months: int) -> None:
    assert add_months(day, months) <= add_months(day + timedelta(days=1), months)


def test_a_negative_period_is_refused() -> None:
    with pytest.raises(EngineError, match="0 months or more"):
        add_months(date(2026, 1, 1), -1)


def test_the_last_day_counts_to_its_end() -> None:
    received = ms(2026, 1, 31, 9)
    on_it = read_request(received, ms(2026, 2, 28, 23, 59))
    assert (on_it.days_left, on_it.status) == (0, "warning")
    after = read_request(received, ms(2026, 3, 1))
    assert (after.days_left, after.status) == (-1, "late")
    assert after.used == pytest.approx(1.0)


def test_an_extension_gives_three_months_from_receipt() -> None:
    found = read_request(ms(2026, 1, 31), ms(2026, 3, 1), is_extended=True)
    assert (found.last_day, found.first_last_day) == (date(2026, 4, 30), date(2026, 2, 28))
    assert found.status == "running"


def test_half_of_the_time_warns() -> None:
    received = ms(2026, 4, 1)  # to the end of 1 May: 31 days
    assert read_request(received, ms(2026, 4, 16, 11)).status == "running"
    assert read_request(received, ms(2026, 4, 16, 13)).status == "warning"


def test_an_answer_stops_the_clock_and_is_judged_by_its_day() -> None:
    received, later = ms(2026, 1, 10), ms(2027, 1, 1)
    on_time = read_request(received, later, completed_at_ms=ms(2026, 2, 10, 23))
    assert (on_time.status, on_time.days_left) == ("met", 0)
    late = read_request(received, later, completed_at_ms=ms(2026, 2, 11))
    assert (late.status, late.days_left) == ("met_late", -1)


def test_days_begin_and_end_in_the_zone_of_the_request() -> None:
    received = ms(2026, 1, 31, 23, 30)  # 1 February in Berlin
    assert read_request(received, received).last_day == date(2026, 2, 28)
    berlin = read_request(received, received, time_zone="Europe/Berlin")
    assert berlin.last_day == date(2026, 3, 1)


def test_a_change_to_summer_time_does_not_move_the_last_day() -> None:
    received = ms(2026, 3, 9, 12)
    zone = "Europe/Berlin"
    assert read_request(received, ms(2026, 4, 9, 21, 59), time_zone=zone).status == "warning"
    assert read_request(received, ms(2026, 4, 9, 22), time_zone=zone).status == "late"


def test_weekends_and_holidays_do_not_extend_the_clock() -> None:
    saturday = read_request(ms(2026, 1, 31), ms(2026, 1, 31)).last_day
    assert saturday.weekday() == 5


def test_an_answer_before_its_request_and_an_unknown_zone_are_refused() -> None:
    with pytest.raises(EngineError, match="before its request"):
        read_request(ms(2026, 1, 2), ms(2026, 1, 3), completed_at_ms=ms(2026, 1, 1))
    with pytest.raises(EngineError, match="no time zone"):
        read_request(0, 0, time_zone="Mars/Olympus")
