"""What the sample company's scanner found: three images, scanned every third day.

Ids and components are invented and say so (`SAMPLE-2026-0001`). Which case lives from when to when
follows from the number of its period alone, so a restarted fleet goes on with the same story.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from app.demo.hub import Hub, HubError

PERIOD_S = 3 * 86_400
PERIODS = 30
IMAGES = ("sample/assistant", "sample/inference-api", "sample/batch-scoring")
SOURCE = "sample-scanner"
_ROUTE = "/api/security/vulnerabilities"
_COMPONENTS = ("tokenizer", "http-parser", "image-codec", "yaml-reader", "vector-index", "tls-shim")
_WHAT = (
    "Out-of-bounds read", "Unbounded memory use", "Path traversal", "Weak comparison of signatures",
    "Request smuggling", "Unsafe deserialisation",
)  # fmt: skip
_GRADES = (("critical", 9.0, 9.9), ("high", 7.0, 8.9), ("medium", 4.0, 6.9), ("low", 1.0, 3.9))
_CHANCES = (0.07, 0.25, 0.45, 0.23)
_LIVES = (3.0, 7.0, 13.0, 22.0)
"""Mean life in periods: the worse ones are fixed sooner, and not all of them in time."""
_BIRTHS = 0.9
_DISMISSED = 0.08

Document = dict[str, Any]  # JSON


def send_scans(hub: Hub, now_s: float) -> None:
    """Send the scans that the hub does not know yet, oldest first."""
    last = int(now_s // PERIOD_S)
    try:
        known = {
            one["subject"]: one["scanned_at_ms"] / 1_000
            for one in hub.get(f"{_ROUTE}/summary")["systems"]
            if one["source"] == SOURCE
        }
        for image in IMAGES:
            for period in range(last - PERIODS, last + 1):
                if period * PERIOD_S > known.get(image, -1.0):
                    hub.post(f"{_ROUTE}?source={SOURCE}", scan_of(image, period))
    except HubError as error:  # a key that may only send
        print(f"sample fleet: no scans: {error}", file=sys.stderr)


def scan_of(image: str, period: int) -> Document:
    """Return the scan of an image in a period, as CycloneDX."""
    found = [case for born in range(period - 100, period + 1) for case in _born(image, born)]
    alive = [case for case in found if case["until"] > period]
    when = np.datetime_as_string(np.datetime64(period * PERIOD_S, "s"), unit="s")
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "metadata": {
            "timestamp": f"{when}Z",
            "component": {"type": "container", "name": image},
            "properties": [{"name": "sample", "value": "true"}],
        },
        "components": [
            {"type": "library", "bom-ref": name, "name": name, "version": "1.4.0",
             "purl": f"pkg:generic/sample/{name}@1.4.0"}
            for name in _COMPONENTS
        ],
        "vulnerabilities": [case["vulnerability"] for case in alive],
    }  # fmt: skip


def _born(image: str, period: int) -> list[Document]:
    rng = np.random.default_rng([IMAGES.index(image), period])
    year = np.datetime_as_string(np.datetime64(period * PERIOD_S, "s"), unit="Y")
    made = []
    for i in range(int(rng.poisson(_BIRTHS))):
        grade = int(rng.choice(len(_GRADES), p=_CHANCES))
        word, low, high = _GRADES[grade]
        number = period * 30 % 9_000 + IMAGES.index(image) * 10 + i
        case: Document = {
            "id": f"SAMPLE-{year}-{number:04d}",
            "ratings": [
                {"method": "CVSSv31", "score": round(float(rng.uniform(low, high)), 1),
                 "severity": word}
            ],
            "affects": [{"ref": _COMPONENTS[int(rng.integers(len(_COMPONENTS)))]}],
            "description": f"{_WHAT[int(rng.integers(len(_WHAT)))]} (invented for the sample)",
        }  # fmt: skip
        if rng.random() < _DISMISSED:
            case["analysis"] = {"state": "not_affected"}
        life = float(rng.exponential(_LIVES[grade]))
        made.append({"until": period + 1 + life, "vulnerability": case})
    return made
