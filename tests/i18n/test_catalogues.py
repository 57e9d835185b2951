"""Every text in ten languages, with the same placeholders, and nothing left in English."""

from __future__ import annotations

import pytest

from i18n import LANGUAGES
from i18n.message import MessageError, Slot, parse, placeholders
from i18n.translate import Area, area, areas, t, translations

TEXTS = [(name, key, texts) for name in areas() for key, texts in area(name).items()]


@pytest.mark.parametrize("name", areas())
def test_every_text_has_exactly_the_ten_languages(name: str) -> None:
    wrong = {k: sorted(v) for k, v in area(name).items() if set(v) != set(LANGUAGES)}
    assert wrong == {}


@pytest.mark.parametrize("name", areas())
def test_every_language_has_the_placeholders_of_english(name: str) -> None:
    wrong = [
        (key, code)
        for key, texts in area(name).items()
        for code, text in texts.items()
        if placeholders(text) != placeholders(texts["en"])
    ]
    assert wrong == []


@pytest.mark.parametrize("name", areas())
def test_no_text_is_empty_or_padded(name: str) -> None:
    wrong = [
        (key, code)
        for key, texts in area(name).items()
        for code, text in texts.items()
        if not text.strip() or text != text.strip()
    ]
    assert wrong == []


def _bare(text: str) -> str:
    """Return the letters of a text without its placeholders."""
    return "".join(p for p in parse(text) if isinstance(p, str)).strip(" .:–()·%=,/")


@pytest.mark.parametrize("code", ["zh", "ja", "ko", "ar"])
def test_texts_in_other_scripts_are_written_in_them(code: str) -> None:
    left = [
        f"{name}.{key}"
        for name, key, texts in TEXTS
        if len(_bare(texts["en"])) > 4
        and _bare(texts[code]).isascii()
        and any(word.islower() for word in _bare(texts[code]).split())
    ]
    assert left == []


@pytest.mark.parametrize("code", ["fr", "es", "de", "pt", "it"])
def test_sentences_are_not_left_in_english(code: str) -> None:
    left = [
        f"{name}.{key}"
        for name, key, texts in TEXTS
        if texts[code] == texts["en"] and len(_bare(texts["en"]).split()) >= 4
    ]
    assert left == []


def _plural_labels(text: str) -> list[set[str]]:
    return [
        {label for label, _ in part.branches}
        for part in parse(text)
        if isinstance(part, Slot) and part.kind == "plural"
    ]


def test_arabic_plurals_have_all_six_forms() -> None:
    wrong = [
        f"{name}.{key}"
        for name, key, texts in TEXTS
        for labels in _plural_labels(texts["ar"])
        if not {"zero", "one", "two", "few", "many", "other"} <= labels
    ]
    assert wrong == []


def test_an_unknown_key_names_the_file_to_edit() -> None:
    with pytest.raises(KeyError, match=r"i18n/catalogue/state\.json"):
        t("state.nonsense")


def test_translations_cover_every_text() -> None:
    assert len(translations("ko")) == sum(len(area(name)) for name in areas())


def test_catalogue_keys_are_identifiers() -> None:
    bad: list[str] = [key for _, key, _ in TEXTS if not key.isidentifier()]
    assert bad == []


@pytest.mark.parametrize("text", ["{", "{a", "{a b}", "{n, plural, one {x}}", "{n, money}", "a}"])
def test_a_broken_text_is_refused(text: str) -> None:
    with pytest.raises(MessageError):
        parse(text)


def test_area_is_a_mapping_of_key_to_languages() -> None:
    found: Area = area("state")
    assert found["loading"]["de"] == "Wird geladen"
