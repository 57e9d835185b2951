"""Whether the present stands out from the past: tests behind alert rules.

`rate_jump` compares shares or counts per exposure, `level_jump` a level with its own history.
"""

from engines.alerting.jumps import Jump, level_jump, rate_jump

__all__ = ["Jump", "level_jump", "rate_jump"]
