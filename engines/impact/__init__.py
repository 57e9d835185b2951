"""What a cause costs, who is to blame for how much, and what would have happened otherwise.

Fit once with :func:`fit_model`, then ask :func:`assess_impact`, :func:`attribution` and
:func:`what_if`; :func:`shapley` splits the change of any formula, e.g. a trust score.
"""

from engines.impact.assess import assess_impact
from engines.impact.attribution import attribution, shapley
from engines.impact.effects import with_trees
from engines.impact.model import StructuralModel, fit_model
from engines.impact.result import (
    Attribution,
    Contribution,
    Estimate,
    Exposure,
    ExposureImpact,
    ImpactResult,
    MetricImpact,
    WhatIf,
)
from engines.impact.what_if import what_if

__all__ = [
    "Attribution",
    "Contribution",
    "Estimate",
    "Exposure",
    "ExposureImpact",
    "ImpactResult",
    "MetricImpact",
    "StructuralModel",
    "WhatIf",
    "assess_impact",
    "attribution",
    "fit_model",
    "shapley",
    "what_if",
    "with_trees",
]
