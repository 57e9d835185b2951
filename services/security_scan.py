"""Scans new prompts and outputs as they arrive; keeps what was found, never what it says."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import Any, Literal

import msgspec
import numpy as np

from connectors.protocols import InferenceColumns
from connectors.telemetry import Analysis, MetricBatch, Series
from engines import security as engine
from engines.security import Kind, Severity, Signal
from services.identity import permitted
from services.security_events import verdict_of
from services.security_late import ATTACKS, FINDINGS, LEAKED_BOTH, SCANNED, keep_late
from services.times import MINUTE_MS
from services.workspace import Workspace

KIND = "security"
_CURSOR = "security_cursor"
_COLUMNS = ("prompt", "output", "context", "error", "tags", "user_segment")
_SPAN_MS = 60 * MINUTE_MS
_STOPPED = re.compile(
    r"guardrail|content.?(?:filter|policy)|blocked|moderat|(?<!connection )refus"
    r"|(?<!permission )(?<!access )denied",
    re.I,
)
"""Errors by which a guardrail or a policy stopped an answer; not those of networks or files."""

Direction = Literal["prompt", "output"]
Outcome = Literal["blocked", "allowed"]
Origin = Literal["prompt", "context", "model"]


class StoredFinding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One signal in one text. `excerpt` is masked; the value itself is nowhere.

    `outcome` says whether an attack in a prompt was answered; `origin` where a value in an output
    came from: repeated from its prompt, taken from a passage, or neither.
    """

    inference_id: str
    at_ms: int
    model_id: str
    version: str
    direction: Direction
    kind: Kind
    detector: str
    severity: Severity
    confidence: float
    start: int
    end: int
    how: str = "plain"
    outcome: Outcome | None = None
    origin: Origin | None = None
    excerpt: str = ""
    user_segment: str = ""
    is_sample: bool = False


@permitted("analysis:run")
def scan_security(ws: Workspace) -> int:
    """Scan every minute that received inferences since the last call; how many findings it has."""
    record = ws.records.get(_CURSOR, "inferences")
    cursor = int(record.body["cursor"]) if record else 0
    touched, after = ws.events.touched_minutes(cursor)
    minutes: dict[str, set[int]] = {}
    for model_id, minute in touched:
        minutes.setdefault(model_id, set()).add(int(minute))
    found = 0
    for model_id, wanted in minutes.items():
        for start in sorted({minute // _SPAN_MS * _SPAN_MS for minute in wanted}):
            mine = {m for m in wanted if start <= m < start + _SPAN_MS}
            found += _scan_span(ws, model_id, mine)
    if after != cursor:
        ws.records.put(_CURSOR, "inferences", {"cursor": after})
    return found


def _scan_span(ws: Workspace, model_id: str, minutes: set[int]) -> int:
    """Read the minutes of one hour at once; each minute keeps a document and samples of its own."""
    rows = ws.events.inference_columns(
        model_id, min(minutes), max(minutes) + MINUTE_MS, columns=_COLUMNS
    )
    if not any(_texts(rows, name).any() for name in ("prompt", "output")):
        return 0
    remembered: dict[bytes, tuple[Signal, ...]] = {}
    slots = rows.timestamps_ms // MINUTE_MS * MINUTE_MS
    batch: list[tuple[Series, int, float]] = []
    found: dict[int, list[StoredFinding]] = {}
    for minute in sorted(minutes):
        chosen = np.flatnonzero(slots == minute).tolist()
        found[minute] = [f for i in chosen for f in _scan_row(model_id, rows, i, remembered)]
        batch += _samples(model_id, minute, rows, chosen, found[minute])
    keep_late(ws, model_id, _alarming(batch))
    for minute, signals in found.items():
        if signals:
            body = msgspec.json.encode(signals)
            ws.events.put_analysis(Analysis(KIND, model_id, minute, body))
    _append(ws, batch)
    return sum(map(len, found.values()))


def _alarming(batch: list[tuple[Series, int, float]]) -> dict[int, tuple[int, int, int]]:
    """Return prompts, attacks in them and leaks of secrets of each minute, as alerts count them."""
    made: dict[int, tuple[int, int, int]] = {}
    for series, minute, value in batch:
        n, is_prompt = int(value), series.label("direction") == "prompt"
        prompts, attacks, leaks = made.get(minute, (0, 0, 0))
        if series.name == LEAKED_BOTH:
            continue
        if series.name == SCANNED:
            prompts += n if is_prompt else 0
        elif is_prompt:
            attacks += n if series.label("kind") in ATTACKS else 0
        elif series.label("kind") == "secret" and series.label("outcome") != "prompt":
            leaks += n
        made[minute] = prompts, attacks, leaks
    return made


def _texts(rows: InferenceColumns, name: str) -> Any:  # bool array
    column = rows.columns.get(name, ())
    return np.array([isinstance(text, str) and text != "" for text in column], dtype=bool)


def _scan_row(
    model_id: str, rows: InferenceColumns, i: int, remembered: dict[bytes, tuple[Signal, ...]]
) -> list[StoredFinding]:
    row = {name: rows.columns[name][i] for name in _COLUMNS if name in rows.columns}
    tags = row.get("tags") or {}
    made: list[StoredFinding] = []
    for direction in ("prompt", "output"):
        text = row.get(direction)
        if not isinstance(text, str) or not text:
            continue
        signals = _signals(text, remembered)
        given = _given(row) if signals and direction == "output" else None
        for s in signals:
            made.append(
                StoredFinding(
                    inference_id=rows.inference_ids[i], at_ms=int(rows.timestamps_ms[i]),
                    model_id=model_id, version=rows.versions[i] or "", direction=direction,
                    kind=s.kind, detector=s.detector, severity=s.severity,
                    confidence=s.confidence, start=s.start, end=s.end, how=s.how,
                    outcome=_outcome(row) if direction == "prompt" and _is_attack(s) else None,
                    origin=_origin(text[s.start : s.end], *given) if given else None,
                    excerpt=engine.masked_excerpt(text, s, signals),
                    user_segment=row.get("user_segment") or "",
                    is_sample=tags.get("sample") == "true",
                )
            )  # fmt: skip
    return made


def _signals(text: str, remembered: dict[bytes, tuple[Signal, ...]]) -> tuple[Signal, ...]:
    """Scan a text once a run: customers ask the same again and again."""
    key = hashlib.sha256(text.encode()).digest()
    if key not in remembered:
        remembered[key] = engine.scan(text).signals
    return remembered[key]


def _is_attack(signal: Signal) -> bool:
    return signal.kind in ATTACKS


def _outcome(row: dict[str, Any]) -> Outcome:  # cells of every kind
    """An attack was blocked when a guardrail said so, by tag or error, or the answer declines."""
    verdict = verdict_of({"verdict": (row.get("tags") or {}).get("guardrail", "")})
    stopped = verdict == "blocked" or _STOPPED.search(row.get("error") or "") is not None
    return "blocked" if stopped or engine.looks_refused(row.get("output")) else "allowed"


def _given(row: dict[str, Any]) -> tuple[str, list[str]]:  # cells of every kind
    """Return prompt and passages of a row, bare: once for all that its output holds."""
    return _bare(row.get("prompt") or ""), [_bare(str(one)) for one in row.get("context") or ()]


def _origin(value: str, prompt: str, passages: list[str]) -> Origin:
    bare = _bare(value)
    if bare and bare in prompt:
        return "prompt"
    return "context" if any(bare in passage for passage in passages) else "model"


def _bare(text: str) -> str:
    return re.sub(r"[\s().-]", "", text).lower()


def _samples(
    model_id: str,
    minute: int,
    rows: InferenceColumns,
    chosen: list[int],
    found: list[StoredFinding],
) -> list[tuple[Series, int, float]]:
    made: list[tuple[Series, int, float]] = []
    for direction in ("prompt", "output"):
        texts = _texts(rows, direction)
        n = int(texts[chosen].sum()) if len(texts) else 0
        if n:
            labels = {"model_id": model_id, "direction": direction}
            made.append((Series(SCANNED, labels), minute, float(n)))
    # A text with five numbers of one kind is one event of it: rates are of texts. One value that
    # got out makes it a leak, however many others only repeat the prompt.
    ranked = sorted(
        found, key=lambda f: (f.origin != "prompt", engine.SEVERITIES.index(f.severity))
    )
    events = {
        (f.inference_id, f.kind, f.direction): (f.severity, f.outcome or f.origin or "")
        for f in ranked
    }
    counts = Counter(
        (kind, direction, severity, outcome)
        for (_, kind, direction), (severity, outcome) in events.items()
    )
    for (kind, direction, severity, outcome), n in counts.items():
        labels = {
            "model_id": model_id, "kind": kind, "severity": severity, "direction": direction,
            "outcome": outcome,
        }  # fmt: skip
        made.append((Series(FINDINGS, labels), minute, float(n)))
    leaked = {
        kind: {f.inference_id for f in found if f.kind == kind and f.origin in ("context", "model")}
        for kind in ("personal_data", "secret")
    }
    if both := leaked["personal_data"] & leaked["secret"]:
        made.append((Series(LEAKED_BOTH, {"model_id": model_id}), minute, float(len(both))))
    return made


def _append(ws: Workspace, samples: list[tuple[Series, int, float]]) -> None:
    if not samples:
        return
    series = list(dict.fromkeys(s for s, _, _ in samples))
    place = {s: i for i, s in enumerate(series)}
    ws.metrics.append(
        MetricBatch(
            series,
            np.array([place[s] for s, _, _ in samples], dtype=np.int32),
            np.array([at for _, at, _ in samples], dtype=np.int64),
            np.array([value for _, _, value in samples], dtype=np.float64),
        )
    )
