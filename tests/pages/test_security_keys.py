"""The panel of misused keys: evidence in words, and nothing claimed where nothing is known."""

from __future__ import annotations

import pytest

from engines.security import KeyActivity, KeyMisuse, KeySignal
from i18n import LANGUAGES, speaking
from pages.security_keys import misuse
from services.key_misuse import KeyMisuseView, RevokedUse
from services.times import Window


def view(
    *signals: KeySignal, revoked: tuple[RevokedUse, ...] = (), young: tuple[str, ...] = ()
) -> KeyMisuseView:
    found = KeyMisuse(signals, 7, young)
    return KeyMisuseView(Window(0, 1), 0, 14.0, 1 if signals or young else 0, list(revoked), found)


GREEDY = KeySignal(KeyActivity("k1", "permission", 5, 24, 0, 300), 2.1e-6)


@pytest.mark.parametrize("language", LANGUAGES)
def test_each_sign_shows_its_counts_its_chance_and_a_way_to_the_requests(language: str) -> None:
    with speaking(language):
        text = str(misuse(view(GREEDY, revoked=(RevokedUse("k9", 3, 0),), young=("k2",))))
    assert all(part in text for part in ("k1", "k9", "k2", "300", "aiobs_access_total", "0"))
    assert "sign_" not in text and "{" not in text.replace("%7B", "").replace("{'", "")


def test_nothing_unusual_and_no_keys_read_differently() -> None:
    with speaking("en"):
        assert "7" in str(misuse(view(young=("k2",))))
        assert "No API key was used" in str(misuse(view()))
