"""Files a reader takes away: CSV that cannot trick a spreadsheet, and JSON, with their facts."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

_NUMBER = re.compile(r"[-+]?\d[\d.,]*(e[-+]?\d+)?%?", re.IGNORECASE)
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guarded(value: object) -> str:
    """Return a cell's text; one that a spreadsheet would run as a formula gets a quote in front.

    >>> guarded("=HYPERLINK(1)"), guarded(-1.5), guarded(None)
    ("'=HYPERLINK(1)", '-1.5', '')
    """
    text = "" if value is None else str(value)
    if text.startswith(_RISKY) and not _NUMBER.fullmatch(text):
        return f"'{text}"
    return text


def to_csv(
    header: Sequence[str], rows: Sequence[Sequence[object]], *, facts: Mapping[str, object]
) -> str:
    """Return RFC 4180 text with a byte order mark; `facts` (filters, window) lead as comments."""
    out = io.StringIO()
    out.write("\ufeff")
    head = csv.writer(out)
    for name, value in facts.items():
        head.writerow([f"# {name}: {' '.join(str(value).split())}"])
    # Some spreadsheets cut lines at semicolons: within quotes no formula can start after the cut.
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow([guarded(name) for name in header])
    writer.writerows([[guarded(cell) for cell in row] for row in rows])
    return out.getvalue()


def to_json(data: Any, *, facts: Mapping[str, object]) -> bytes:
    """Return the data with its facts as indented JSON."""
    return msgspec.json.format(msgspec.json.encode({"facts": dict(facts), "data": data}), indent=1)


def facts(title: str, window: str, filters: Mapping[str, str], now_ms: int) -> dict[str, object]:
    """Return what every file says about itself."""
    return {
        "title": title,
        "window": window,
        "filters": {name: value for name, value in filters.items() if value},
        "exported_at": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="seconds"),
    }
