"""The pinned tables: figures that the facts name, and the order of the search."""

from __future__ import annotations

import pytest

from engines import sustainability
from engines.errors import EngineError

KNOWN = {
    "FRA": 56.0,
    "SWE": 40.7,
    "GBR": 237.6,
    "USA": 369.5,
    "DEU": 381.0,
    "POL": 661.9,
    "IND": 713.4,
}


@pytest.mark.parametrize("zone", sorted(KNOWN))
def test_the_table_holds_the_published_averages_of_2023(zone: str) -> None:
    found = sustainability.look_up(zone)
    assert (found.year, found.source) == (2023, "table")
    assert found.g_per_kwh == pytest.approx(KNOWN[zone], abs=0.1)


def test_every_cloud_region_lies_in_a_zone_of_the_table() -> None:
    table = sustainability.load_table()
    assert set(table["regions"].values()) <= set(table["zones"])
    assert len(table["zones"]) >= 200
    assert all(0 < zone["g_per_kwh"] < 1400 for zone in table["zones"].values())


def test_own_figures_go_before_the_table_and_the_table_before_the_world() -> None:
    own = {"eu-west-1": 10.0, "DEU": 20.0, "*": 30.0}
    assert sustainability.look_up("eu-west-1", own).g_per_kwh == 10.0
    assert sustainability.look_up("eu-central-1", own).g_per_kwh == 20.0
    assert sustainability.look_up("us-east-1", own).g_per_kwh == 30.0
    assert sustainability.look_up("on-premises").g_per_kwh == 475.0


def test_sizes_are_found_by_the_ids_that_people_send() -> None:
    size = sustainability.find_size("meta-llama/Llama-3.1-70B-Instruct")
    assert size is not None
    assert size.active_b == 70
    assert sustainability.find_size("gpt-4o") is None


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(EngineError, match="no operator"):
        sustainability.default_site("somebody")
