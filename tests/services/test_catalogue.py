"""The catalogue finds, sorts and pages models, and reads the traffic of those it shows alone."""

from __future__ import annotations

from typing import Any

import pytest

from services import catalogue, fleet
from services.catalogue import list_catalogue
from services.times import Window
from services.workspace import Workspace
from tests.conftest import NOW_MS
from tests.services.conftest import HOUR_MS, Send, scored_rows

DAY = Window(NOW_MS - 24 * HOUR_MS, NOW_MS)
SENT = {"risk": 30, "Ranker": 50, "team/a|b": 40, "desk": 20}
FAILED = {"risk": 3, "Ranker": 1, "team/a|b": 20, "desk": 0}


@pytest.fixture
def four(workspace: Workspace, send: Send) -> Workspace:
    """Four models with known requests and errors."""
    for seed, (name, count) in enumerate(SENT.items()):
        rows = scored_rows(name, count=count, seed=seed)
        for row in rows[: FAILED[name]]:
            row["error"] = "timeout"
        send([row | {"inference_id": f"{name}-{row['inference_id']}"} for row in rows])
    return workspace


def names(ws: Workspace, **asked: Any) -> list[str]:
    return [model.name for model in list_catalogue(ws, DAY, **asked).rows]


def test_requests_and_errors_sort_by_the_sums_of_the_window(four: Workspace) -> None:
    by_requests = sorted(SENT, key=lambda name: SENT[name])
    assert names(four, sort="requests") == by_requests
    assert names(four, sort="requests", descending=True) == by_requests[::-1]
    assert names(four, sort="errors", descending=True) == ["team/a|b", "risk", "Ranker", "desk"]


def test_names_sort_without_regard_to_case(four: Workspace) -> None:
    assert names(four, sort="name") == ["desk", "Ranker", "risk", "team/a|b"]


def test_words_find_models_by_any_part_of_their_name(four: Workspace) -> None:
    found = list_catalogue(four, DAY, text="TEAM a|")
    assert [model.name for model in found.rows] == ["team/a|b"]
    assert (found.found, found.models) == (1, 4)
    assert list_catalogue(four, DAY, text="nobody").rows == []


def test_pages_hold_every_model_once_and_one_beyond_is_the_last(four: Workspace) -> None:
    pages = [names(four, sort="name", page=page, size=3) for page in (1, 2)]
    assert pages == [["desk", "Ranker", "risk"], ["team/a|b"]]
    beyond = list_catalogue(four, DAY, sort="name", page=99, size=3)
    assert (beyond.page, [model.name for model in beyond.rows]) == (2, ["team/a|b"])
    assert names(four, page=-3, size=3) == names(four, size=3)


def test_what_a_model_does_not_have_stands_last_both_ways(four: Workspace) -> None:
    narrow = Window(NOW_MS - 26 * 24 * HOUR_MS, NOW_MS - 25 * 24 * HOUR_MS)  # nobody sent anything
    for descending in (False, True):
        found = list_catalogue(four, narrow, sort="requests", descending=descending)
        worst_first = [model.name for model in fleet.list_glances(four)]
        assert [model.name for model in found.rows] == worst_first


def test_only_the_shown_models_have_their_traffic_read(
    four: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[str] | None] = []
    whole = fleet.get_traffic_by_model

    def noted(ws: Workspace, window: Window, models: list[str] | None = None) -> Any:
        read.append(models)
        return whole(ws, window, models)

    monkeypatch.setattr(fleet, "get_traffic_by_model", noted)
    found = list_catalogue(four, DAY, sort="name", page=1, size=2)
    assert read == [["desk", "Ranker"]]
    sent = {model.name: model.traffic.requests for model in found.rows if model.traffic}
    assert sent == {name: SENT[name] for name in ("desk", "Ranker")}


def test_traffic_of_a_past_window_is_not_that_of_one_up_to_now(four: Workspace) -> None:
    now = list_catalogue(four, DAY, sort="name").rows[0].traffic
    past = Window(DAY.start_ms - 48 * HOUR_MS, DAY.end_ms - 48 * HOUR_MS)
    then = list_catalogue(four, past, sort="name").rows[0].traffic
    assert now is not None and then is not None
    assert (now.requests, then.requests) == (SENT["desk"], 0)


def test_every_sort_is_offered(four: Workspace) -> None:
    for sort in catalogue.SORTS:
        assert sorted(names(four, sort=sort)) == sorted(SENT)
