"""Whether the present stands out from the past: tests behind alert rules.

`rate_jump` compares shares or counts per exposure, `level_jump` a level with its own history,
`excess_p_value` a handful of new rows with a known share, `surge_evidence` rows one by one.
"""

from engines.alerting.excess import excess_p_value
from engines.alerting.jumps import Jump, level_jump, rate_jump
from engines.alerting.surge import surge_evidence

__all__ = ["Jump", "excess_p_value", "level_jump", "rate_jump", "surge_evidence"]
