"""Green recommendations: what would have emitted less in a window, from what really happened."""

from __future__ import annotations

import msgspec
import numpy as np

from connectors.protocols import InferenceColumns
from engines import sustainability
from engines.errors import InsufficientData
from engines.result import Insufficient
from engines.sentence import say
from engines.sustainability import Saving
from services.carbon_policy import CarbonPolicy, get_carbon_policy
from services.footprints import CARBON, COUNTED, ENERGY, hourly_intensity
from services.identity import permitted
from services.models import list_models
from services.sums import Choice, added_up, read_sums, read_totals, widened
from services.times import HOUR_MS, Window
from services.workspace import Workspace

MAX_PROMPTS = 20_000
"""Newest prompts of a model in which repeats are counted."""


class Refusal(msgspec.Struct, frozen=True):
    """A kind of saving that cannot be computed, and why."""

    kind: str
    subject: str
    insufficient: Insufficient


class Savings(msgspec.Struct, frozen=True):
    """What to do, largest first, and what cannot be said."""

    computed_at_ms: int
    window: Window
    savings: list[Saving]
    refused: list[Refusal]


@permitted("carbon:read")
def get_savings(ws: Workspace, window: Window, choice: Choice | None = None) -> Savings:
    """Return recommendations with their computed savings; alternatives are not added up."""
    choice = choice or Choice()
    key = f"carbon/savings/{window.seen_from(ws.now_ms())}/{choice.key()}"
    return ws.cached(key, Savings, lambda: _compute(ws, window, choice), fresh_s=300, stale_s=900)


def _compute(ws: Workspace, window: Window, choice: Choice) -> Savings:
    policy = get_carbon_policy(ws)
    savings: list[Saving] = []
    refused: list[Refusal] = []
    _cache(ws, window, choice, savings, refused)
    _regions(ws, window, choice, policy, savings)
    _hours(ws, window, choice, policy, savings, refused)
    _smaller(ws, window, choice, policy, savings, refused)
    savings = [s for s in savings if s.saved_g > 0]
    savings.sort(key=lambda s: -s.saved_g)
    return Savings(ws.now_ms(), window, savings, refused)


def _text_models(ws: Workspace, choice: Choice) -> list[str]:
    found = [m.model_id for m in list_models(ws) if m.model_type in ("llm", "rag")]
    return [m for m in found if choice.model_id in ("", m)]


def _cache(
    ws: Workspace, window: Window, choice: Choice, savings: list[Saving], refused: list[Refusal]
) -> None:
    models = _text_models(ws, choice)
    emitted = _emitted(ws, window, choice, models)
    for model_id in models:
        rows = ws.events.inference_columns(
            model_id, window.start_ms, window.end_ms, columns=("prompt", "context", "user_segment"),
            version=choice.version or None, limit=MAX_PROMPTS,
        )  # fmt: skip
        prompts, times = _prompts(rows, choice.segment)
        try:
            savings.append(
                sustainability.cache_repeats(model_id, prompts, times, emitted.get(model_id, 0.0))
            )
        except InsufficientData as error:
            refused.append(Refusal("caching", model_id, Insufficient.of(error)))


def _emitted(ws: Workspace, window: Window, choice: Choice, models: list[str]) -> dict[str, float]:
    """Return g CO2e of running some models."""
    labels = choice.labels() | {"part": "usage"}
    found = read_totals(ws, CARBON, widened(window), ("model_id",), labels=labels, models=models)
    return added_up(found, 0)


def _prompts(
    rows: InferenceColumns, segment: str
) -> tuple[list[str], np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """Return prompts with their context; equal words over other passages are another question."""
    prompts, contexts = rows.columns.get("prompt"), rows.columns.get("context")
    if prompts is None or contexts is None:
        return [], np.array([], dtype=np.int64)
    keep = np.array([p is not None for p in prompts], dtype=bool)
    if segment:
        keep &= np.array([s == segment for s in rows.columns["user_segment"]], dtype=bool)
    texts = [
        "\x1f".join([str(p), *map(str, c or ())])
        for p, c in zip(prompts[keep], contexts[keep], strict=True)
    ]
    return texts, rows.timestamps_ms[keep]


def _regions(
    ws: Workspace, window: Window, choice: Choice, policy: CarbonPolicy, savings: list[Saving]
) -> None:
    energy = read_sums(ws, ENERGY, window, ("region",), choice).by(0)
    energy = {r: e for r, e in energy.items() if r != "unknown"}
    allowed = set(policy.allowed_regions or energy) | set(energy)
    grams = {r: sustainability.look_up(r, policy.intensity).g_per_kwh for r in allowed}
    counts = read_sums(ws, COUNTED, window, ("region",), choice).by(0)
    n = {r: int(c) for r, c in counts.items()}
    savings += sustainability.shift_region(energy, grams, n)


def _hours(
    ws: Workspace, window: Window, choice: Choice, policy: CarbonPolicy,
    savings: list[Saving], refused: list[Refusal],
) -> None:  # fmt: skip
    energy = read_sums(ws, ENERGY, window, ("region",), choice, step_ms=HOUR_MS)
    hours = energy.timestamps_ms
    for key, row in zip(energy.keys, energy.values, strict=True):
        known = hourly_intensity(ws, key[0], window.start_ms, window.end_ms)
        grams = np.array([known.get(int(h) // HOUR_MS, np.nan) for h in hours])
        try:
            savings.append(
                sustainability.shift_hours(
                    key[0], row, grams, hours, deferrable_share=policy.deferrable_share
                )
            )
        except InsufficientData as error:
            refused.append(Refusal("hour", key[0], Insufficient.of(error)))


def _smaller(
    ws: Workspace, window: Window, choice: Choice, policy: CarbonPolicy,
    savings: list[Saving], refused: list[Refusal],
) -> None:  # fmt: skip
    models, whole, by = _text_models(ws, choice), widened(window), ("model_id",)
    plain = Choice(choice.model_id, choice.version).labels() | {"direction": "output"}
    emitted = _emitted(ws, window, choice, models)
    tokens, counts = (
        added_up(read_totals(ws, name, whole, by, labels=labels, models=models), 0)
        for name, labels in (("aiobs_tokens_total", plain), (COUNTED, choice.labels()))
    )
    for model_id in models:
        facts = policy.models.get(model_id)
        size = policy.size(model_id)
        other = policy.size(facts.smaller) if facts and facts.smaller else None
        if size is None or facts is None or other is None:
            reason = say(
                "reasons.no_smaller_model",
                "name the model's parameters and a smaller model in the carbon policy",
            )
            refused.append(Refusal("smaller_model", model_id, Insufficient(reason)))
            continue
        savings.append(
            sustainability.use_smaller(
                model_id, size, facts.smaller, other, tokens.get(model_id, 0.0),
                emitted.get(model_id, 0.0), n=int(counts.get(model_id, 0.0)),
            )
        )  # fmt: skip
