"""How old the evidence of the controls is."""

from __future__ import annotations

from typing import Any

from components.tables import meter, meters
from engines.compliance import AgeBand
from engines.result import Insufficient
from i18n import number
from pages.compliance_words import span, words
from services.compliance import Compliance


def ages_of(found: Compliance) -> Any:
    """Return how many controls have evidence of which age, one bar a band."""
    total = len(found.controls)
    dated = sum(band.in_date + band.too_old for band in found.ages)
    if not dated:
        return Insufficient(words("age_none"))
    edges = [span(band.below_ms) for band in found.ages if band.below_ms is not None]
    labels = [*(f"< {edge}" for edge in edges), f"≥ {edges[-1]}"]
    rows = [_bar(label, b, total) for label, b in zip(labels, found.ages, strict=True)]
    none = total - dated
    return meters([*rows, meter(words("age_none"), none / total, number(none), status="none")])


def _bar(label: str, band: AgeBand, total: int) -> list[Any]:
    n = band.in_date + band.too_old
    shown = number(n)
    if band.too_old:
        shown = f"{shown} · {words('n_too_old', n=band.too_old)}"
    return meter(label, n / total, shown, status="warn" if band.too_old else "good")
