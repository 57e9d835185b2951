"""Marked text: which parts of an output its context supports, and why a part is doubted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal
from unicodedata import bidirectional

from dash import html

from components.icons import icon
from i18n import number, t

Verdict = Literal["supported", "unsupported", "undecided"]
_ICON: dict[str, str] = {
    "supported": "check-lg",
    "unsupported": "x-lg",
    "undecided": "question-lg",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text by character positions, with its verdict and the reason."""

    start: int
    end: int
    verdict: Verdict
    reason: str = ""


def marked_text(text: str, spans: Sequence[Span], *, language: str | None = None) -> html.Div:
    """Return the text with its spans marked by icon, line and colour; reasons follow as notes,
    those of supported spans folded.

    Spans that overlap an earlier one are cut to what is left; the text outside spans stays plain.
    """
    parts: list[Any] = []
    notes: dict[bool, list[Any]] = {False: [], True: []}  # of supported parts or not
    at = 0
    for span in sorted(spans, key=lambda s: (s.start, -s.end)):
        start, end = max(at, span.start), min(len(text), span.end)
        if start >= end:
            continue
        if at < start:
            parts.append(text[at:start])
        parts.append(_mark(text[start:end], span))
        if span.reason:
            notes[span.verdict == "supported"].append(
                html.Li(
                    [
                        html.Q(_short(text[start:end]), className="notranslate", dir="auto"),
                        " ",
                        span.reason,
                    ]
                )
            )
        at = end
    parts.append(text[at:])
    # Data in a language of its own: no screen reader or translator may take it for ours.
    body = html.P(parts, dir=_direction(text), lang=language or "", className="notranslate")
    return html.Div([body, _notes(notes[False]), _on_demand(notes[True])], className="marked")


def _notes(notes: list[Any]) -> html.Ul | None:
    return html.Ul(notes, className="mark-notes") if notes else None


def _on_demand(notes: list[Any]) -> html.Details | None:
    """Return the notes on supported parts: there for who looks, out of the way of doubts."""
    if not notes:
        return None
    head = html.Summary(f"{t('panel.supported')} ({number(len(notes))})")
    return html.Details([head, _notes(notes)], className="mark-more")


def _direction(text: str) -> str:
    """Return the direction of a text's first letter; `auto` would see words hidden in a mark."""
    strong = (bidirectional(letter) for letter in text)
    first = next((kind for kind in strong if kind in ("L", "R", "AL")), "L")
    return "ltr" if first == "L" else "rtl"


def mark_legend() -> html.Div:
    """Return what the three marks mean."""
    return html.Div(
        [
            html.Span(
                [icon(_ICON[verdict]), " ", t(f"panel.{verdict}")], className=f"mark-{verdict}"
            )
            for verdict in ("supported", "unsupported", "undecided")
        ],
        className="mark-legend",
    )


def _mark(words: str, span: Span) -> html.Mark:
    label = t(f"panel.{span.verdict}")
    return html.Mark(
        [
            icon(_ICON[span.verdict]),
            html.Span(f"{label}: ", className="visually-hidden"),
            words,
        ],
        className=f"mark-{span.verdict}",
        title=f"{label}. {span.reason}" if span.reason else label,
    )


def _short(words: str, limit: int = 80) -> str:
    words = " ".join(words.split())
    return words if len(words) <= limit else f"{words[: limit - 1]}…"
