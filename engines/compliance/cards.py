"""Model cards: when one is due for review, and the document that it makes."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from engines.compliance.catalogue import DAY_MS
from engines.errors import EngineError

CardStatus = Literal["missing", "current", "due", "outdated", "overdue"]
NOTICE_MS = 30 * DAY_MS
"""A review is called due this long before its day, or half of its period where that is shorter."""
SECTIONS = (
    "Model Details", "Intended Use", "Factors", "Metrics", "Evaluation Data", "Training Data",
    "Quantitative Analyses", "Ethical Considerations", "Caveats and Recommendations",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CardState:
    """Where a card stands; `due_at_ms` is when its next review is due, None without a card."""

    status: CardStatus
    due_at_ms: int | None = None


def card_state(
    reviewed_at_ms: int | None, review_days: int, now_ms: int, *, changed_at_ms: int | None = None
) -> CardState:
    """Return whether a card is missing, current, due, outdated or overdue.

    Parameters
    ----------
    reviewed_at_ms : int or None
        When a person last reviewed it, epoch milliseconds; None where there is no card.
    review_days : int
        Days that a review holds, at least 1.
    now_ms : int
        The time to judge at.
    changed_at_ms : int, optional
        When a version of the model was first seen that is newer than all others.

    Returns
    -------
    CardState
        ``overdue`` from the end of the period on, ``outdated`` when the model changed after the
        review, ``due`` in the last 30 days of the period (or its last half).

    Raises
    ------
    EngineError
        When `review_days` is below 1.

    Notes
    -----
    A card describes one version: Regulation (EU) 2024/1689 (AI Act), Art. 11(1) asks that technical
    documentation is kept up to date, so a new version asks for a review whatever the period.

    Examples
    --------
    >>> card_state(0, 365, 340 * DAY_MS).status, card_state(0, 365, 365 * DAY_MS).status
    ('due', 'overdue')
    >>> card_state(0, 365, DAY_MS, changed_at_ms=DAY_MS).status
    'outdated'
    """
    if review_days < 1:
        raise EngineError(f"a review holds at least 1 day, got {review_days}")
    if reviewed_at_ms is None:
        return CardState("missing")
    due_ms = reviewed_at_ms + review_days * DAY_MS
    if now_ms >= due_ms:
        return CardState("overdue", due_ms)
    if changed_at_ms is not None and changed_at_ms > reviewed_at_ms:
        return CardState("outdated", due_ms)
    notice_ms = min(NOTICE_MS, review_days * DAY_MS // 2)
    return CardState("due" if now_ms >= due_ms - notice_ms else "current", due_ms)


def write_markdown(title: str, sections: Mapping[str, Sequence[tuple[str, str]]]) -> str:
    """Return a model card as Markdown, with every section of Mitchell et al. in their order.

    Parameters
    ----------
    title : str
        Name of the model.
    sections : mapping of str to sequence of (label, text)
        By name of section; a section without entries says that nothing is on record.

    Returns
    -------
    str
        Texts are escaped, so that no markup of theirs survives; each stands on one line.

    References
    ----------
    Mitchell, M. et al. (2019). Model Cards for Model Reporting. FAT* 2019, 220-229.
    doi:10.1145/3287560.3287596

    Examples
    --------
    >>> write_markdown("m", {"Intended Use": [("Purpose", "triage")]}).splitlines()[6:9]
    ['## Intended Use', '', '- **Purpose**: triage']
    """
    lines = [f"# Model card: {_plain(title)}", ""]
    for name in SECTIONS:
        rows = [(label, text) for label, text in sections.get(name, ()) if text]
        lines += [f"## {name}", ""]
        lines += [f"- **{_plain(k)}**: {_plain(v)}" for k, v in rows] or ["Nothing on record."]
        lines.append("")
    return "\n".join(lines)


def _plain(text: str) -> str:
    one_line = " ".join(text.split())
    for sign in "\\`*_[]|#":
        one_line = one_line.replace(sign, f"\\{sign}")
    return html.escape(one_line, quote=False)
