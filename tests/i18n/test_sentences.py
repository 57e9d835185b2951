"""Every sentence that an engine or a service says stands in the catalogue, in ten languages."""

from __future__ import annotations

import ast
import copy
import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engines.result import Insufficient
from engines.sentence import Sentence, say
from i18n import LANGUAGES, tell
from i18n.message import placeholders, render
from i18n.translate import area

ROOT = Path(__file__).parents[2]
FLOORS = ("engines", "services")
AREAS = ("findings", "methods", "reasons", "words")
LACKS = {"Insufficient", "InsufficientData"}


@dataclass(frozen=True)
class Said:
    """One call of `say` in the code."""

    where: str
    key: str
    english: str
    given: frozenset[str]


@cache
def trees() -> dict[str, ast.Module]:
    paths = [path for floor in FLOORS for path in sorted((ROOT / floor).rglob("*.py"))]
    return {str(p.relative_to(ROOT)): ast.parse(p.read_text("utf-8")) for p in paths}


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    for path, tree in trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id in names:
                    yield f"{path}:{node.lineno}", node


@cache
def said() -> tuple[Said, ...]:
    """Return every sentence of the code; a call without literal words is an error here."""
    found = []
    for where, call in calls("say"):
        key, english = (ast.literal_eval(argument) for argument in call.args)
        given = frozenset(keyword.arg or "**" for keyword in call.keywords)
        found.append(Said(where, key, english, given))
    return tuple(found)


def test_the_code_says_something() -> None:
    assert len(said()) > 50


def test_every_sentence_is_in_the_catalogue_with_the_same_english() -> None:
    wrong = [
        (one.where, one.key)
        for one in said()
        if area(one.key.partition(".")[0]).get(one.key.partition(".")[2], {}).get("en")
        != one.english
    ]
    assert wrong == []


def test_every_sentence_is_given_its_values() -> None:
    known = [one for one in said() if "**" not in one.given]
    wrong = [one.where for one in known if placeholders(one.english) != one.given]
    assert wrong == []


def test_the_catalogue_holds_no_sentence_that_nobody_says() -> None:
    keys = {one.key for one in said()}
    assert [f"{a}.{k}" for a in AREAS for k in area(a) if f"{a}.{k}" not in keys] == []


def test_no_reason_is_a_bare_english_text() -> None:
    bare = [
        where
        for where, call in calls(*LACKS)
        for reason in (call.args or [k.value for k in call.keywords if k.arg == "reason"])[:1]
        if isinstance(reason, ast.Constant | ast.JoinedStr | ast.BinOp)
    ]
    assert bare == []


@given(
    value=st.one_of(
        st.floats(-1e12, 1e12).map(lambda v: float(f"{v:.6g}")),
        st.floats(-10, 10),
        st.integers(-(10**12), 10**12),
    )
)
def test_numbers_read_the_same_in_code_and_catalogue(value: float) -> None:
    text = "{x, number} / {x, percent}"
    assert say("a.b", text, x=value) == render(text, "en", {"x": value})


def test_a_sentence_is_told_in_the_language_of_the_reader() -> None:
    lack = Insufficient(
        say("reasons.trend_needs_values", "a trend needs at least {needed, number} values, "
            "got {got, number}", needed=1200, got=7)
    )  # fmt: skip
    assert "1.200" in tell(lack.reason, locale="de")
    assert tell(lack.reason, locale="de") != lack.reason == tell(lack.reason, locale="en")
    assert (lack.reason_key, lack.reason_values["got"]) == ("reasons.trend_needs_values", 7)


def test_sentences_and_lists_inside_a_sentence_are_told_too() -> None:
    word = say("words.part_drift", "drift")
    whole = say(
        "reasons.trust_needs_weight",
        "trust needs parts holding {needed, percent} of the weight, got {known, percent}; "
        "missing: {missing}", needed=0.5, known=0.25, missing=(word, "mine"),
    )  # fmt: skip
    assert whole.endswith("missing: drift, mine")
    told = tell(whole, locale="ja")
    assert tell(word, locale="ja") in told and "、mine" in told


def test_a_number_of_the_hub_is_told_under_its_name() -> None:
    no_metric = say("reasons.no_such_metric", "{node} has no metric {metric} in this window",
                    node="a", metric="latency_ms")  # fmt: skip
    assert tell(no_metric, locale="ja") == "a にはこの期間に指標 レイテンシ がありません"


def test_names_keep_their_direction_between_arabic_words() -> None:
    told = tell(say("reasons.no_group_column", "no inference came with `prediction` and `{by}`",
                    by="feature:age"), locale="ar")  # fmt: skip
    assert "\u2068feature:age\u2069" in told


@pytest.mark.parametrize("code", LANGUAGES)
def test_any_other_text_is_told_as_it_is(code: str) -> None:
    assert tell("retry after 5 s", locale=code) == "retry after 5 s"


def test_a_sentence_survives_copies() -> None:
    one = say("reasons.silent", "the model sent nothing in this window")
    for other in (copy.deepcopy(one), pickle.loads(pickle.dumps(one))):
        assert isinstance(other, Sentence) and (other, other.key) == (one, one.key)


@given(n=st.integers(0, 10**6))
def test_plurals_read_the_same_in_code_and_catalogue(n: int) -> None:
    text = "{n, plural, one {# row} other {# rows}}"
    assert say("a.b", text, n=n) == render(text, "en", {"n": n})
