"""MiniLM in numpy against published similarities; WordPiece against hand-made vocabularies."""

import json

import numpy as np
import pytest

from engines.errors import EngineError
from engines.hallucination import detect
from engines.hallucination.encoder import (
    Encoder,
    encoder_missing,
    read_safetensors,
    shipped_encoder,
)
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


def test_packed_states_equal_the_textbook_forward_pass_of_each_text_alone(monkeypatch):
    # Devlin et al. (2019) and Vaswani et al. (2017) step by step, in double precision
    tensors = random_weights(np.random.default_rng(0))
    encoder = Encoder(tensors, WordPiece(VOCABULARY))
    texts = ["cafe", "undo undo . cafe un", "", "xyz cafe", "un un un un un ."]
    expected = [textbook(tensors, encoder.tokens.encode(text)) for text in texts]
    for packed in (512, 9, 1):
        monkeypatch.setattr("engines.hallucination.encoder.PACKED_TOKENS", packed)
        for states, alone in zip(encoder.token_states(texts), expected, strict=True):
            assert states.shape == alone.shape
            np.testing.assert_allclose(states, alone, atol=1e-5)


def random_weights(rng, width=24, inner=48):
    def weight(name, *shape):
        drawn = rng.normal(0, 0.3, shape) + name.endswith("LayerNorm.weight")
        tensors[name] = drawn.astype(np.float32)

    tensors = {}
    weight("embeddings.word_embeddings.weight", len(VOCABULARY), width)
    weight("embeddings.position_embeddings.weight", 16, width)
    weight("embeddings.token_type_embeddings.weight", 2, width)
    norms = ["embeddings.LayerNorm"]
    for layer in (f"encoder.layer.{i}" for i in range(6)):
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        parts = [f"attention.self.{part}" for part in ("query", "key", "value")]
        square = {part: (width, width) for part in [*parts, "attention.output.dense"]}
        shapes = {"intermediate.dense": (inner, width), "output.dense": (width, inner)} | square
        for part, shape in shapes.items():
            weight(f"{layer}.{part}.weight", *shape)
            weight(f"{layer}.{part}.bias", shape[0])
    for name in norms:
        weight(f"{name}.weight", width)
        weight(f"{name}.bias", width)
    return tensors


def textbook(tensors, ids, heads=12):
    w = {name: tensor.astype(float) for name, tensor in tensors.items()}

    def linear(x, name):
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return scaled * w[f"{name}.weight"] + w[f"{name}.bias"]

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in (f"encoder.layer.{i}" for i in range(6)):
        query, key, value = (
            np.split(linear(x, f"{layer}.attention.self.{part}"), heads, axis=1)
            for part in ("query", "key", "value")
        )
        mixed = []
        for q, k, v in zip(query, key, value, strict=True):
            weights = np.exp(q @ k.T / np.sqrt(q.shape[1]))
            mixed.append(weights / weights.sum(-1, keepdims=True) @ v)
        out = linear(np.hstack(mixed), f"{layer}.attention.output.dense")
        x = norm(x + out, f"{layer}.attention.output.LayerNorm")
        inner = linear(x, f"{layer}.intermediate.dense")
        inner *= 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (inner + 0.044715 * inner**3)))
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    return x


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
