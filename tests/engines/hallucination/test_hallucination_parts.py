"""Rules one by one, the cache, the lexicon, uncertainty by hand arithmetic, monotonicity."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.hallucination import FEATURES, RULES, ContextCache, detect
from engines.hallucination.combiner import parse_combiner, shipped_combiner
from engines.hallucination.entities import is_close, read_names
from engines.hallucination.lexicon import Meanings, relate
from engines.hallucination.split import split_sentences
from engines.hallucination.uncertainty import (
    measure_uncertainty,
    self_consistency,
    token_entropies,
)
from engines.hallucination.words import is_english, read_words

CONTEXT = (
    "The Ghent plant opened on 7 May 2019 and made 40 km of cable. Profit rose by 12% in 2020. "
    "Costs in the Ghent plant reached 95 million euros. Some workers joined the union. "
    "The north site made 41 trucks in spring. The south site in Genk made 70 buses in autumn."
)
FIRES = {
    "number": "Profit rose by 19%.",
    "unit": "Profit rose by 12 euros.",
    "date": "The Ghent plant opened on 9 May 2019.",
    "name": "The plant in Antwerp made cable.",
    "negation": "Profit never rose by 12% in 2020.",
    "opposite": "Profit fell by 12% in 2020.",
    "relation": "The south site in Genk made 41 buses in autumn.",
    "quantifier": "All workers joined the union.",
    "novel_words": "The plant makes chocolate.",
}
FREE = {"synonyms", "wider_words", "modals", "quantifiers"}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_fires_on_its_swap_and_names_the_words(rule):
    findings = [f for s in detect(FIRES[rule], CONTEXT).sentences for f in s.findings]
    hit = [f for f in findings if f.rule == rule]
    assert len(hit) == 1
    assert FIRES[rule][hit[0].span.start : hit[0].span.end] == hit[0].span.text


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_fires_on_the_context_itself(rule):
    findings = [f for s in detect(CONTEXT, CONTEXT).sentences for f in s.findings]
    assert [f for f in findings if f.rule == rule] == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(FEATURES) - 1), st.integers(0, 2**32 - 1))
def test_more_of_a_bad_sign_never_lowers_the_risk(index, seed):
    if FEATURES[index].rsplit("_", 1)[0] in FREE:
        return
    model = shipped_combiner()
    row = np.abs(np.random.default_rng(seed).normal(0.5, 0.5, len(FEATURES)))
    worse = row.copy()
    worse[index] += 0.7
    low, high = model.effects(np.array([row, worse])).sum(axis=1)
    assert high >= low - 1e-9


def test_a_cache_drops_the_least_recently_used():
    cache = ContextCache(max_characters=25)
    first = cache.get("ten chars.")
    cache.get("ten marks.")
    assert cache.get("ten chars.") is first
    cache.get("ten words.")
    assert len(cache) == 2
    assert cache.get("ten chars.") is first


def test_self_consistency_by_hand():
    # words: 2 of 3 and 3 of 3; pairs: 1 of 2 and 2 of 2 -> (5/6 + 3/4) / 2
    got = self_consistency("red car stops", ["red car goes", "red car stops"])
    assert got == pytest.approx((5 / 6 + 3 / 4) / 2)


def test_entropy_counts_the_missing_mass():
    largest, item = token_entropies([(" Rome", {" Rome": math.log(0.5), " Oslo": math.log(0.25)})])
    assert largest == item == pytest.approx(0.5 * math.log(2) + 2 * 0.25 * math.log(4))


def test_a_positive_logprob_is_refused():
    with pytest.raises(EngineError, match="at most 0"):
        token_entropies([("a", {"a": 0.5})])


def test_one_sample_is_not_evidence():
    assert measure_uncertainty("Rome", ["Oslo"], None).level == "insufficient_data"


def test_samples_must_be_text():
    with pytest.raises(EngineError, match="string"):
        measure_uncertainty("Rome", ["Oslo", 3], None)


@pytest.mark.parametrize(
    ("word", "context", "relation"),
    [
        ("auto", "car", "synonym"),
        ("metal", "iron", "wider"),
        ("iron", "metal", "narrower"),
        ("iron", "copper", "sister"),
        ("theory", "car", "none"),
    ],
)
def test_words_relate_as_in_wordnet(word, context, relation):
    near = Meanings.of(frozenset({read_words(context).stems[0]}))
    assert relate(read_words(word).stems[0], near.senses, near.stems, near) == relation


@pytest.mark.parametrize(
    ("one", "other", "close"),
    [
        ("tolstoi", "tolstoy", True),
        ("organise", "organize", True),
        ("peters", "peteres", True),
        ("iran", "iraq", False),
        ("gained", "trained", False),
    ],
)
def test_spelling_variants(one, other, close):
    assert is_close(one, other) is is_close(other, one) is close


def test_a_sentence_start_alone_is_no_name():
    words = read_words("Costs rose at Acme")
    assert [(n.first, n.last) for n in read_names(words)] == [(3, 3)]


def test_initials_and_abbreviations_do_not_end_a_sentence():
    text = "J. Smith of Acme Inc. paid $3.5 million. It closed."
    assert [text[a:b] for a, b in split_sentences(text)][1] == "It closed."


@pytest.mark.parametrize(
    ("text", "english"),
    [
        ("acme fires forty workers", True),
        ("because demand broke down, the company let forty go", True),
        ("le président a dit que la commission est en retard", False),
        ("компания выросла на 5 процентов", False),
    ],
)
def test_english_is_told_from_other_languages(text, english):
    assert is_english(text.split()) is english


def test_a_malformed_artefact_is_refused():
    with pytest.raises(EngineError, match="malformed"):
        parse_combiner('{"version": "1"}')
