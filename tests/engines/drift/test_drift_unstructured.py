"""Text and embedding columns: level without change, power with it, edges."""

import numpy as np
import pytest

from engines.drift import compare
from engines.drift.combine import combine_p
from engines.drift.language import guess_language
from engines.drift.witness import hold_out, kernel_witness, linear_witness
from engines.errors import EngineError

TOPICS = {
    "bank": "account card payment balance loan transfer interest branch fee rate".split(),
    "trip": "hotel flight booking airport luggage train ticket beach museum visa".split(),
}


def texts(seed, topic_share=0.0, n=400):
    rng = np.random.default_rng(seed)
    filler = "the customer wants to know about the and please is it my for".split()
    rows = []
    for _ in range(n):
        topic = TOPICS["trip" if rng.random() < topic_share else "bank"]
        words = [*rng.choice(filler, rng.integers(6, 14)), *rng.choice(topic, 3)]
        rows.append(" ".join(words))
    return np.array(rows, dtype=object)


@pytest.mark.parametrize("witness", [linear_witness, kernel_witness])
def test_witness_tests_are_level_without_change(witness):
    rng = np.random.default_rng(0)
    p = [
        combine_p(
            hold_out(rng.normal(size=(120, 8)), rng.normal(size=(120, 8)), witness, i).p_values
        )
        for i in range(200)
    ]
    assert 0.01 < np.mean(np.array(p) < 0.1) < 0.16


def test_a_moved_embedding_has_drifted_and_an_unmoved_one_has_not():
    rng = np.random.default_rng(1)
    before, same = rng.normal(size=(2, 1500, 32))
    moved = rng.normal(size=(1500, 32)) + 0.15
    assert compare({"e": before}, {"e": same}).column("e").outcome == "no_evidence"
    assert compare({"e": before}, {"e": moved}).column("e").outcome == "drift"


def test_a_cluster_that_split_without_moving_its_mean_is_found():
    rng = np.random.default_rng(2)
    before = rng.normal(size=(1500, 8))
    after = rng.normal(size=(1500, 8)) * 0.3 + 1.2 * np.sign(rng.normal(size=(1500, 1)))
    column = compare({"e": before}, {"e": after}).column("e")
    assert column.outcome == "drift"
    assert column.histogram is not None


def test_vectors_of_different_length_are_refused():
    with pytest.raises(EngineError, match="dimensions"):
        compare({"e": np.ones((50, 3))}, {"e": np.ones((50, 4))})


def test_missing_vectors_are_counted():
    rng = np.random.default_rng(3)
    after = rng.normal(size=(600, 4))
    after[:200, 1] = np.nan
    column = compare({"e": rng.normal(size=(600, 4))}, {"e": after}).column("e")
    assert column.missing_change == pytest.approx(1 / 3)
    assert column.outcome == "drift"


def test_unchanged_texts_show_no_evidence():
    column = compare({"t": texts(0)}, {"t": texts(1)}).column("t")
    assert column.kind == "text"
    assert column.outcome == "no_evidence"


def test_new_topics_are_found_by_their_words():
    column = compare({"t": texts(0)}, {"t": texts(1, topic_share=0.3)}).column("t")
    assert column.outcome == "drift"
    assert min(column.tests, key=lambda t: t.p_value).name == "words"


def test_a_new_language_is_named():
    german = np.array(["ich und der Hund sind nicht mit dem Auto da und zu Hause"] * 60, object)
    after = np.concatenate([texts(1), german])
    column = compare({"t": texts(0)}, {"t": after}).column("t")
    assert column.outcome == "drift"
    assert column.new_categories[0] == "de"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Где находится библиотека", "ru"),
        ("これは本です", "ja"),
        ("", "other"),
        ("xyzzy 42", "other"),
    ],
)
def test_languages_are_told_apart_by_script(text, code):
    assert guess_language(text) == code
