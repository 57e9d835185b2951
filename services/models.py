"""Models: those that sent inferences and those that somebody registered."""

from __future__ import annotations

from math import isfinite
from typing import Any, Literal
from zlib import crc32

import msgspec

from connectors.protocols import ModelSeen
from engines.sentence import say
from services.bodies import as_body
from services.errors import Invalid, NotFound
from services.identity import permitted
from services.times import DAY_MS
from services.workspace import Workspace

_KIND = "model"
_MANY = 10_000
MAX_TEXT = 2_000
ModelType = Literal["classification", "regression", "llm", "rag"]


class Registration(msgspec.Struct, frozen=True, omit_defaults=True):
    """What people say of a model; telemetry alone cannot know it."""

    name: str = ""
    model_type: ModelType | None = None
    owner: str = ""
    purpose: str = ""
    risk_class: Literal["minimal", "limited", "high", ""] = ""
    objective_latency_ms: float | None = None
    positive_class: str | None = None


class Version(msgspec.Struct, frozen=True):
    """One version of a model as telemetry shows it."""

    version: str
    first_seen_ms: int
    last_seen_ms: int
    inferences: int


class Model(msgspec.Struct, frozen=True):
    """One model: what it says of itself by sending, and what was registered."""

    model_id: str
    status: Literal["registered", "unregistered"]
    model_type: ModelType
    name: str
    owner: str
    purpose: str
    risk_class: str
    objective_latency_ms: float | None
    positive_class: str | None
    is_sample: bool
    first_seen_ms: int | None
    last_seen_ms: int | None
    inferences: int
    versions: tuple[Version, ...]


@permitted("models:read")
def list_models(ws: Workspace) -> list[Model]:
    """Return every model of the tenant in order of id."""
    seen: dict[str, list[ModelSeen]] = {}
    for row in ws.events.models_seen():
        seen.setdefault(row.model_id, []).append(row)
    registered = {record.id: record.body for record in ws.records.list(_KIND, limit=_MANY)}
    ids = sorted(seen | registered)
    return [_model(ws, i, seen.get(i, []), registered.get(i)) for i in ids]


@permitted("models:read")
def find_models(ws: Workspace, text: str = "", limit: int = 0) -> list[Model]:
    """Return the models whose id or name holds a text, in order of id; the first `limit` of them,
    or all when it is 0."""
    wanted = text.casefold()
    found = [
        model
        for model in list_models(ws)
        if wanted in model.model_id.casefold() or wanted in model.name.casefold()
    ]
    return found[:limit] if limit > 0 else found


@permitted("models:read")
def get_model(ws: Workspace, model_id: str) -> Model:
    """Return one model; `NotFound` when it neither sent nor was registered."""
    seen = ws.events.models_seen(model_id)
    record = ws.records.get(_KIND, model_id)
    if not seen and record is None:
        raise NotFound(say("reasons.no_such_model", "there is no model {id}", id=model_id))
    return _model(ws, model_id, seen, record.body if record else None)


@permitted("models:read")
def was_watched(ws: Workspace, since_ms: int, model_id: str | None = None) -> bool:
    """Return whether the model, or any, already sent inferences at a moment: else no comparison."""
    first_ms = ws.events.first_seen_ms(model_id)
    return first_ms is not None and first_ms <= since_ms


@permitted("models:write")
def register_model(ws: Workspace, model_id: str, registration: Registration) -> Model:
    """Say what a model is; telemetry that comes before or after belongs to it all the same."""
    if not 1 <= len(model_id) <= 200 or not model_id.isprintable():
        raise Invalid(
            say("reasons.model_id_form", "a model id is printable text of 1 to 200 characters")
        )
    for name, value in msgspec.structs.asdict(registration).items():
        if isinstance(value, str) and len(value) > MAX_TEXT:
            raise Invalid(
                say(
                    "reasons.card_field",
                    "{field} has {least, number} to {most, number} characters",
                    field=name, least=0, most=MAX_TEXT,
                )
            )  # fmt: skip
    ws.records.put(_KIND, model_id, as_body(registration))
    ws.cache.invalidate(f"{ws.tenant}/model_type/{model_id}")
    return get_model(ws, model_id)


def _model(
    ws: Workspace,
    model_id: str,
    seen: list[ModelSeen],
    body: dict[str, Any] | None,  # JSON of a Registration
) -> Model:
    said = msgspec.convert(body, Registration) if body is not None else Registration()
    versions = tuple(
        Version(row.version, row.first_ms, row.last_ms, row.count)
        for row in sorted(seen, key=lambda row: -row.last_ms)
    )
    return Model(
        model_id=model_id,
        status="registered" if body is not None else "unregistered",
        model_type=said.model_type or _guess_type(ws, model_id, seen),
        name=said.name or model_id,
        owner=said.owner,
        purpose=said.purpose,
        risk_class=said.risk_class,
        objective_latency_ms=said.objective_latency_ms,
        positive_class=said.positive_class,
        is_sample=any(row.is_sample for row in seen),
        first_seen_ms=min((row.first_ms for row in seen), default=None),
        last_seen_ms=max((row.last_ms for row in seen), default=None),
        inferences=sum(row.count for row in seen),
        versions=versions,
    )


def _guess_type(ws: Workspace, model_id: str, seen: list[ModelSeen]) -> ModelType:
    """Read the type off what the model last sent; registration overrules it."""
    if not seen:
        return "classification"
    last_ms = max(row.last_ms for row in seen)

    def guess() -> ModelType:
        rows = ws.events.inference_columns(
            model_id,
            last_ms - DAY_MS,
            last_ms + 1,
            columns=("score", "prediction", "interval:low", "output_tokens", "context"),
            limit=50,
        )
        return _type_of(rows.columns)

    kind: Any = ModelType  # msgspec decodes a Literal; type[] cannot say so
    found: ModelType = ws.cached(
        f"model_type/{model_id}", kind, guess, fresh_s=_guessed_for_s(model_id), stale_s=86_400
    )
    return found


def _guessed_for_s(model_id: str) -> float:
    """Return how long a guess holds: 10 to 20 minutes, another time for each model, so that a list
    of a thousand does not start a thousand renewals at once."""
    return 600.0 * (1 + crc32(model_id.encode()) / 2**32)


def _type_of(columns: dict[str, Any]) -> ModelType:  # float64 or object arrays
    def any_sent(name: str) -> bool:
        values = columns.get(name)
        return values is not None and any(v is not None and v == v for v in values)

    if any_sent("output_tokens"):
        return "rag" if any_sent("context") else "llm"
    predictions = [p for p in columns.get("prediction", ()) if p is not None]
    fractions = (p for p in predictions if isinstance(p, float) and isfinite(p))
    continuous = [p for p in fractions if not p.is_integer()]
    if not any_sent("score") and (continuous or any_sent("interval:low")):
        return "regression"
    return "classification"
