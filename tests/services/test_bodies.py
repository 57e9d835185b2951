"""Nothing is put on record that would not be read again, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.comparison import Comparison, set_comparison
from services.errors import Invalid
from services.models import Registration, list_models, register_model
from services.slo import Definition, define, list_objectives
from services.slo_counts import Indicator
from services.subject_requests import complete_request, list_requests, record_request
from services.workspace import Workspace

ODD: Any = "none of them"
SIDE = Definition(name="s", model_id="m", target=0.9, indicator=Indicator("metric", 1.0, "a", ODD))


@pytest.mark.parametrize(
    "write",
    [
        lambda ws: register_model(ws, "m", Registration(model_type=ODD)),
        lambda ws: register_model(ws, "m", Registration(risk_class=ODD)),
        lambda ws: define(ws, "s", SIDE),
        lambda ws: record_request(ws, "R-2", ODD),
        lambda ws: complete_request(ws, record_request(ws, "R-1", "access").request.id, ODD),
        lambda ws: set_comparison(ws, "known", Comparison(against=ODD)),
    ],
)  # fmt: skip
def test_a_value_outside_its_choices_is_refused_and_lists_stay_readable(
    workspace: Workspace, write: Callable[[Workspace], object]
) -> None:
    register_model(workspace, "known", Registration())
    with pytest.raises(Invalid, match="none of them"):
        write(workspace)
    assert [model.model_id for model in list_models(workspace)] == ["known"]
    assert all(one.request.outcome is None for one in list_requests(workspace))
    assert list_objectives(workspace) == []


def test_what_people_say_of_a_model_has_an_end(workspace: Workspace) -> None:
    register_model(workspace, "m", Registration(purpose="x" * 2_000))
    with pytest.raises(Invalid, match="owner has 0 to 2,000 characters"):
        register_model(workspace, "m", Registration(owner="x" * 2_001))
