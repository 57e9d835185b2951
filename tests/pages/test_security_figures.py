"""Key figures of the security page: nothing read is no zero, and a model has no doors."""

from __future__ import annotations

from components.still import still
from connectors.telemetry import Inference
from pages.security_panels import figures
from services.access import Knock, record_access
from services.security import get_security
from services.security_scan import scan_security
from services.times import HOUR_MS, MINUTE_MS, Window
from services.workspace import Workspace
from tests.conftest import NOW_MS

WINDOW = Window(NOW_MS - HOUR_MS, NOW_MS + HOUR_MS)
SEEN = ("refused", "injection", "jailbreak", "leaks", "personal")


def shown(ws: Workspace) -> dict[str, str]:
    found = figures(get_security(ws, WINDOW))
    return {name: str(still(found[name]).to_plotly_json()) for name in SEEN}


def test_figures_are_missing_until_something_was_seen(workspace: Workspace) -> None:
    assert all("kpi-none" in one for one in shown(workspace).values())
    rows = [
        Inference(f"i{i}", "bot", NOW_MS - i * MINUTE_MS, "1", prompt="Hello", output="Hi")
        for i in range(40)
    ]
    workspace.events.add_inferences(rows)
    scan_security(workspace)
    record_access(workspace, {Knock("k", 200, "answered"): 9}, NOW_MS - MINUTE_MS)
    assert not any("kpi-none" in one for one in shown(workspace).values())
    assert "0 of 40" in shown(workspace)["injection"]


def test_the_risk_of_one_model_leaves_the_doors_of_the_hub_out(workspace: Workspace) -> None:
    rows = [
        Inference(f"i{i}", "bot", NOW_MS - i * MINUTE_MS, "1", prompt="Hello", output="Hi")
        for i in range(40)
    ]
    workspace.events.add_inferences(rows)
    scan_security(workspace)
    record_access(workspace, {Knock("k", 401, "wrong_secret"): 90}, NOW_MS - MINUTE_MS)
    every = get_security(workspace, WINDOW).risk
    one = get_security(workspace, WINDOW, model_id="bot").risk
    assert every is not None and one is not None
    assert every.score > 0.4
    assert (one.score, one.missing) == (0.0, ("denied_access",))
