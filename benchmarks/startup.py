"""From start to a full Unified page with the sample fleet, then the cost of keeping it live."""

from __future__ import annotations

import json
import time

from benchmarks import hub
from benchmarks.study import Row, run

FLEET = 8
LIVE_S = 60.0


def measure() -> list[Row]:
    """Return start-up, time to a full page, live CPU and memory."""
    with hub.running(demo="on") as server:
        first = server.wait()
        started = time.perf_counter()
        while not _is_full(server):
            if time.perf_counter() - started > 300:
                raise TimeoutError("the fleet was not complete within 300 s")
            time.sleep(1)
        full = first + time.perf_counter() - started
        time.sleep(20)  # the first refresh of everything is over
        cpu, at = server.cpu_s(), time.perf_counter()
        time.sleep(LIVE_S)
        share = (server.cpu_s() - cpu) / (time.perf_counter() - at)
        memory = server.memory_mb()
    return [
        Row("start to the first answered request, s", first, high=4),
        Row("start to a full Unified page, 24 h of 8 models, s", full, high=60),
        Row("share of one core with the fleet live", share, high=0.10),
        Row("resident memory of the hub, MB", memory, high=500),
    ]


def _is_full(server: hub.Hub) -> bool:
    status, body = server.request("GET", "/api/dashboard/overview")
    if status != 200:
        return False
    models = json.loads(body)["data"]["models"]
    return len(models) >= FLEET and all(m["trust"] is not None for m in models)


if __name__ == "__main__":
    run("startup", "From start to a full page, and the cost of a live fleet", measure)
