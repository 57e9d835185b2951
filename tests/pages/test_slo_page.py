"""The service-level page: the form defines, changes and deletes what the list shows."""

from __future__ import annotations

from typing import Any

import pytest

from components.live import View
from components.scope import Scope
from pages import slo as page
from pages import slo_form
from services import slo
from services.errors import Invalid
from services.slo import Definition
from services.slo_counts import Indicator
from services.workspace import Workspace, in_workspace

TYPED: dict[str, Any] = {
    "name": "Fast", "of": "model", "subject": "m", "kind": "latency", "metric": "",
    "threshold": "250,0", "target": "99,9", "days": "7",
}  # fmt: skip


def define(ws: Workspace, **changed: Any) -> Definition:
    with in_workspace(ws):
        return slo_form._definition(ws, TYPED | changed, "fast")


def test_what_is_typed_is_what_is_defined(workspace: Workspace) -> None:
    found = define(workspace)
    assert (found.target, found.days, found.indicator) == (0.999, 7, Indicator("latency", 250.0))


def test_a_metric_keeps_its_side_and_a_service_its_name(workspace: Workspace) -> None:
    found = define(workspace, kind="metric_below", metric="queue", of="service", subject="pay")
    assert found.indicator == Indicator("metric", 250.0, "queue", "below")
    assert (found.model_id, found.service) == ("", "pay")


def test_a_change_keeps_what_the_form_does_not_ask_for(workspace: Workspace) -> None:
    slo.define(workspace, "fast", Definition(
        name="Fast", model_id="m", target=0.9, owner="Ann", calendar="month",
        indicator=Indicator("availability"),
    ))  # fmt: skip
    found = define(workspace)
    assert (found.owner, found.calendar, found.target) == ("Ann", "month", 0.999)


@pytest.mark.parametrize("text", ["all of it", "nan", "inf"])
def test_words_in_a_number_are_refused(workspace: Workspace, text: str) -> None:
    with pytest.raises(Invalid, match="numbers"):
        define(workspace, days=text)


def test_what_is_shown_saved_again_is_no_new_revision(workspace: Workspace) -> None:
    limit = Indicator("metric", 1_234_567.25, "queue", "below")
    made = slo.define(workspace, "queue", Definition(name="Q", service="pay", indicator=limit,
                                                     target=0.999))  # fmt: skip
    shown = dict(zip(slo_form._FIELDS, slo_form._values(made), strict=True))
    with in_workspace(workspace):
        again = slo_form._definition(workspace, shown, "queue")
    assert slo.define(workspace, "queue", again) == made


def test_the_page_shows_the_chosen_objective_and_says_when_it_is_gone(workspace: Workspace) -> None:
    slo.define(workspace, "fast", define(workspace))
    slo.define(workspace, "sure", Definition(
        name="Sure", model_id="m", target=0.9, indicator=Indicator("availability")
    ))  # fmt: skip
    with in_workspace(workspace):
        for focus, expected in (("slo=sure", "Sure"), ("slo=fast", "Fast"), ("slo=no", "no such")):
            view = View()
            page.fill(workspace, Scope(focus=focus), view)
            assert expected in view.to_json().split("slo-promise", 1)[1]
