"""Health: one number for a whole fleet, as a weighted mean whose parts and weights are shown.

`score(parts)` is the front function; `WEIGHTS` is the registry of parts.
"""

from engines.health.result import Health, HealthPart
from engines.health.score import (
    HEALTHY,
    WARNING,
    WEIGHTS,
    score,
    share_from_errors,
    share_untouched,
)

__all__ = [
    "HEALTHY", "WARNING", "WEIGHTS", "Health", "HealthPart", "score", "share_from_errors",
    "share_untouched",
]  # fmt: skip
