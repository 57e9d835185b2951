"""Model cards: what each model is for and not for, who answers for it, when it was last reviewed.

The hub fills in what it measured itself; people say the rest.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from engines.compliance import CardState, card_state, write_markdown
from engines.sentence import say
from services.cognitive import Part, circumstances, get_cognitive, nothing
from services.errors import Conflict, Invalid
from services.fairness import get_fairness
from services.identity import permitted
from services.incidents import Note
from services.models import Model, get_model, list_models
from services.times import to_rfc3339
from services.workspace import Workspace

_KIND = "model_card"
MAX_TEXT, MAX_LINK, MAX_DAYS = 2_000, 500, 1_095
REQUIRED = ("intended_use", "owner", "limits")


class CardText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What people say of a model; the rest of the card is measured.

    `review_days` is how long a review holds; `evaluation_link` is an https address or a reference.
    """

    intended_use: str
    owner: str
    limits: str
    users: str = ""
    out_of_scope: str = ""
    factors: str = ""
    evaluation_data: str = ""
    evaluation_link: str = ""
    training_data: str = ""
    ethics: str = ""
    review_days: int = 365


class ModelCard(msgspec.Struct, frozen=True):
    """A card as it is on record; `version` is the newest of the model when it was reviewed."""

    model_id: str
    text: CardText
    version: str
    reviewed_at_ms: int
    reviewed_by: str
    history: tuple[Note, ...] = ()


class CardView(msgspec.Struct, frozen=True):
    """A model with its card, if it has one, and where that stands."""

    model_id: str
    name: str
    risk_class: str
    is_sample: bool
    card: ModelCard | None
    state: CardState


class CardDocument(msgspec.Struct, frozen=True):
    """A card with the sections of Mitchell et al. (2019); figures carry window, n and method."""

    model_id: str
    name: str
    exported_at: str
    status: str
    sections: dict[str, dict[str, Any]]  # JSON


@permitted("compliance:read")
def list_cards(ws: Workspace) -> list[CardView]:
    """Return every model with its card or the lack of one, in order of id."""
    rows = ws.records.list(_KIND, limit=10_000)
    cards = {row.id: msgspec.convert(row.body, ModelCard) for row in rows}
    return [_view(ws, model, cards.get(model.model_id)) for model in list_models(ws)]


@permitted("compliance:read")
def get_card(ws: Workspace, model_id: str) -> CardView:
    """Return one model with its card."""
    row = ws.records.get(_KIND, model_id)
    card = msgspec.convert(row.body, ModelCard) if row else None
    return _view(ws, get_model(ws, model_id), card)


@permitted("cards:write")
def write_card(ws: Workspace, model_id: str, text: CardText) -> CardView:
    """Write a model's card; who writes it has reviewed it."""
    return _reviewed(ws, model_id, _checked(text))


@permitted("cards:write")
def review_card(ws: Workspace, model_id: str) -> CardView:
    """Say that a card was reviewed and still holds."""
    return _reviewed(ws, model_id, None)


@permitted("compliance:read")
def export_card(ws: Workspace, model_id: str) -> CardDocument:
    """Return a model's card with the figures that the hub has of it now."""
    view = get_card(ws, model_id)
    model = get_model(ws, model_id)
    return CardDocument(
        model_id=model_id,
        name=view.name,
        exported_at=to_rfc3339(ws.now_ms()),
        status=view.state.status,
        sections=_sections(ws, model, view),
    )


@permitted("compliance:read")
def export_markdown(ws: Workspace, model_id: str) -> str:
    """Return the same as Markdown."""
    found = export_card(ws, model_id)
    sections = {
        name: [(label, _line(value)) for label, value in rows.items()]
        for name, rows in found.sections.items()
    }
    return write_markdown(found.name, sections)


def _view(ws: Workspace, model: Model, card: ModelCard | None) -> CardView:
    reviewed = card.reviewed_at_ms if card else None
    days = card.text.review_days if card else 1
    # The first version that the hub saw is no change of what it saw before.
    changed = max((v.first_seen_ms for v in model.versions), default=0)
    is_new = card is not None and bool(card.version) and _newest(model) != card.version
    state = card_state(reviewed, days, ws.now_ms(), changed_at_ms=changed if is_new else None)
    return CardView(model.model_id, model.name, model.risk_class, model.is_sample, card, state)


def _newest(model: Model) -> str:
    return max(model.versions, key=lambda v: v.first_seen_ms).version if model.versions else ""


def _reviewed(ws: Workspace, model_id: str, text: CardText | None) -> CardView:
    model = get_model(ws, model_id)
    with ws.records.transaction() as tx:
        row = tx.get(_KIND, model_id)
        before = msgspec.convert(row.body, ModelCard) if row else None
        if text is None and before is None:
            raise Conflict(say("reasons.no_card", "the model has no card to review yet"))
        said = "reviewed" if text is None or (before and before.text == text) else "written"
        made = ModelCard(
            model_id=model_id,
            text=text or before.text,  # type: ignore[union-attr]
            version=_newest(model),
            reviewed_at_ms=ws.now_ms(),
            reviewed_by=ws.principal.id,
            history=(
                *(before.history if before else ()),
                Note(ws.now_ms(), ws.principal.id, said),
            ),
        )
        tx.put(_KIND, model_id, msgspec.to_builtins(made))
    ws.cache.invalidate(f"{ws.tenant}/compliance/")
    return _view(ws, model, made)


def _checked(text: CardText) -> CardText:
    plain = {k: v.strip() for k, v in msgspec.structs.asdict(text).items() if isinstance(v, str)}
    for name, value in plain.items():
        most = MAX_LINK if name in ("evaluation_link", "owner") else MAX_TEXT
        least = 1 if name in REQUIRED else 0
        if not least <= len(value) <= most:
            raise Invalid(
                say(
                    "reasons.card_field",
                    "{field} has {least, number} to {most, number} characters",
                    field=name, least=least, most=most,
                ),
                field=name,
            )  # fmt: skip
    if not 1 <= text.review_days <= MAX_DAYS:
        raise Invalid(
            say("reasons.card_days", "a review holds 1 to {most, number} days", most=MAX_DAYS),
            field="review_days",
        )
    return msgspec.structs.replace(text, **plain)


def _sections(ws: Workspace, model: Model, view: CardView) -> dict[str, dict[str, Any]]:
    card, text = view.card, view.card.text if view.card else None
    said = msgspec.structs.asdict(text) if text else {}
    figures = _figures(ws, model)
    return {
        "Model Details": {
            "Id": model.model_id, "Name": model.name, "Type": model.model_type,
            "Version": _newest(model), "Owner": said.get("owner") or model.owner,
            "Risk class": model.risk_class,
            "Reviewed": _day(card.reviewed_at_ms) if card else "",
            "Next review": _day(view.state.due_at_ms) if view.state.due_at_ms else "",
            "Status of the card": view.state.status,
        },
        "Intended Use": {
            "Primary use": said.get("intended_use") or model.purpose,
            "Users": said.get("users", ""), "Out of scope": said.get("out_of_scope", ""),
        },
        "Factors": {"Groups and conditions": said.get("factors", "")},
        "Metrics": {name: str(part.get("method") or "") for name, part in figures.items()},
        "Evaluation Data": {
            "Data": said.get("evaluation_data", ""),
            "Evaluation": said.get("evaluation_link", ""),
        },
        "Training Data": {"Data": said.get("training_data", "")},
        "Quantitative Analyses": figures,
        "Ethical Considerations": {"Considerations": said.get("ethics", "")},
        "Caveats and Recommendations": {"Limits": said.get("limits", "")},
    }  # fmt: skip


def _figures(ws: Workspace, model: Model) -> dict[str, Part]:
    """Return what the hub measured: each with window, n and method, or why there is none."""
    found = get_cognitive(ws, model.model_id)
    kept = {
        "Trust": (found.trust, "overall"), "Reliability": (found.reliability, "overall"),
        "Drift": (found.drift, "overall"), "Hallucination risk":
        (found.hallucination, "hallucination_risk"), "Degradation rate":
        (found.degradation, "rate_of_change"),
    }  # fmt: skip
    figures = {name: _figure(part, key) for name, (part, key) in kept.items()}
    if model.model_type == "classification":
        figures["Fairness by segment"] = _fairness(ws, model.model_id)
    return figures


def _figure(part: Part, key: str) -> Part:
    about = {k: part[k] for k in ("computed_at", "window", "n", "n_reference", "method")}
    value = part.get(key)
    if isinstance(value, dict) or value is None:
        reason = (value or part).get("reason") or part.get("reason") or "not computed yet"
        return {"status": "insufficient_data", "reason": reason} | about
    return {"value": value, "interval": part.get("interval")} | about


def _fairness(ws: Workspace, model_id: str) -> Part:
    answer = get_fairness(ws, model_id)
    if answer.result is None:
        return nothing(answer)
    gaps = {d.metric: d.worst_gap for d in answer.result.disparities}
    apart = [d.metric for d in answer.result.disparities if d.verdict == "disparity"]
    return {"value": gaps, "disparities": apart} | circumstances(answer)


def _day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1_000, UTC).date().isoformat()


def _line(value: Any) -> str:  # JSON: a text, or a figure with its circumstances
    if not isinstance(value, dict):
        return str(value)
    window = value["window"]
    about = f"{window['start'][:16]}Z to {window['end'][:16]}Z, n = {value['n']}"
    if value.get("status") == "insufficient_data":
        return f"insufficient data: {value['reason']} ({about})"
    found = value["value"]
    shown = (
        ", ".join(f"{k.replace('_', ' ')} differs by {v:.3g}" for k, v in found.items())
        if isinstance(found, dict)
        else f"{found + 0.0:.3g}"  # without the sign of a negative zero
    )
    interval = value.get("interval")
    if isinstance(interval, dict):
        shown += f" [{interval['low']:.3g}, {interval['high']:.3g}]"
    return f"{shown} ({about})"
