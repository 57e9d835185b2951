"""Facts of the machine that a measurement was taken on."""

from __future__ import annotations

import os
import platform
import sys


def facts() -> dict[str, str | int]:
    """Processor, cores, operating system and Python; no names of hosts or people."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.machine()}",
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            found = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    except OSError:
        found = []
    return found[0] if found else platform.processor()
