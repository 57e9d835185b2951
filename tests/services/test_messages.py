"""Error messages by template: what is one message, and how often each was written."""

from __future__ import annotations

import numpy as np
import pytest

from connectors.telemetry import Log
from services.messages import SLICE_ROWS, read_messages, template_of
from services.times import MINUTE_MS, Window
from services.workspace import Workspace
from tests.conftest import NOW_MS

MINUTES = np.arange(NOW_MS - 30 * MINUTE_MS, NOW_MS, MINUTE_MS, dtype=np.int64)
WINDOW = Window(NOW_MS - 30 * MINUTE_MS, NOW_MS)


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("order 17 failed after 2.5 s", "order # failed after # s"),
        ("no such key 4e1f2a90-52c1-4d1b-9f7e-8d2b6c1a0f33", "no such key #"),
        ("bad pointer 0x7F3A", "bad pointer #"),
        ("v2 model refused", "v2 model refused"),
    ],
)
def test_variable_parts_of_a_message_do_not_make_it_another(message: str, template: str) -> None:
    assert template_of(Log("1", 0, message)) == template


def line(number: int, minute: int, message: str, level: str = "error", service: str = "a") -> Log:
    at = int(MINUTES[minute]) + number % 60 * 900
    return Log(f"{level}-{minute}-{message}-{number}", at, message, level, service)


def test_a_storm_of_messages_does_not_hide_what_was_written_before_it(
    workspace: Workspace,
) -> None:
    storm = 4 * SLICE_ROWS
    workspace.events.add_logs([line(i, 25, f"late {i}") for i in range(storm)])
    workspace.events.add_logs([line(i, 22, "early") for i in range(3)])
    workspace.events.add_logs([line(i, 7, "crash", "critical") for i in range(2)])
    workspace.events.add_logs([line(i, 7, "fine", "info") for i in range(9)])
    found = {one.template: one.counts.values for one in read_messages(workspace, WINDOW, MINUTES)}
    assert {name: counts.sum() for name, counts in found.items()} == {
        "late #": storm, "early": 3, "crash": 2,
    }  # fmt: skip
    assert (found["late #"][25], found["early"][22], found["crash"][7]) == (storm, 3, 2)
