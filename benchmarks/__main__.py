"""python -m benchmarks [--quick]: runs every benchmark in turn, each in a process of its own.

One that needs data or a program that is not there fails alone; the last line counts them.
`--quick` runs those that take about a minute, with their own quick settings.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
QUICK = ("calibration", "trend", "drift_null", "trust", "pages", "incidents")


def names() -> list[str]:
    """Return every module that runs by itself."""
    found = sorted(path for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    return [path.stem for path in found if 'if __name__ == "__main__"' in path.read_text("utf-8")]


def main() -> int:
    """Run them; 1 when any failed."""
    quick = "--quick" in sys.argv[1:]
    failed = []
    for name in QUICK if quick else names():
        print(f"\n== {name}", flush=True)
        command = [sys.executable, "-m", f"benchmarks.{name}", *(["--quick"] if quick else [])]
        if subprocess.run(command, cwd=FOLDER.parent, check=False).returncode:
            failed.append(name)
    print(f"\n{len(failed)} failed{': ' if failed else ''}{', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
