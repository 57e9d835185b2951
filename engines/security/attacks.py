"""Prompt injection and jailbreak attempts: wordings found in any reading of a text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from engines.security.phrases import RULES, Rule
from engines.security.result import Kind, Signal
from engines.security.views import View

THRESHOLD = 0.5
"""A text is an attack when it is more likely one than not."""
MENTION = 0.35
"""What is left of a weight when the wording is talked about instead of used."""
MAX_MATCHES = 20
"""Matches of one rule that are looked at: one that is talked about must not hide one that is meant,
and each look reads the whole text."""
DISGUISE = 0.4
"""Probability that a disguise is an attack by itself, once an attack's wording is under it."""

_DISGUISES = frozenset("invisible look_alikes spaced leet rot13 reversed base64 shuffled".split())
_TALK = re.compile(
    r"\b(?:prompt[- ]injections?|injection attacks?|jail ?break(?:s|ing)?(?: attempts?| attacks?| prompts?)?"
    r"|attack(?:er)?s?|adversarial|red[- ]team\w*|detect(?:s|or|ors|ion|ing)?|classifier|defend\w*|prevent\w*|mitigat\w*"
    r"|block(?:s|ed|ing)?|flag(?:s|ged|ging)?|example of|phrases?|such as|what does|what is|explain|why do|how do (?:we|you|i)"
    r"|article|paper|blog|news|course|training|wikipedia|policy|lawsuit|owasp|security team|word(?:ing)?s? like|spam|mean(?:s|ing)?"
    r"|test cases?|unit tests?|researchers?|report(?:ed|s)?|log(?:s|ged)?|translate the (?:sentence|phrase))\b"
    r"|注入攻击|提示注入|プロンプトインジェクション|프롬프트 인젝션|حقن الأوامر|injection de prompt|inyección de prompt",
    re.IGNORECASE,
)  # fmt: skip
_QUOTES = re.compile(r"[\"“”„«»「」『』‘`]|(?<!\w)['’]|['’](?!\w)")
"""Quotation marks; an apostrophe inside a word is none."""


def find_attacks(readings: Sequence[View]) -> list[Signal]:
    """Return the injection and jailbreak signals of a text's readings.

    Parameters
    ----------
    readings : sequence of View
        From `engines.security.views.views`; the first is the text as it reads.

    Returns
    -------
    list of Signal
        One per detector that fired, all with the confidence of their kind.

    Notes
    -----
    Confidence of a kind is ``1 - prod(1 - w)`` over the wordings found, one per detector: the noisy
    or of independent hints (Pearl 1988). A wording that is quoted in a text about attacks counts
    `MENTION` of its weight; under a disguise nobody talks about it, and the disguise is a hint.
    What breaks it: an attack in words that no rule holds; see docs/methods/security.md.
    """
    best: dict[tuple[Kind, str], tuple[float, Signal]] = {}
    disguised: set[Kind] = set()
    for view in readings:
        for rule, match, credit in _hits(view):
            weight = rule.weight * credit
            start, end = view.place(match.start(), match.end())
            signal = Signal(rule.kind, rule.detector, rule.severity, start, end, weight, view.how)
            key = (rule.kind, rule.detector)
            if key not in best or weight > best[key][0]:
                best[key] = (weight, signal)
            if view.how in _DISGUISES:
                disguised.add(rule.kind)
    return [
        Signal(s.kind, s.detector, s.severity, s.start, s.end, round(total, 4), s.how)
        for kind in ("prompt_injection", "jailbreak")
        if (total := _combined(best, kind, kind in disguised)) >= THRESHOLD
        for (found, _), (_, s) in best.items()
        if found == kind
    ]


def _hits(view: View) -> Iterable[tuple[Rule, re.Match[str], float]]:
    """Yield each rule's first match that counts in full, else its first one."""
    for rule in RULES:
        first: tuple[re.Match[str], float] | None = None
        for match in islice(rule.pattern.finditer(view.text), MAX_MATCHES):
            credit = _credit(view, match)
            if first is None or credit == 1.0:
                first = match, credit
            if credit == 1.0:
                break
        if first is not None:
            yield rule, *first


def _credit(view: View, match: re.Match[str]) -> float:
    if view.how not in ("plain", "percent", "escapes"):
        return 1.0
    outside = view.text[: match.start()] + " " + view.text[match.end() :]
    if _TALK.search(outside) is None:
        return 1.0
    return MENTION if _is_quoted(view.text, match) or _is_asked(view.text, match) else 1.0


def _is_quoted(text: str, match: re.Match[str]) -> bool:
    before, after = text[: match.start()], text[match.end() :]
    opened = len(_QUOTES.findall(before)) % 2 == 1 or _QUOTES.search(before[-30:]) is not None
    return opened and _QUOTES.search(after) is not None


def _is_asked(text: str, match: re.Match[str]) -> bool:
    """Whether the wording stands in a question that opens the text, not after it."""
    asked = re.match(r"\W*(?:what|why|how|explain|describe|can you explain|is)\b", text, re.I)
    return asked is not None and re.search(r"[.!?]\s", text[: match.start()]) is None


def _combined(
    best: dict[tuple[Kind, str], tuple[float, Signal]], kind: Kind, is_disguised: bool
) -> float:
    miss = 1.0 - DISGUISE if is_disguised else 1.0
    weights = [weight for (found, _), (weight, _) in best.items() if found == kind]
    if not weights:
        return 0.0
    for weight in weights:
        miss *= 1.0 - weight
    return 1.0 - miss
