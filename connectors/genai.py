"""Spans of language models to inference records: three dialects, one record.

OpenTelemetry GenAI (``gen_ai.*``, old names too), OpenInference (``llm.*``,
``openinference.span.kind``) and Langfuse (``langfuse.observation.*``). Costs in these dialects are
US dollars by their documentation; the GenAI convention itself has no cost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from connectors.errors import NOT_JSON
from connectors.otlp_attributes import Attributes, label_value
from connectors.telemetry import Inference, Span

_MODEL_CALLS = ("chat", "text_completion", "generate_content", "embeddings", "completion", "")
_OPENINFERENCE_CALLS = {"LLM", "EMBEDDING"}
_LANGFUSE_CALLS = {"generation", "embedding"}
_MAX_MESSAGES = 200
_MAX_PASSAGES = 100
_MAX_TEXT = 200_000
_MAX_GIVEN = 50_000_000
_MAX_TAG = 1_024

_MODEL = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name",
          "embedding.model_name", "langfuse.observation.model.name")  # fmt: skip
_INPUT_TOKENS = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens",
                 "llm.token_count.prompt", "llm.usage.prompt_tokens")  # fmt: skip
_OUTPUT_TOKENS = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens",
                  "llm.token_count.completion", "llm.usage.completion_tokens")  # fmt: skip
_COST = ("gen_ai.usage.cost", "llm.cost.total")
_PROMPT = ("gen_ai.input.messages", "gen_ai.prompt", "langfuse.observation.input", "input.value")
_OUTPUT = ("gen_ai.output.messages", "gen_ai.completion", "langfuse.observation.output",
           "output.value")  # fmt: skip
_TAGS = {
    "operation": ("gen_ai.operation.name",),
    "provider": ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system"),
    "conversation": ("gen_ai.conversation.id", "session.id"),
    "user": ("user.id", "enduser.id"),
    "agent": ("gen_ai.agent.name", "agent.name"),
}


def model_of(attributes: Attributes) -> str:
    """Return the model that a span is about, in any dialect, or an empty text."""
    named = attributes.get("model_id") or attributes.get("aiobs.model_id")
    return _printable(named or _first(attributes, _MODEL))


def is_model_call(attributes: Attributes, model: str) -> bool:
    """Return whether the span is one call of a model, rather than a chain, a tool or an agent."""
    kind = attributes.get("openinference.span.kind")
    if isinstance(kind, str):
        return kind.upper() in _OPENINFERENCE_CALLS
    observation = attributes.get("langfuse.observation.type")
    if isinstance(observation, str):
        return observation in _LANGFUSE_CALLS
    operation = attributes.get("gen_ai.operation.name")
    if operation is None:
        return _first(attributes, _MODEL) is not None
    return bool(model) and operation in _MODEL_CALLS


def inference_of(span: Span, resource: Attributes) -> Inference | None:
    """Return the inference that a span records, or None when it is no model call."""
    attributes = span.attributes
    if not is_model_call(attributes, span.model_id or ""):
        return None
    model = span.model_id or "unknown"
    answered = label_value(attributes.get("gen_ai.response.model"))[:200]
    cost = _cost(attributes)
    own_id = attributes.get("inference_id") or attributes.get("aiobs.inference_id")
    return Inference(
        inference_id=_printable(own_id) or f"{span.trace_id}:{span.span_id}",
        model_id=model,
        timestamp_ms=int(span.start_ms),
        model_version=answered if answered != model else "",
        prompt=_content(attributes, _PROMPT, "gen_ai.prompt", "llm.input_messages"),
        context=passages_of(attributes) or None,
        output=_content(attributes, _OUTPUT, "gen_ai.completion", "llm.output_messages"),
        input_tokens=_tokens(attributes, _INPUT_TOKENS, "input"),
        output_tokens=_tokens(attributes, _OUTPUT_TOKENS, "output"),
        latency_ms=span.duration_ms,
        cost=cost,
        currency=None if cost is None else "USD",
        region=label_value(resource.get("cloud.region"))[:200] or None,
        error=_error(span, attributes),
        trace_id=span.trace_id,
        tags=_tags(span, resource, attributes),
    )


def passages_of(attributes: Attributes) -> list[str]:
    """Return the retrieved passages a span carries, best first."""
    found = []
    for i in range(_MAX_PASSAGES):
        text = attributes.get(f"retrieval.documents.{i}.document.content")
        if not isinstance(text, str):
            break
        found.append(text[:_MAX_TEXT])
    if found:
        return found
    documents = _decoded(attributes.get("gen_ai.retrieval.documents"))
    if not isinstance(documents, list):
        return []
    texts = (_document_text(document) for document in documents[:_MAX_PASSAGES])
    return [text[:_MAX_TEXT] for text in texts if text]


def with_passages(
    inferences: Iterable[Inference], passages: dict[str, tuple[float, list[str]]]
) -> list[Inference]:
    """Give each inference without context what was retrieved before it in the same trace.

    One retrieval may serve many inferences and is stored with each: up to `_MAX_GIVEN` characters.
    """
    out, room = [], _MAX_GIVEN
    for row in inferences:
        known = passages.get(row.trace_id or "")
        if row.context is None and known and known[0] <= row.timestamp_ms + 1:
            size = sum(map(len, known[1]))
            if size <= room:
                room -= size
                row = msgspec.structs.replace(row, context=known[1])
        out.append(row)
    return out


def _printable(value: Any) -> str:
    text = label_value(value)[:200]
    return text if text.isprintable() else "".join(c if c.isprintable() else "_" for c in text)


def _document_text(document: Any) -> str:
    if isinstance(document, str):
        return document
    if isinstance(document, dict):
        for name in ("content", "text", "page_content"):
            if isinstance(document.get(name), str):
                return str(document[name])
    return ""


def _first(attributes: Attributes, names: Iterable[str]) -> Any:
    for name in names:
        value = attributes.get(name)
        if value is not None and value != "":
            return value
    return None


def _decoded(value: Any) -> Any:
    """Structured attributes travel as JSON text in older senders, as values in newer ones."""
    if not isinstance(value, str) or value[:1] not in ("[", "{"):
        return value
    try:
        return msgspec.json.decode(value)
    except NOT_JSON:
        return value


def _content(
    attributes: Attributes, names: tuple[str, ...], old: str, openinference: str
) -> str | None:
    # Messages that name their content come first: `input.value` may hold a whole request as JSON.
    text = (
        _numbered(attributes, openinference, "message.content")
        or _text_of(_decoded(_first(attributes, names)))
        or _numbered(attributes, old, "content")
    )
    return text[:_MAX_TEXT] if text else None


def _numbered(attributes: Attributes, prefix: str, suffix: str) -> str:
    if f"{prefix}.0.{suffix}" not in attributes and f"{prefix}.1.{suffix}" not in attributes:
        return ""
    texts = (attributes.get(f"{prefix}.{i}.{suffix}") for i in range(_MAX_MESSAGES))
    return "\n".join(text for text in texts if isinstance(text, str))


def _text_of(value: Any, depth: int = 0) -> str:
    """The readable text of messages: a string, or content and parts however they are nested."""
    if isinstance(value, str):
        return value
    if depth > 8:
        return ""
    if isinstance(value, list):
        if len(value) == 1:
            return _text_of(value[0], depth + 1)
        texts = [_text_of(item, depth + 1) for item in value[:_MAX_MESSAGES]]
        return "\n".join([text for text in texts if text])
    if isinstance(value, dict):
        for name in ("content", "parts", "text", "messages", "choices", "message"):
            inner = value.get(name)
            if inner:
                return _text_of(inner, depth + 1)
    return ""


def _tokens(attributes: Attributes, names: tuple[str, ...], direction: str) -> int | None:
    value = _first(attributes, names)
    if value is None:
        details = _decoded(attributes.get("langfuse.observation.usage_details"))
        value = details.get(direction) if isinstance(details, dict) else None
    number = _number(value)
    return None if number is None or number > 2**53 else int(number)


def _cost(attributes: Attributes) -> float | None:
    value = _first(attributes, _COST)
    if value is None:
        details = _decoded(attributes.get("langfuse.observation.cost_details"))
        value = details.get("total") if isinstance(details, dict) else None
    return _number(value)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _error(span: Span, attributes: Attributes) -> str | None:
    if not span.is_error:
        return None
    named = attributes.get("error.type") or attributes.get("exception.type")
    return (span.status_message or label_value(named) or "error")[:4_096]


def _tags(span: Span, resource: Attributes, attributes: Attributes) -> dict[str, str] | None:
    tags = {}
    for tag, names in _TAGS.items():
        value = _first(attributes, names)
        if value is not None:
            tags[tag] = label_value(value)[:_MAX_TAG]
    if span.service:
        tags["service"] = span.service
    sample = resource.get("sample") or attributes.get("sample")
    if sample:
        tags["sample"] = label_value(sample)[:_MAX_TAG]
    return tags or None
