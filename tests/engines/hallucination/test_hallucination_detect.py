"""The front function: levels, offsets, contracts, and what cannot be known."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engines.errors import EngineError
from engines.hallucination import FEATURES, RULES, detect, parse_context
from engines.hallucination.combiner import shipped_combiner

CONTEXT = (
    "Acme Corp reported record sales of $1.65 billion for the first quarter, up 2.7%.\n"
    "Chief executive Jane Miller expects sales to increase in the second quarter.\n"
    "The factory in Leipzig opened on 7 May 2019 and employs 320 people."
)


def test_a_verbatim_sentence_is_supported():
    result = detect("The factory in Leipzig opened on 7 May 2019 and employs 320 people.", CONTEXT)
    assert result.risk_level == "low"
    assert result.sentences[0].verdict == "supported"
    assert result.sentences[0].passage.score == 1.0


def test_an_unrelated_sentence_is_unsupported():
    result = detect("Penguins quietly invaded several Norwegian supermarkets yesterday.", CONTEXT)
    assert result.risk_level == "high"
    assert result.sentences[0].verdict == "unsupported"


@pytest.mark.parametrize(
    ("output", "rule", "missing"),
    [
        ("Acme Corp reported record sales of $1.95 billion.", "number", "1.95 billion"),
        ("Sales were up 3.1%.", "number", "3.1%"),
        ("The factory employs 320 kg.", "unit", None),
        ("The factory in Leipzig opened on 9 May 2019.", "date", "9 May 2019"),
        ("Chief executive Robert Miller expects more sales.", "name", "Robert"),
        ("Sales are expected to decrease in the second quarter.", "opposite", "decrease"),
        ("The factory in Leipzig did not open on 7 May 2019.", "negation", "not"),
    ],
)
def test_each_swap_fires_its_rule(output, rule, missing):
    findings = [f for s in detect(output, CONTEXT).sentences for f in s.findings]
    hit = [f for f in findings if f.rule == rule]
    if rule == "unit":
        assert not hit  # the context writes 320 without a unit: nothing contradicts it
    else:
        assert [f.missing for f in hit] == [missing]


def test_rounding_and_scale_are_the_same_number():
    findings = detect("Sales reached $1,650 million, about 1.7 billion.", CONTEXT).sentences[0]
    assert "number" not in {f.rule for f in findings.findings}


def test_grounding_is_one_minus_probability():
    result = detect("Acme opened a factory in Leipzig.", CONTEXT)
    assert result.grounding_score == 1 - result.probability


def test_nothing_is_known_without_context_samples_or_logprobs():
    result = detect("Paris is in France.")
    assert result.risk_level == "insufficient_data"
    assert result.probability is result.grounding_score is result.factuality_index is None
    assert "No context" in result.reason


def test_an_output_without_words_has_nothing_to_check():
    assert detect("... !", CONTEXT).risk_level == "insufficient_data"


def test_samples_alone_never_reach_high():
    result = detect("Paris hosts it.", samples=["Rome was picked", "Nobody could tell", "Oslo"])
    assert result.risk_level == "medium"
    assert result.basis == "uncertainty"


def test_samples_and_entropy_together_reach_high():
    flat = {f" {i}": -1.6094379 for i in range(5)}
    result = detect(
        "Paris hosts it.", samples=["Rome was picked", "Nobody could tell"], logprobs=[(" P", flat)]
    )
    assert result.risk_level == "high"


def test_passage_offsets_point_into_its_document():
    documents = ["Nothing here.", "Preface. The factory in Leipzig employs 320 people."]
    passage = detect("The Leipzig factory employs 320 people.", documents).sentences[0].passage
    assert passage.document == 1
    assert documents[1][passage.start : passage.end] == passage.text


def test_contributions_and_intercept_add_up_to_the_log_odds():
    from engines.hallucination.combiner import _logit

    model = shipped_combiner()
    sentence = detect("Acme opened two factories in Bonn.", CONTEXT).sentences[0]
    raw = model.intercept + sum(c.effect for c in sentence.contributions)
    assert model.pooled.slope * raw + model.pooled.offset == pytest.approx(
        _logit(sentence.probability)
    )


def test_a_parsed_context_gives_the_same_answer():
    output = "Acme opened two factories in Bonn. Sales rose 9%."
    assert detect(output, parse_context(CONTEXT)) == detect(output, CONTEXT)


def test_prevalence_moves_the_probability():
    output = "Acme opened a second factory in Leipzig."
    rare = detect(output, CONTEXT, prevalence=0.05).probability
    common = detect(output, CONTEXT, prevalence=0.8).probability
    assert rare < common


def test_other_languages_are_named_and_skip_english_rules():
    result = detect(
        "Der Umsatz von Acme stieg im letzten Jahr um 9 Prozent auf einen neuen Wert.",
        "Der Umsatz von Acme ist im letzten Jahr um 2,7 Prozent gestiegen, ein neuer Rekord.",
    )
    assert "negation" not in result.checks
    assert any("Not English" in note for note in result.notes)
    assert "9" in {f.missing[:1] for f in result.sentences[0].findings}


def test_long_input_is_cut_and_says_so():
    result = detect("word " * 10_000, CONTEXT)
    assert result.n_characters == 20_000
    assert "20,000" in result.notes[0]


@pytest.mark.parametrize("bad", [{"low": 0.9, "high": 0.1}, {"task": "poem"}, {"prevalence": 1.0}])
def test_bad_arguments_are_refused(bad):
    with pytest.raises(EngineError):
        detect("Sales rose.", CONTEXT, **bad)


@settings(max_examples=150, deadline=None)
@given(output=st.text(max_size=300), context=st.text(max_size=300))
def test_any_text_gives_bounded_numbers_and_true_offsets(output, context):
    result = detect(output, context)
    assert result.probability is None or 0 <= result.probability <= 1
    for sentence in result.sentences:
        assert output[sentence.start : sentence.end] == sentence.text
        for span in (*sentence.spans, *(f.span for f in sentence.findings)):
            assert output[span.start : span.end] == span.text
            assert sentence.start <= span.start < span.end <= sentence.end
        assert {f.rule for f in sentence.findings} <= set(RULES)
        if sentence.passage is not None:
            passage = sentence.passage
            assert context[passage.start : passage.end] == passage.text


def test_the_artefact_reads_the_features_of_this_version():
    assert shipped_combiner().features == FEATURES


def test_a_mark_without_a_letter_is_still_a_word():
    assert detect("\u0e31", "\u0e31 and more").risk_level != "insufficient_data"


@pytest.mark.parametrize(
    ("output", "context"),
    [
        (" ".join(map(str, range(4000))), " ".join(map(str, range(40000, 80000)))),
        ("word " * 4000, "word. " * 40000),
        ("." * 20000, "." * 200000),
        ("1," * 10000, "1." * 100000),
        ("\n" * 20000, "\n" * 200000 + "x"),
    ],
)
def test_work_is_bounded_for_hostile_input(output, context):
    # The suite's timeout is the bound: quadratic work would take hours here.
    result = detect(output, context)
    assert result.n_context_characters <= 200_000


@pytest.mark.parametrize(
    ("output", "context", "verdict"),
    [
        (
            "The alarm did not fire in the old town hall on Tuesday.",
            "The alarm fired in the old town hall on Tuesday.",
            "undecided",
        ),
        (
            "The firm fired forty workers in autumn because orders collapsed.",
            "The firm fired forty workers in spring because orders collapsed.",
            "undecided",
        ),
        # "failed" negates in both alike
        (
            "A failed card payment can be repeated for 48 hours.",
            "A failed card payment can be repeated for 48 hours.",
            "supported",
        ),
    ],
)
def test_a_contradiction_is_never_supported_however_rare_it_is(output, context, verdict):
    sentence = detect(output, context, prevalence=0.1).sentences[0]
    assert sentence.probability < 0.35
    assert sentence.verdict == verdict
