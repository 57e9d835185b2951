"""When a card is due, by hand; what a card may hold in Markdown."""

from __future__ import annotations

import pytest

from engines.compliance.cards import SECTIONS, card_state, write_markdown
from engines.errors import EngineError

DAY = 86_400_000


@pytest.mark.parametrize(
    ("days", "now", "expected"),
    [
        (365, 334, "current"), (365, 335, "due"), (365, 364, "due"), (365, 365, "overdue"),
        (10, 4, "current"), (10, 5, "due"), (1, 0, "current"), (1, 1, "overdue"),
    ],
)  # fmt: skip
def test_a_review_is_due_in_its_last_thirty_days_or_half(
    days: int, now: int, expected: str
) -> None:
    assert card_state(0, days, now * DAY).status == expected


def test_no_card_is_missing_and_has_no_due_day() -> None:
    assert card_state(None, 365, DAY).due_at_ms is None
    assert card_state(None, 365, DAY).status == "missing"


def test_a_version_after_the_review_outdates_the_card_until_it_is_overdue() -> None:
    assert card_state(5 * DAY, 365, 9 * DAY, changed_at_ms=6 * DAY).status == "outdated"
    assert card_state(5 * DAY, 365, 9 * DAY, changed_at_ms=4 * DAY).status == "current"
    assert card_state(5 * DAY, 365, 400 * DAY, changed_at_ms=6 * DAY).status == "overdue"


def test_a_period_below_a_day_is_refused() -> None:
    with pytest.raises(EngineError, match="at least 1 day"):
        card_state(0, 0, 0)


def test_every_section_of_the_paper_is_there_in_its_order() -> None:
    text = write_markdown("m", {})
    heads = [line[3:] for line in text.splitlines() if line.startswith("## ")]
    assert heads == list(SECTIONS)
    assert text.count("Nothing on record.") == len(SECTIONS)


def test_markup_in_a_text_does_not_survive() -> None:
    text = write_markdown("m", {"Intended Use": [("Use", "a\n# b <script> [x](javascript:1)")]})
    assert r"- **Use**: a \# b &lt;script&gt; \[x\](javascript:1)" in text
