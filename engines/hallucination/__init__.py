"""Hallucination: is an output supported by its context, sentence by sentence, and why not.

Front function: `detect`. The always-on checks are listed in `RULES`, the combiner's inputs in
`FEATURES`. See docs/methods/hallucination.md for formulas, training data and measured tables.

Examples
--------
>>> from engines.hallucination import detect
>>> result = detect("The moon is made of cheese.", "Sales rose 2.7% in the first quarter.")
>>> result.risk_level, result.sentences[0].spans[0].text
('high', 'moon')
"""

from engines.hallucination.context import ContextCache, ParsedContext, parse_context
from engines.hallucination.detection import detect
from engines.hallucination.features import FEATURES
from engines.hallucination.result import (
    Contribution,
    Finding,
    HallucinationResult,
    Passage,
    SentenceVerdict,
    Span,
    Uncertainty,
)
from engines.hallucination.rules import RULES

__all__ = [
    "FEATURES",
    "RULES",
    "Contribution",
    "ContextCache",
    "Finding",
    "HallucinationResult",
    "ParsedContext",
    "Passage",
    "SentenceVerdict",
    "Span",
    "Uncertainty",
    "detect",
    "parse_context",
]
