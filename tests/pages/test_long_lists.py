"""Long lists: only the rows that a page shows are made, and the rest is counted."""

from __future__ import annotations

from typing import Any

import pytest
from dash.development.base_component import Component

from components.paging import PAGE
from pages import data_fleet, settings_lists
from pages.explore_parts import Asked
from services.data_health import DataHealth
from services.workspace import Workspace, in_workspace
from tests.services.conftest import Send, scored_rows, send

__all__ = ["send"]  # a fixture
MODELS = 130


def rows_of(node: Any) -> int:
    """How many rows the bodies of the tables under a node have."""
    if isinstance(node, list | tuple):
        return sum(rows_of(child) for child in node)
    if not isinstance(node, Component):
        return 0
    here = len(node.children) if type(node).__name__ == "Tbody" else 0
    return here + rows_of(getattr(node, "children", None))


def test_the_fleet_of_data_health_shows_its_first_and_counts_the_rest() -> None:
    rows = [
        DataHealth(f"m{k}", f"m{k}", 1.0, 0, None, "no_evidence", 0, None) for k in range(MODELS)
    ]
    shown = data_fleet.fleet_table(rows)
    assert rows_of(shown) == data_fleet.MAX_ROWS
    assert str(MODELS - data_fleet.MAX_ROWS) in shown.children[-1].children


@pytest.mark.parametrize(("asked", "first"), [("", "m000"), ("models=2", f"m{PAGE:03d}")])
def test_settings_show_a_page_of_models(
    workspace: Workspace, send: Send, asked: str, first: str
) -> None:
    rows = [row for k in range(MODELS) for row in scored_rows(f"m{k:03d}", count=1, seed=k)]
    send([row | {"inference_id": f"i{k}"} for k, row in enumerate(rows)])
    with in_workspace(workspace):
        shown = settings_lists.models(workspace, Asked(asked))
    assert rows_of(shown) == PAGE
    assert first in str(shown) and str(MODELS) in str(shown)
