"""Numbers, units and dates, against values worked out by hand."""

import pytest

from engines.hallucination.dates import read_dates
from engines.hallucination.quantities import matches, read_quantities
from engines.hallucination.words import read_words


def quantities(text):
    return read_quantities(text, read_words(text))


@pytest.mark.parametrize(
    ("text", "value", "unit"),
    [
        ("$1.65 billion", 1.65e9, "usd"),
        ("1,650,000", 1_650_000, ""),
        ("twenty-five percent", 25, "%"),
        ("2.7%", 2.7, "%"),
        ("2,7 Prozent", 2.7, ""),
        ("three hundred", 300, ""),
        ("the 17th", 17, "ordinal"),
        ("€5m", 5e6, "eur"),
        ("12 hours", 12, "h"),
        ("1990s", 1990, ""),
    ],
)
def test_a_number_is_read_with_scale_and_unit(text, value, unit):
    (quantity,) = quantities(text)
    assert quantity.value == pytest.approx(value)
    assert quantity.unit == unit


@pytest.mark.parametrize(
    ("claim", "source", "same"),
    [
        ("1.7 million", "1,650,000", True),
        ("1.6 million", "1,710,000", False),
        ("2019", "2020", False),
        ("3 million", "3,000,000", True),
        ("16%", "16.2%", True),
        ("320", "321", False),
    ],
)
def test_rounding_is_allowed_and_no_more(claim, source, same):
    assert matches(quantities(claim)[0], quantities(source)[0]) is same


def test_one_is_a_pronoun():
    assert quantities("one of them") == []


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("7 May 2019", (2019, 5, 7)),
        ("May 7th, 2019", (2019, 5, 7)),
        ("in September 1998", (1998, 9, None)),
        ("2020-02-01", (2020, 2, 1)),
    ],
)
def test_a_date_is_read_in_its_usual_forms(text, date):
    (found,) = read_dates(read_words(text))
    assert (found.year, found.month, found.day) == date


def test_the_verb_may_is_no_date():
    assert read_dates(read_words("you may go")) == []
