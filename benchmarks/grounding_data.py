"""Labelled groundedness data: which files may train, which family they belong to."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

# File -> task family of its calibration. Evaluation-only files (HaluEval, SAMSum) are not here.
MAY_TRAIN = {
    "begin_cmu": "dialogue",
    "begin_tc": "dialogue",
    "begin_wow": "dialogue",
    "factcheckgpt_stance": "claim",
    "wice": "page",
    "summedits_ectsum": "summary",
    "summedits_news": "summary",
    "summedits_podcast": "summary",
    "summedits_sales_call": "summary",
    "summedits_scitldr": "summary",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled output; label 1 = not fully supported."""

    dataset: str
    context: str
    output: str
    label: int
    group: str
    spans: tuple[tuple[int, int], ...] = ()


def folder() -> Path | None:
    """The groundedness folder of the public data, or None when it is not on this machine."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    path = Path(os.environ.get("AIOBS_BENCH_DATA", default)) / "groundedness"
    return path if path.is_dir() else None


def read(dataset: str) -> list[Row]:
    """Rows of one file, repeated (context, output) pairs dropped, conflicting labels too."""
    path = folder()
    if path is None:
        raise SystemExit("no groundedness data: set AIOBS_BENCH_DATA to its folder")
    rows: dict[tuple[str, str], Row | None] = {}
    with (path / f"{dataset}.jsonl").open(encoding="utf-8") as lines:
        for line in lines:
            raw = json.loads(line)
            spans = tuple((s["start"], s["end"]) for s in raw.get("spans", ()))
            key = (raw["context"], raw["output"])
            row = Row(dataset, *key, raw["label"], raw["group"], spans)
            seen = rows.get(key, row)
            rows[key] = row if seen is not None and seen.label == row.label else None
    return [row for row in rows.values() if row is not None]
