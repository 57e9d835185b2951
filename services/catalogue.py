"""The catalogue of models, a page at a time: found, sorted, and only what is shown computed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import msgspec

from services.fleet import LISTED, ModelGlance, list_glances, with_traffic
from services.identity import permitted
from services.sums import read_totals
from services.times import Window
from services.workspace import Workspace

Sort = Literal["health", "name", "trust", "type", "state", "requests", "errors", "seen"]
SORTS: tuple[Sort, ...] = get_args(Sort)
_SUMS_FRESH_S, _SUMS_STALE_S = 30.0, 120.0
Key = Callable[[ModelGlance], float | str | None]
_KEYS: dict[str, Key] = {
    "name": lambda model: model.name.casefold(),
    "trust": lambda model: model.trust,
    "type": lambda model: model.model_type,
    "state": lambda model: model.status,
    "seen": lambda model: model.last_seen_ms,
}


class CataloguePage(msgspec.Struct, frozen=True):
    """Some models of those that fit, and how many fit of how many there are."""

    rows: list[ModelGlance]
    page: int  # 1 is the first
    found: int
    models: int


@permitted("metrics:read")
def list_catalogue(
    ws: Workspace,
    window: Window,
    *,
    text: str = "",
    sort: Sort = "health",
    descending: bool = False,
    page: int = 1,
    size: int = LISTED,
) -> CataloguePage:
    """Return a page of the models whose name, id or owner holds `text`.

    `health` puts the worst first; what a model does not have stands last in either direction.
    Only the models of the page have their traffic read; by requests or errors the store sums one
    metric grouped by model. A page beyond the last is the last.
    """
    everything = list_glances(ws)
    words = text.casefold().split()
    found = [model for model in everything if _holds(model, words)]
    if sort != "health":
        found = _sorted(found, _KEYS.get(sort) or _by_sums(ws, window, sort), descending)
    elif descending:
        found.reverse()
    page = max(1, min(page, -(-len(found) // size)))
    rows = found[(page - 1) * size : page * size]
    rows = with_traffic(ws, rows, window, of=len(everything))
    return CataloguePage(rows, page, len(found), len(everything))


def _holds(model: ModelGlance, words: list[str]) -> bool:
    where = f"{model.name}\n{model.model_id}\n{model.owner}".casefold()
    return all(word in where for word in words)


def _sorted(found: list[ModelGlance], key: Key, descending: bool) -> list[ModelGlance]:
    known = [model for model in found if key(model) is not None]
    known.sort(key=key, reverse=descending)  # type: ignore[arg-type]  # stable: worst first
    return known + [model for model in found if key(model) is None]


def _by_sums(ws: Workspace, window: Window, sort: str) -> Key:
    requests = _sums(ws, window, "aiobs_inferences_total")
    if sort == "requests":
        return lambda model: requests.get(model.model_id)
    errors = _sums(ws, window, "aiobs_inference_errors_total")

    def share(model: ModelGlance) -> float | None:
        sent = requests.get(model.model_id)
        return errors.get(model.model_id, 0.0) / sent if sent else None

    return share


def _sums(ws: Workspace, window: Window, name: str) -> dict[str, float]:
    """Return a metric's sum of each model, read again at most twice a minute."""

    def read() -> dict[str, float]:
        return {
            key[0]: value for key, value in read_totals(ws, name, window, ("model_id",)).items()
        }

    key = f"catalogue/{name}/{window.seen_from(ws.now_ms())}"
    return ws.cached(key, dict[str, float], read, fresh_s=_SUMS_FRESH_S, stale_s=_SUMS_STALE_S)
