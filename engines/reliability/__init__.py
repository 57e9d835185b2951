"""Whether a model's answers can be relied on: calibrated, stable, honestly unsure, at home.

The front function is `analyze`; `PARTS` names what it measures::

    from engines import reliability

    reliability.analyze(scores, labels, features=reliability.Features(reference, current))
"""

from engines.reliability.analyze import PARTS, analyze
from engines.reliability.calibration import calibration
from engines.reliability.calibration_error import bin_scores, calibration_error
from engines.reliability.ood import Features, ood_detection
from engines.reliability.proportion import wilson
from engines.reliability.result import (
    Agreement,
    Bin,
    Brier,
    Calibration,
    CalibrationError,
    Coverage,
    Flip,
    Group,
    OutOfDistribution,
    Overall,
    Recalibration,
    Reliability,
    Stability,
    Uncertainty,
)
from engines.reliability.stability import Repeats, Versions, stability
from engines.reliability.uncertainty import (
    Intervals,
    coverage_p,
    interval_uncertainty,
    set_uncertainty,
)

__all__ = [
    "PARTS",
    "Agreement",
    "Bin",
    "Brier",
    "Calibration",
    "CalibrationError",
    "Coverage",
    "Features",
    "Flip",
    "Group",
    "Intervals",
    "OutOfDistribution",
    "Overall",
    "Recalibration",
    "Reliability",
    "Repeats",
    "Stability",
    "Uncertainty",
    "Versions",
    "analyze",
    "bin_scores",
    "calibration",
    "calibration_error",
    "coverage_p",
    "interval_uncertainty",
    "ood_detection",
    "set_uncertainty",
    "stability",
    "wilson",
]
