"""The footprint against EcoLogits' own results, the SCI example and hand arithmetic."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engines import sustainability
from engines.errors import EngineError, InsufficientData
from engines.sustainability import ModelSize, Requests, Site, Spread, default_site

VECTORS = Path(os.environ.get("AIOBS_VECTORS", "../shared/facts/vectors")) / "ecologits_cases.json"


def cases() -> list[Any]:
    if not VECTORS.is_file():
        return []
    found: list[Any] = json.loads(VECTORS.read_text("utf-8"))["cases"]
    return found


@pytest.mark.skipif(not VECTORS.is_file(), reason=f"no reference cases at {VECTORS}")
def test_generation_equals_ecologits_on_its_eight_cases() -> None:
    assert len(cases()) == 8
    for case in cases():
        given, wanted = case["in"], case["out"]
        latency = np.array([np.nan if given["latency_s"] is None else given["latency_s"]])
        made = sustainability.generate(
            ModelSize(given["active_B"], given["total_B"]), np.array([given["output_tokens"]]),
            latency_s=latency, tokens_per_s=given["tps"],
        )  # fmt: skip
        energy = made.energy_it_kwh[0] * given["pue"]
        usage = energy * given["gwp_kg_per_kwh"]
        litres = given["wue_site"] + given["pue"] * given["wue_mix"]
        got = (energy, usage, made.embodied_g[0] / 1000, made.energy_it_kwh[0] * litres)
        keys = ("energy_kwh", "gwp_usage_kg", "gwp_embodied_kg", "water_l")
        assert got == pytest.approx([wanted[key] for key in keys], rel=1e-9, abs=0)
        total = wanted["gwp_total_kg"]
        assert usage + made.embodied_g[0] / 1000 == pytest.approx(total, rel=1e-9, abs=0)


def test_seventy_billion_parameters_and_170_tokens_by_the_published_example() -> None:
    made = sustainability.generate(ModelSize(70, 70), np.array([170.0]))
    energy = made.energy_it_kwh[0] * 1.09
    assert energy == pytest.approx(1.015e-4, rel=1e-3)
    assert energy * 381 == pytest.approx(0.0387, rel=2e-3)  # g
    assert made.embodied_g[0] == pytest.approx(0.0096, rel=5e-3)  # g


def test_embodied_share_equals_the_sci_example() -> None:
    assert sustainability.embodied(1000, 1, 4) == pytest.approx(1e6 / (4 * 365 * 24))
    assert round(sustainability.embodied(1000, 1, 4), 1) == 28.5
    assert sustainability.embodied(1000, 1, 4, resource_share=0.25) == pytest.approx(7.1347, 1e-4)


def test_sci_is_carbon_over_units_and_refuses_no_unit() -> None:
    assert sustainability.score(30.0, 10.0, 8) == 5.0
    with pytest.raises(InsufficientData):
        sustainability.score(30.0, 10.0, 0)


def columns(**given: float) -> Requests:
    values = {
        "energy_kwh": np.nan,
        "output_tokens": np.nan,
        "latency_s": np.nan,
        "g_per_kwh": 400.0,
    }
    values |= given
    measured = np.array([bool(values.pop("is_measured", 0.0))])
    return Requests(is_measured=measured, **{k: np.array([v]) for k, v in values.items()})


def method(requests: Requests, size: ModelSize | None = None) -> str:
    found = sustainability.assess(requests, default_site(), size)
    return str(sustainability.METHODS[int(found.method[0])])


def test_energy_is_measured_before_reported_before_modelled() -> None:
    size = ModelSize(8, 8)
    assert method(columns(energy_kwh=1.0, is_measured=1.0, output_tokens=9), size) == "measured"
    assert method(columns(energy_kwh=1.0, output_tokens=9), size) == "reported"
    assert method(columns(output_tokens=9), size) == "modelled"
    assert method(columns(output_tokens=9)) == "unknown"
    assert method(columns(), size) == "unknown"


def test_reported_energy_by_hand() -> None:
    site = default_site("gcp")
    found = sustainability.assess(columns(energy_kwh=0.002, latency_s=36.0), site)
    assert found.energy_kwh.central[0] == pytest.approx(0.002 * 1.09)
    assert found.usage_g.central[0] == pytest.approx(0.002 * 1.09 * 400)
    # 1300 kg over four years, one of 32 cores, 36 s = 0.01 h
    by_hand = 1300 * 1000 * 0.01 / (4 * 8760) / 32
    assert found.embodied_g.central[0] == pytest.approx(by_hand)
    assert found.water_l[0] == pytest.approx(0.002 * (0.999 + 1.09 * 3.142))


def test_energy_that_includes_overhead_is_not_multiplied_again() -> None:
    plain = default_site()
    site = Site(plain.pue, 0.0, 1.0, plain.server, includes_pue=True)
    found = sustainability.assess(columns(energy_kwh=1.2), site)
    assert (found.energy_kwh.low[0], found.energy_kwh.high[0]) == (1.2, 1.2)
    assert found.water_l[0] == pytest.approx(1.2)


def test_the_range_encloses_the_central_value_and_widens_when_modelled() -> None:
    size = ModelSize(70, 70)
    modelled = sustainability.assess(columns(output_tokens=200), default_site(), size)
    for part in (modelled.energy_kwh, modelled.usage_g, modelled.embodied_g):
        assert part.low[0] < part.central[0] < part.high[0]
    sent = float(modelled.energy_kwh.central[0] / 1.2)
    reported = sustainability.assess(columns(energy_kwh=sent), default_site(), size)
    wide = modelled.usage_g.high[0] - modelled.usage_g.low[0]
    assert wide > reported.usage_g.high[0] - reported.usage_g.low[0]


def test_unknown_is_not_zero() -> None:
    found = sustainability.assess(columns(latency_s=1.0), default_site())
    assert np.isnan(found.usage_g.central[0])
    assert np.isnan(found.embodied_g.central[0])
    assert found.usage_g.total() == Spread(0.0, 0.0, 0.0)


def test_energy_grows_with_tokens_and_with_size() -> None:
    tokens = np.array([0.0, 10.0, 100.0, 1000.0])
    small = sustainability.generate(ModelSize(8, 8), tokens).energy_it_kwh
    large = sustainability.generate(ModelSize(70, 70), tokens).energy_it_kwh
    assert small[0] == 0.0
    assert (np.diff(small) > 0).all()
    assert (large[1:] > small[1:]).all()


def test_bad_sizes_and_ragged_columns_are_refused() -> None:
    with pytest.raises(EngineError, match="above 0"):
        sustainability.generate(ModelSize(0, 8), np.array([1.0]))
    ragged = Requests(*(np.zeros(n) for n in (2, 2, 1, 2, 2)))  # type: ignore[arg-type]
    with pytest.raises(EngineError, match="one length"):
        sustainability.assess(ragged, default_site())
