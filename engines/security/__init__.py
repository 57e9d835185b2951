"""Security of what goes into a model and comes out: `scan` one text, `assess_risk` of many.

Security of what the systems are made of: `count_by_age` and `estimate_time_to_fix`.
`DETECTORS` lists every detector. Nothing here stores or returns a found value: signals carry
places, `masked_excerpt` shows the words around with the value replaced by its name.
"""

from engines.reliability.proportion import wilson
from engines.security.access import find_unusual_hours
from engines.security.ageing import (
    AGE_BORDERS_DAYS,
    DEADLINES_DAYS,
    TimeToFix,
    count_by_age,
    count_open,
    estimate_time_to_fix,
    is_overdue,
)
from engines.security.cvss import GRADES, Grade, grade_score, score_vector
from engines.security.mask import masked_excerpt
from engines.security.misuse import KeyActivity, KeyMisuse, KeySignal, Misuse, find_key_misuse
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
    "AGE_BORDERS_DAYS",
    "DEADLINES_DAYS",
    "DETECTORS",
    "GRADES",
    "KINDS",
    "PARTS",
    "SEVERITIES",
    "Count",
    "Grade",
    "KeyActivity",
    "KeyMisuse",
    "KeySignal",
    "Kind",
    "Misuse",
    "Risk",
    "RiskPart",
    "Scan",
    "Severity",
    "Signal",
    "TimeToFix",
    "UnusualHour",
    "assess_risk",
    "count_by_age",
    "count_open",
    "estimate_time_to_fix",
    "find_key_misuse",
    "find_unusual_hours",
    "grade_score",
    "is_overdue",
    "looks_refused",
    "masked_excerpt",
    "scan",
    "score_vector",
    "wilson",
    "worst",
]
