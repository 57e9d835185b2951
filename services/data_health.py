"""The data and the fairness of every model at a glance, from numbers that each refresh keeps."""

from __future__ import annotations

from typing import Literal

import msgspec

from connectors.selector import select
from services import data_quality, fairness
from services.history import keep, store_numbers
from services.identity import permitted
from services.models import get_model, list_models
from services.times import HOUR_MS, MINUTE_MS
from services.workspace import Workspace

SOUND, PROBLEMS = "aiobs_sound_data_share", "aiobs_data_problems"
DISPARITIES = "aiobs_fairness_disparities"
GROUPED_BY = "user_segment"
FAIRNESS_EVERY_MS = 30 * MINUTE_MS
"""Seven days of decisions hardly change within half an hour, and are much to read each minute."""
AGAIN_MS = 5 * MINUTE_MS
"""Where groups could not be compared, a registration or more rows may change that soon."""
KEPT_MS = 6 * HOUR_MS
"""A number older than this says nothing of now."""

Verdict = Literal["disparity", "no_evidence", "insufficient_data"]


class DataHealth(msgspec.Struct, frozen=True):
    """One model in one line; None and `insufficient_data` where nothing could be computed."""

    model_id: str
    name: str
    sound_share: float | None
    problems: int | None
    computed_at_ms: int | None
    fairness: Verdict
    disparities: int | None
    last_seen_ms: int | None


@permitted("analysis:run")
def check_data_health(ws: Workspace, model_id: str) -> None:
    """Check the data of a model now, and its fairness where the last look is old; keep both."""
    quality = data_quality.check_data_quality(ws, model_id)
    now = ws.now_ms()
    if quality.result is not None:
        numbers: list[tuple[str, dict[str, str], float]] = [
            (SOUND, {}, quality.result.clean_share),
            (PROBLEMS, {}, float(len(quality.result.findings))),
        ]
        store_numbers(ws, model_id, now, numbers)
    if get_model(ws, model_id).model_type != "classification":
        return
    last = ws.events.analyses("fairness", model_id, now - FAIRNESS_EVERY_MS, now + 1, limit=1)
    if last and (_has_result(last[0].body) or now - last[0].computed_at_ms < AGAIN_MS):
        return
    groups = fairness.get_fairness(ws, model_id, GROUPED_BY)
    verdicts = [one.verdict for one in groups.result.disparities] if groups.result else []
    if any(verdict != "insufficient_data" for verdict in verdicts):
        count = float(verdicts.count("disparity"))
        store_numbers(ws, model_id, now, [(DISPARITIES, {"by": GROUPED_BY}, count)])
    keep(ws, "fairness", model_id, now, groups)


@permitted("models:read")
def list_data_health(ws: Workspace) -> list[DataHealth]:
    """Return every model, those with something wrong first; one read a number for the fleet."""
    return ws.cached("data_health", list[DataHealth], lambda: _list(ws), fresh_s=15, stale_s=60)


def _list(ws: Workspace) -> list[DataHealth]:
    sound, problems, unfair = (_newest(ws, name) for name in (SOUND, PROBLEMS, DISPARITIES))
    rows = []
    for model in list_models(ws):
        name = model.model_id
        share, wrong, disparities = sound.get(name), problems.get(name), unfair.get(name)
        verdict: Verdict = "insufficient_data"
        if disparities is not None:
            verdict = "disparity" if disparities[1] else "no_evidence"
        rows.append(
            DataHealth(
                model_id=name,
                name=model.name,
                sound_share=share[1] if share else None,
                problems=int(wrong[1]) if wrong else None,
                computed_at_ms=share[0] if share else None,
                fairness=verdict,
                disparities=int(disparities[1]) if disparities else None,
                last_seen_ms=model.last_seen_ms,
            )
        )
    return sorted(rows, key=_worst_first)


def _worst_first(row: DataHealth) -> tuple[int, float, str]:
    wrong = (row.problems or 0) + (row.disparities or 0)
    return -wrong, 2.0 if row.sound_share is None else row.sound_share, row.model_id


def _has_result(body: bytes) -> bool:
    return msgspec.json.decode(body).get("result") is not None


def _newest(ws: Workspace, name: str) -> dict[str, tuple[int, float]]:
    found = ws.metrics.latest(select(name, {}), since_ms=ws.now_ms() - KEPT_MS)
    return {
        points.series.label("model_id"): (int(points.timestamps_ms[-1]), float(points.values[-1]))
        for points in found
        if len(points.values)
    }
