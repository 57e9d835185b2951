"""One Chromium and one gallery for all browser tests; skipped where Chromium is not installed."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).parent))

import browser as chrome  # the folder of this file holds it


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)
        if not chrome.CHROMIUM.exists():
            item.add_marker(pytest.mark.skip(reason=f"{chrome.CHROMIUM} is not installed"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with chrome.browser() as started:
        yield started


@pytest.fixture(scope="session")
def gallery() -> Iterator[str]:
    """The address of the component gallery."""
    import gallery as page

    server = make_server("127.0.0.1", 0, page.create().server, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
