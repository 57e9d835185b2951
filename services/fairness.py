"""How a model's decisions differ between groups: segments, regions, or a feature of the person."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from connectors.protocols import InferenceColumns
from engines import fairness as engine
from engines.fairness import FairnessReport
from engines.result import Insufficient
from engines.sentence import say
from services.computed import Computed, attempt, latest
from services.errors import Malformed
from services.identity import permitted
from services.models import Model, get_model
from services.quality import class_name
from services.times import DAY_MS, Window
from services.workspace import Workspace

FairnessAnswer = Computed[FairnessReport]
BY = ("user_segment", "region")
MAX_ROWS = 50_000
MAX_BANDS = 12
_DAYS = 7


@permitted("models:read")
def list_attributes(ws: Workspace, model_id: str) -> list[str]:
    """Return what a model's people can be grouped by: segment, region and its features."""
    get_model(ws, model_id)
    end = ws.now_ms()
    rows = ws.events.inference_columns(model_id, end - DAY_MS, end + 1, limit=200)
    features = [n for n in sorted(rows.columns) if n.startswith("feature:")]
    return [*BY, *features]


@permitted("models:read")
def get_fairness(ws: Workspace, model_id: str, by: str = "user_segment") -> FairnessAnswer:
    """Return selection, equal opportunity and calibration by group over the last seven days."""
    if by not in BY and not by.startswith("feature:"):
        raise Malformed(f"group by {', '.join(BY)} or feature:<name>, not {by!r}")
    model = get_model(ws, model_id)
    return latest(ws, f"fairness/{by}", model_id, FairnessAnswer, lambda: _compute(ws, model, by))


def _compute(ws: Workspace, model: Model, by: str) -> FairnessAnswer:
    end = ws.now_ms()
    window = Window(end - _DAYS * DAY_MS, end)
    rows = ws.events.inference_columns(
        model.model_id, window.start_ms, window.end_ms, limit=MAX_ROWS
    )
    result, insufficient = attempt(lambda: _compare(model, rows, by))
    return Computed(
        model_id=model.model_id,
        computed_at_ms=end,
        window=window,
        reference=None,
        n_reference=0,
        n_current=len(rows),
        method=say(
            "methods.fairness", "groups by {by}; Newcombe intervals, Holm over metrics", by=by
        ),
        result=result,
        insufficient=insufficient,
    )


def _compare(model: Model, rows: InferenceColumns, by: str) -> FairnessReport | Insufficient:
    if model.model_type != "classification":
        return Insufficient(
            say(
                "reasons.fairness_needs_decisions",
                "fairness needs a model that decides: classification",
            )
        )
    prediction, groups = rows.columns.get("prediction"), rows.columns.get(by)
    if prediction is None or groups is None:
        return Insufficient(
            say("reasons.no_group_column", "no inference came with `prediction` and `{by}`", by=by)
        )
    positive = model.positive_class or _positive(prediction)
    if positive is None:
        return Insufficient(
            say(
                "reasons.no_favourable_class",
                "say which class is the favourable one: register the model with `positive_class`",
            )
        )
    return engine.compare_groups(
        _banded(groups),
        _is(prediction, positive),
        truth=_is(rows.columns["label"], positive) if "label" in rows.columns else None,
        score=_score(rows, positive),
        attribute=by.removeprefix("feature:"),
    )


def _positive(prediction: NDArray[Any]) -> str | None:  # float64 or object
    """With classes 0 and 1 (or false and true) 1 is the favourable one; else somebody must say."""
    names = {class_name(v) for v in prediction if v is not None and v == v}
    return "1" if names and names <= {"0", "1"} else None


def _is(values: NDArray[Any], positive: str) -> list[bool | None]:  # float64 or object
    return [None if v is None or v != v else class_name(v) == positive for v in values]


def _score(rows: InferenceColumns, positive: str) -> NDArray[np.float64] | None:
    found = rows.columns.get(f"score:{positive}", rows.columns.get("score"))
    return None if found is None else np.asarray(found, dtype=np.float64)


def _banded(values: NDArray[Any]) -> list[str | None]:
    """Return groups as text; a number with many values is cut at its quartiles."""
    known = [v for v in values if v is not None and v == v]
    numbers = [float(v) for v in known if isinstance(v, int | float)]
    if len(set(map(str, known))) <= MAX_BANDS or len(numbers) < len(known):
        return [None if v is None or v != v else class_name(v) for v in values]
    edges = np.unique(np.quantile(numbers, [0.25, 0.5, 0.75]))
    names = [f"≤ {edges[0]:.4g}"]
    names += [f"{a:.4g} – {b:.4g}" for a, b in zip(edges, edges[1:], strict=False)]
    names.append(f"> {edges[-1]:.4g}")
    return [
        None if v is None or v != v else names[int(np.searchsorted(edges, float(v)))]
        for v in values
    ]
