"""The server process as a whole: how it starts its sample fleet and stops."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.serving import free_port

UNCLEAN = ("Traceback", "refused", "is gone", "killed")


def wait_for(is_so: Callable[[], bool], limit_s: float = 120.0) -> None:
    deadline = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
def test_a_hub_stopped_during_the_back_fill_ends_cleanly_and_its_fleet_before_it(
    tmp_path: Path, told: signal.Signals
) -> None:
    url = f"http://127.0.0.1:{(port := free_port())}"
    chosen = {"AIOBS_DATA_DIR": str(tmp_path), "AIOBS_PORT": str(port), "AIOBS_DEMO": "on"}
    log = tmp_path / "hub.log"

    def is_filling() -> bool:
        if "AIOBS on" not in log.read_text():
            return False
        return bool(requests.get(f"{url}/api/models", timeout=30).json()["data"])

    with log.open("w") as written:
        command = [sys.executable, "-m", "app", "serve"]
        hub = subprocess.Popen(
            command, env=os.environ | chosen, stderr=written, start_new_session=True
        )
        try:
            wait_for(is_filling)
            if told is signal.SIGINT:  # Ctrl-C reaches every process of a terminal
                os.killpg(hub.pid, told)
            else:
                hub.send_signal(told)
            assert hub.wait(timeout=60) == 0
        finally:
            hub.kill()
    said = log.read_text()
    assert "closed, process" in said
    assert "inferences of" not in said  # it was stopped in the middle
    assert not [word for word in UNCLEAN if word in said]
