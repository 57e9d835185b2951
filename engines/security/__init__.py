"""Security of what goes into a model and comes out: `scan` one text, `assess_risk` of many.

`DETECTORS` lists every detector. Nothing here stores or returns a found value: signals carry
places, `masked_excerpt` shows the words around with the value replaced by its name.
"""

from engines.reliability.proportion import wilson
from engines.security.access import find_unusual_hours
from engines.security.mask import masked_excerpt
from engines.security.refusal import looks_refused
from engines.security.result import (
    KINDS,
    SEVERITIES,
    Kind,
    Risk,
    RiskPart,
    Scan,
    Severity,
    Signal,
    UnusualHour,
)
from engines.security.risk import PARTS, Count, assess_risk
from engines.security.scan import DETECTORS, scan, worst

__all__ = [
    "DETECTORS",
    "KINDS",
    "PARTS",
    "SEVERITIES",
    "Count",
    "Kind",
    "Risk",
    "RiskPart",
    "Scan",
    "Severity",
    "Signal",
    "UnusualHour",
    "assess_risk",
    "find_unusual_hours",
    "looks_refused",
    "masked_excerpt",
    "scan",
    "wilson",
    "worst",
]
