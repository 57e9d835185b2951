"""MiniLM in numpy against published similarities; WordPiece against hand-made vocabularies."""

import json

import numpy as np
import pytest

from engines.errors import EngineError
from engines.hallucination import detect
from engines.hallucination.encoder import encoder_missing, read_safetensors, shipped_encoder
from engines.hallucination.wordpiece import WordPiece

needs_weights = pytest.mark.skipif(encoder_missing() is not None, reason="optional weights absent")
VOCABULARY = {w: i for i, w in enumerate(["[CLS]", "[SEP]", "[UNK]", "cafe", "un", "##do", "."])}


@needs_weights
def test_similarities_equal_the_published_ones():
    # sbert.net, Quickstart, all-MiniLM-L6-v2
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    vectors = shipped_encoder().embed(texts)
    similarity = vectors @ vectors.T
    assert similarity[0, 1] == pytest.approx(0.6660, abs=2e-3)
    assert similarity[0, 2] == pytest.approx(0.1046, abs=2e-3)
    assert similarity[1, 2] == pytest.approx(0.1411, abs=2e-3)


@needs_weights
def test_padding_does_not_change_an_embedding():
    encoder = shipped_encoder()
    alone = encoder.embed(["Short."])[0]
    padded = encoder.embed(["Short.", "A much longer sentence about nothing in particular."])[0]
    np.testing.assert_allclose(alone, padded, atol=1e-5)


def test_accents_case_and_unknown_words():
    pieces = WordPiece(VOCABULARY)
    assert pieces.encode("Café undo. xyz") == [0, 3, 4, 5, 6, 2, 1]


def test_a_long_text_is_cut():
    assert len(WordPiece(VOCABULARY).encode("cafe " * 1000, max_tokens=16)) == 16


def test_other_number_types_are_refused(tmp_path):
    header = json.dumps({"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    path = tmp_path / "x.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    with pytest.raises(EngineError, match="F16"):
        read_safetensors(path)


@needs_weights
def test_tier_two_names_the_passage_by_meaning():
    context = (
        "The committee met on Tuesday in the old town hall. The firm fired forty workers in spring "
        "because orders collapsed. The committee praised the firm for its garden."
    )
    output = "Because demand broke down, the company let forty employees go."
    result = detect(output, context, max_tier=2, task="claim", low=0.0, high=1.0)
    assert result.tier == 2
    assert result.sentences[0].passage.index == 1


def test_an_absent_encoder_is_named(monkeypatch):
    monkeypatch.setattr("engines.hallucination.detection.encoder_missing", lambda: "not installed")
    result = detect("The firm grew.", "The firm shrank a lot.", max_tier=2, low=0.0, high=1.0)
    assert result.tier < 2
    assert "not installed" in result.notes
