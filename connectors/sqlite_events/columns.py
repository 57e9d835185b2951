"""Inferences as named columns of Python values, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any

from connectors.telemetry import Inference

PLAIN = (
    "prediction",
    "label",
    "embedding",
    "prompt",
    "context",
    "output",
    "samples",
    "logprobs",
    "input_tokens",
    "output_tokens",
    "latency_ms",
    "cost",
    "currency",
    "energy_kwh",
    "region",
    "user_segment",
    "error",
    "trace_id",
    "tags",
)
"""Fields stored as one column each under their own name."""

ID = "inference_id"
TIME = "#time"
SEQ = "#seq"
FEATURE = "feature:"
SCORE = "score:"
LONG = frozenset({"prompt", "context", "output", "samples", "embedding", "logprobs"})
"""Columns that are read only when asked for by name: texts and vectors."""

_SHAPES = {FEATURE: "#features", SCORE: "#score"}
"""Columns that keep which keys a row had, in which order: absent is not the same as null."""

_plain = attrgetter(*PLAIN)


def is_hidden(name: str) -> bool:
    """Whether a stored column is bookkeeping rather than a field of the record."""
    return name.startswith("#") or name == ID


def explode(rows: Sequence[Inference]) -> dict[str, Sequence[Any]]:
    """Columns of the rows by name; ids, texts and numbers, but not time."""
    found: dict[str, Sequence[Any]] = {ID: [row.inference_id for row in rows]}
    found.update(zip(PLAIN, zip(*map(_plain, rows), strict=True), strict=True))
    found.update(_explode_mappings(FEATURE, [row.features for row in rows]))
    scores = [row.score for row in rows]
    if any(type(score) is dict for score in scores):
        found.update(_explode_mappings(SCORE, [s if type(s) is dict else None for s in scores]))
        scores = [None if type(score) is dict else score for score in scores]
    found["score"] = [float(score) if type(score) is int else score for score in scores]
    if any(row.interval is not None for row in rows):
        bounds = [row.interval or (None, None) for row in rows]
        found["interval:low"] = [low for low, _ in bounds]
        found["interval:high"] = [high for _, high in bounds]
    return found


def _explode_mappings(
    prefix: str, mappings: Sequence[Mapping[str, Any] | None]
) -> dict[str, Sequence[Any]]:
    shapes = [None if mapping is None else tuple(mapping) for mapping in mappings]
    distinct = dict.fromkeys(shapes)
    if set(distinct) == {None}:
        return {}
    found: dict[str, Sequence[Any]] = {_SHAPES[prefix]: _shared_lists(shapes)}
    if len(distinct) == 1:
        (shape,) = distinct
        by_key = zip(*(m.values() for m in mappings if m is not None), strict=True)
        found.update(zip((prefix + key for key in shape or ()), by_key, strict=True))
        return found
    for key in dict.fromkeys(key for shape in distinct for key in shape or ()):
        found[prefix + key] = [None if m is None else m.get(key) for m in mappings]
    return found


def _shared_lists(shapes: Iterable[tuple[str, ...] | None]) -> list[dict[str, Any] | None]:
    """Shapes as one-key dictionaries: repeated ones are stored once by the block encoding."""
    made: dict[tuple[str, ...] | None, dict[str, Any] | None] = {None: None}
    for shape in shapes:
        if shape not in made:
            made[shape] = {"keys": list(shape or ())}
    return [made[shape] for shape in shapes]


def assemble(
    model_id: str, version: str, timestamp_ms: int, values: Mapping[str, Any]
) -> Inference:
    """One record from the exact values of its columns."""
    fields = {name: values[name] for name in PLAIN if values.get(name) is not None}
    low, high = values.get("interval:low"), values.get("interval:high")
    score = values.get("score")
    return Inference(
        inference_id=values[ID],
        model_id=model_id,
        model_version=version,
        timestamp_ms=timestamp_ms,
        features=_mapping(FEATURE, values),
        score=_mapping(SCORE, values) if score is None else score,
        interval=None if low is None or high is None else (low, high),
        **fields,
    )


def _mapping(prefix: str, values: Mapping[str, Any]) -> dict[str, Any] | None:
    shape = values.get(_SHAPES[prefix])
    return None if shape is None else {key: values.get(prefix + key) for key in shape["keys"]}
