"""How the impact page tells what an estimate cannot say, and how finely a reason is told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from plotly.io.json import to_json_plotly

from engines.causal.result import Evidence
from engines.impact import Attribution, Contribution, Estimate, ImpactResult, WhatIf
from engines.impact.warnings import number_named
from engines.impact.what_if import _limit
from engines.result import Interval
from engines.sentence import say
from i18n import speaking
from pages import focus, impact, impact_sizes
from services.study import Study
from services.times import Window


def answered(limit: str) -> WhatIf:
    return WhatIf(
        kind="intervention", cause=("db", "latency_ms"), target=("web", "latency_ms"),
        set_to=20.0, actual=205.0, instead=0.0,
        difference=Estimate(-205.0, Interval(-205.0, -180.0, 0.9)),
        times_s=(), actual_path=(), instead_path=(), low=(), high=(), out_of_range=False,
        warning="", n_rows=100, limit=limit,
    )  # fmt: skip


def test_an_answer_that_stands_at_the_end_of_a_range_says_so() -> None:
    answer = answered(_limit(("web", "latency_ms")))
    said = [str(p) for lang in ("en", "ar") for p in told_in(lang, answer)]
    assert "Latency of web would leave its possible range" in said[0]
    assert "latency_ms" not in said[1] and len(said) == 2


def told_in(lang: str, answer: WhatIf) -> list[Any]:
    with speaking(lang):
        return list(impact._cautions(answer))


def test_the_waterfall_says_between_which_ends_a_part_lies() -> None:
    parts = (
        Contribution("db|latency_ms", 180.0, 0.9, Interval(150.0, 210.0, 0.9)),
        Contribution("web|latency_ms", 20.0, 0.1, Interval(-10.0, 50.0, 0.9)),
    )
    shares = Attribution(20.0, 220.0, 200.0, parts, "linear", 0.0, 0)
    study = Study(
        None, None, ("web", "latency_ms"), 0.9, 1, Window(0, 1), 0, None, shares, None, (), None
    )
    with speaking("en"):
        shown = json.loads(to_json_plotly(impact_sizes.waterfall(study)))
        ends = str(impact_sizes._ends_of(parts, ["Latency db", "Latency web"], "ms"))
    assert "180 ms (150 ms to 210 ms) is Latency db" in json.dumps(shown)
    assert "20 ms (−10 ms to 50 ms)" in ends and "Latency web" in ends


def test_what_cannot_be_measured_downstream_is_named() -> None:
    lost = ("web", "accuracy")
    warning = say("findings.unmeasured", "Of {numbers} no change is told: their causes predict "
                  "held-out rows no better than the usual level does.",
                  numbers=(number_named(lost),))  # fmt: skip
    result = ImpactResult(("db", "latency_ms"), 1.0, (), (), (warning,), 100, 100, (lost,))
    study = Study(
        None, None, None, 0.9, 1, Window(0, 1), 0, result, None, None, (), None
    )  # fmt: skip
    with speaking("en"):
        assert "Of Accuracy of web no change is told" in str(impact_sizes.downstream(study))


@pytest.mark.parametrize(
    ("lead_s", "step_s", "words"),
    [(0.35, 60.0, "came less than 1 min before"), (-20.0, 60.0, "came less than 1 min before"),
     (95.0, 60.0, "came 2 min before"), (95.0, 5.0, "came 1 min 35 s before")],
)  # fmt: skip
def test_a_lead_is_told_as_finely_as_the_onset_is_known(
    lead_s: float, step_s: float, words: str
) -> None:
    values = (("event_id", "e"), ("kind", "deployment"), ("lead_s", lead_s), ("step_s", step_s))
    with speaking("en"):
        assert words in focus.sentence(Evidence("event_before_onset", values, ""))


def test_a_minute_after_the_effect_as_stored_before_speaks_of_no_order() -> None:
    with speaking("en"):
        said = focus.sentence(Evidence("moved_later", (("lead_s", -60.0),), ""))
        assert (
            said == "It moved within one interval of the effect: which came first cannot be told."
        )
        assert "2 min after" in focus.sentence(Evidence("moved_later", (("lead_s", -120.0),), ""))
