"""What the simulation studies share: rows with a target, printed as a table and kept as JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import facts

RESULTS = Path(__file__).resolve().parent / "results"


@dataclass(frozen=True)
class Row:
    """One measured number, the range it must lie in, and how many repetitions stand behind it."""

    case: str
    measured: float
    low: float | None = None
    high: float | None = None
    repetitions: int = 1

    @property
    def is_met(self) -> bool | None:
        if self.low is None and self.high is None:
            return None
        above = self.low is None or self.measured >= self.low
        return above and (self.high is None or self.measured <= self.high)


def run(name: str, claim: str, measure: Callable[[], list[Row]], *, in_part: bool = False) -> None:
    """Measure, print the table and write `benchmarks/results/<name>.json`; rows that were measured
    `in_part` take the place of those of the same case, and the others stay."""
    start = time.process_time()
    rows = measure()
    cpu_s = time.process_time() - start
    print(f"{claim}\n")
    print(f"{'case':<62}{'measured':>10}{'target':>18}{'reps':>7}  met")
    for row in rows:
        verdict = {None: "", True: "yes", False: "NO"}[row.is_met]
        print(
            f"{row.case:<62}{row.measured:>10.4f}{_target(row):>18}{row.repetitions:>7}  {verdict}"
        )
    print(f"\n{cpu_s:.0f} CPU s")
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    measured = [asdict(row) | {"is_met": row.is_met} for row in rows]
    document = {"claim": claim, "machine": facts(), "cpu_s": round(cpu_s, 1), "rows": measured}
    if in_part and path.exists():
        before = json.loads(path.read_text(encoding="utf-8"))
        document["cpu_s"] = before["cpu_s"]  # of the whole
        document["rows"] = merged(before["rows"], measured)
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def merged(
    before: list[dict[str, Any]], measured: list[dict[str, Any]]
) -> list[dict[str, Any]]:  # JSON
    """Return the rows of before with those measured anew in their places, new cases at the end."""
    return list({row["case"]: row for row in before + measured}.values())


def _target(row: Row) -> str:
    if row.low is None and row.high is None:
        return ""
    if row.low is None:
        return f"<= {row.high:g}"
    if row.high is None:
        return f">= {row.low:g}"
    return f"{row.low:g} to {row.high:g}"
