"""The quality of the data that a model is given, against its reference or the day before."""

from __future__ import annotations

import numpy as np

from engines import quality as engine
from engines.quality import Freshness, FreshnessAnswer, QualityReport
from engines.result import Insufficient
from engines.sentence import say
from services.computed import Computed, attempt, latest, remember
from services.errors import NotFound
from services.identity import permitted
from services.models import get_model
from services.sides import choose_sides
from services.times import DAY_MS, Window
from services.workspace import Workspace

DataQualityAnswer = Computed[QualityReport]
FreshnessResult = Computed[Freshness]
_FEATURE = "feature:"
_MAX_TIMES = 5_000


@permitted("models:read")
def get_data_quality(ws: Workspace, model_id: str) -> DataQualityAnswer:
    """Return missing, out-of-range and new values and schema changes of a model's inputs."""
    get_model(ws, model_id)
    return latest(ws, "data_quality", model_id, DataQualityAnswer, lambda: _compute(ws, model_id))


@permitted("analysis:run")
def check_data_quality(ws: Workspace, model_id: str) -> DataQualityAnswer:
    """Check the newest inputs of a model now and return what was found."""
    answer = _compute(ws, model_id)
    return remember(ws, "data_quality", model_id, answer, DataQualityAnswer)


def _compute(ws: Workspace, model_id: str) -> DataQualityAnswer:
    sides = choose_sides(ws, model_id)
    old = _features(sides.reference)
    new = _features(sides.current)
    result, insufficient = attempt(
        lambda: (
            engine.check(old, new)
            if old or new
            else Insufficient(
                say(
                    "reasons.no_features",
                    "the model sends no features: send `features` with its inferences",
                )
            )
        )
    )
    return Computed(
        model_id=model_id,
        computed_at_ms=ws.now_ms(),
        window=sides.current_window,
        reference=sides.reference_window,
        n_reference=sides.n_reference,
        n_current=len(sides.current_rows),
        method=sides.method,
        result=result,
        insufficient=insufficient,
    )


def _features(columns: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {
        name.removeprefix(_FEATURE): values
        for name, values in columns.items()
        if name.startswith(_FEATURE)
    }


@permitted("models:read")
def get_freshness(ws: Workspace, model_id: str) -> FreshnessResult:
    """Return how long a model has been silent, against the gaps between its inferences."""
    model = get_model(ws, model_id)
    if model.last_seen_ms is None:
        raise NotFound(
            say(
                "reasons.model_sent_nothing",
                "the model {id} has not sent an inference",
                id=model_id,
            )
        )
    now = ws.now_ms()
    window = Window(min(model.last_seen_ms, now) - DAY_MS, now + 1)
    rows = ws.events.inference_columns(
        model_id, window.start_ms, window.end_ms, columns=(), limit=_MAX_TIMES
    )
    found: FreshnessAnswer = engine.check_freshness(rows.timestamps_ms / 1_000, now / 1_000)
    return Computed(
        model_id, now, window, None, 0, len(rows), "silence against the gaps of the day before",
        found if isinstance(found, Freshness) else None,
        found if isinstance(found, Insufficient) else None,
    )  # fmt: skip
