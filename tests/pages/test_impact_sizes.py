"""Sizes and paths of the impact page."""

from __future__ import annotations

import json
from typing import Any

from plotly.io.json import to_json_plotly

from engines.impact import Estimate, WhatIf
from engines.result import Interval
from i18n import speaking
from pages import (
    impact,
    impact_sizes,
)
from services.study import Study
from services.times import Window


def amount(value: float, low: float, high: float) -> Estimate:
    return Estimate(value, Interval(low, high, 0.9))


def test_an_amount_that_is_written_as_nothing_is_not_put_at_risk() -> None:
    assert not impact_sizes.is_news(amount(1e-5, -2e-5, 3e-5), "share")
    assert impact_sizes.is_news(amount(1e-5, -2e-5, 3e-3), "share")
    assert impact_sizes.is_news(amount(1e-5, -2e-5, 3e-5), "USD")
    assert not impact_sizes.is_news(amount(float("nan"), 0.0, 1.0), "USD")


def test_what_comes_is_one_row_for_each_thing_at_risk() -> None:
    hour, day = (3_600.0, amount(12.0, 6.0, 18.0)), (86_400.0, amount(99.0, 50.0, 150.0))
    with speaking("en"):
        said = str(impact_sizes.ahead({"money": (amount(2.0, 1.0, 3.0), (hour, day), "USD")}))
    assert said.count("scope='row'") == 1
    assert said.index("so far") < said.index("next 1 h") < said.index("next 1 d")
    assert "6" in said and "to" in said


def test_the_path_without_the_cause_begins_at_the_onset() -> None:
    found = counterfactual()
    study = Study(
        None, found.cause, found.target, 0.9, 1_767_258_000_000, Window(0, 1), 0, None, None,
        found, (), None, earlier=((1_767_257_940.0, 20.0),),
    )  # fmt: skip
    with speaking("en"):
        shown = json.loads(to_json_plotly(impact._otherwise(study)))
    traces = {trace["name"]: trace for trace in figure_of(shown)["data"] if "meta" not in trace}
    assert traces["As it was"]["y"] == [20.0, 200.0, 210.0]
    assert traces["Without the cause"]["y"][-2:] == [1.0, 15.0]


def counterfactual() -> WhatIf:
    return WhatIf(
        kind="counterfactual", cause=("db", "latency_ms"), target=("web", "latency_ms"),
        set_to=20.0, actual=205.0, instead=7.0, difference=amount(-198.0, -210.0, -180.0),
        times_s=(1_767_258_000.0, 1_767_258_060.0), actual_path=(200.0, 210.0),
        instead_path=(1.0, 15.0), low=(0.0, 5.0), high=(7.0, 25.0), out_of_range=False,
        warning="", n_rows=100,
    )  # fmt: skip


def figure_of(node: Any) -> dict[str, Any]:
    """Return the figure of the first chart in a tree of components."""
    if isinstance(node, list):
        return next((found for child in node if (found := figure_of(child))), {})
    props = node.get("props", {}) if isinstance(node, dict) else {}
    return props.get("figure") or (figure_of(props["children"]) if props.get("children") else {})
