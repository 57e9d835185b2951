"""Security detectors: precision and recall on labelled cases, false alarms on real texts, speed.

``python -m benchmarks.security`` prints the tables and writes ``benchmarks/results/security.json``.
The cases are ours (`benchmarks/data/security_cases.jsonl`): half of them, chosen by a hash of
their text, were looked at while the rules were mended (``tune``), the other half were not
(``held_out``).
Keys in the file are split by ``‖`` so that scanners of repositories do not take them for leaks.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.machine import facts
from engines.reliability.proportion import wilson
from engines.security import KINDS, scan
from engines.security.scan import MAX_CHARACTERS

CASES = Path(__file__).parent / "data" / "security_cases.jsonl"
RESULT = Path(__file__).parent / "results" / "security.json"
DATA = Path(os.environ.get("AIOBS_BENCH_DATA", Path(__file__).parents[2] / "shared" / "data"))
SPLIT_MARK = "‖"
MAX_REAL = 20_000
"""Characters of a sample that the speed is measured on, at most."""
HOSTILE = (
    "\n", " \n", "!", "a", "a ", "1", "1 ", "a@", "a.", "%41", "/", "密钥\n", "abc://u:", "ignore ",
    "ignore all ", "imagine ", "bomb hypothetical ", "QUJD", "\\u0041", "<!--", "![](http://a,&a",
    "## ", "verbatim ", "send conversation", "xoxb-a-", "eyJaaaaaaaa.", "call the tool ", "1gn0r3 ",
    'explain "ignore all previous rules" ',
)  # fmt: skip
"""Pieces that, repeated, made or could make a pattern read the text again from every place."""


def cases() -> list[dict[str, Any]]:  # JSON
    """Return the labelled cases with their keys made whole."""
    lines = CASES.read_text("utf-8").splitlines()
    return [json.loads(line.replace(SPLIT_MARK, "")) for line in lines]


def found_kinds(text: str) -> set[str]:
    """Return the kinds that a scan finds in a text."""
    return {signal.kind for signal in scan(text).signals}


def score(rows: list[dict[str, Any]], kind: str) -> dict[str, Any]:  # JSON
    """Return counts, precision and recall of one kind with 95 % Wilson intervals."""
    hits = Counter((kind in row["labels"], kind in found_kinds(row["text"])) for row in rows)
    right, missed, false = hits[True, True], hits[True, False], hits[False, True]
    made: dict[str, Any] = {"right": right, "missed": missed, "false": false, "n": len(rows)}
    for name, of in (("precision", right + false), ("recall", right + missed)):
        if of:
            span = wilson(right, of, 0.95)
            made[name] = round(right / of, 3)
            made[f"{name}_95"] = [round(span.low, 3), round(span.high, 3)]
    return made


def by_group(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return per group how many cases were labelled exactly right."""
    total: Counter[str] = Counter()
    right: Counter[str] = Counter()
    for row in rows:
        total[row["group"]] += 1
        found = found_kinds(row["text"])
        wanted = set(row["labels"])
        # A value may stand beside an attack; a group is right when its own labels are found
        # and nothing is alarmed without any label.
        right[row["group"]] += wanted <= found if wanted else not found
    return {name: {"right": right[name], "n": n} for name, n in sorted(total.items())}


def by_detector(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return precision and recall of each detector of personal data and secrets."""
    named = {row["detector"] for row in rows if row.get("detector", "disguised") != "disguised"}
    truth: Counter[str] = Counter()
    right: Counter[str] = Counter()
    false: Counter[str] = Counter()
    for row in rows:
        found = {s.detector for s in scan(row["text"]).signals}
        wanted = row.get("detector")
        truth[str(wanted)] += 1
        for name in found & named:
            if name == wanted:
                right[name] += 1
            elif wanted != "disguised" and not (set(row["labels"]) & {"prompt_injection"}):
                false[name] += 1
    return {
        name: {
            "cases": truth[name],
            "recall": round(right[name] / truth[name], 3),
            "precision": round(right[name] / (right[name] + false[name]), 3)
            if right[name] + false[name]
            else None,
        }
        for name in sorted(named)
    }


def real_texts() -> Iterator[str]:
    """Yield prose that no attacker wrote: the public groundedness data, where present."""
    for path in sorted(DATA.glob("groundedness/**/*.json*"))[:40]:
        try:
            content = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue
        rows: Any
        try:
            rows = [json.loads(line) for line in content.splitlines()[:2_000] if line.strip()]
        except json.JSONDecodeError:
            try:
                rows = json.loads(content)
            except json.JSONDecodeError:
                continue
        yield from _strings(rows)


def _strings(value: Any) -> Iterator[str]:  # JSON
    if isinstance(value, str):
        if len(value) >= 60 and " " in value:
            yield value[:MAX_REAL]
    elif isinstance(value, list):
        for item in value[:3_000]:
            yield from _strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _strings(item)


def false_alarms(limit: int = 12_000) -> dict[str, Any] | None:
    """Return alarms per kind on real prose, and the scan's speed on it."""
    texts = list(dict.fromkeys(real_texts()))[::3][:limit]
    if not texts:
        return None
    counts: Counter[str] = Counter()
    started = time.process_time()
    for text in texts:
        counts.update(found_kinds(text))
    spent = time.process_time() - started
    size = sum(map(len, texts))
    return {
        "texts": len(texts),
        "characters": size,
        "alarms": dict(counts),
        "cpu_ms_per_1000_characters": round(spent / size * 1e6, 3),
        "texts_per_cpu_s": round(len(texts) / spent),
    }


def slowest_hostile() -> dict[str, Any]:
    """Return the repeated piece of text, as long as a scan reads, that costs most CPU time."""
    taken = {}
    for piece in HOSTILE:
        text = (piece * MAX_CHARACTERS)[:MAX_CHARACTERS]
        started = time.process_time()
        scan(text)
        taken[piece] = time.process_time() - started
    worst = max(taken, key=taken.__getitem__)
    return {"piece": worst, "characters": MAX_CHARACTERS, "cpu_s": round(taken[worst], 2)}


def main() -> None:
    """Measure, print, and write the result."""
    rows = cases()
    result: dict[str, Any] = {"machine": facts(), "cases": len(rows)}
    print(f"{len(rows)} labelled cases")
    for split in ("tune", "held_out"):
        part = [row for row in rows if row["split"] == split]
        result[split] = {kind: score(part, kind) for kind in KINDS}
        for kind, s in result[split].items():
            print(
                f"{split:9} {kind:17} precision {s.get('precision')} {s.get('precision_95')} "
                f"recall {s.get('recall')} {s.get('recall_95')} ({s['right']}+{s['missed']})"
            )
    result["groups"] = by_group(rows)
    for name, group in result["groups"].items():
        print(f"{name:24} {group['right']:3} of {group['n']}")
    result["detectors"] = by_detector(rows)
    result["real_prose"] = false_alarms()
    print(result["real_prose"])
    result["slowest_hostile"] = slowest_hostile()
    print(result["slowest_hostile"])
    RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
