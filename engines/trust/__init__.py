"""How far a model can be trusted, why not further, and what is not known.

The front function is `score`::

    from engines import trust

    parts = {"drift": trust.part("drift_effect", 0.11, Interval(0.08, 0.14, 0.9), 5_000)}
    trust.score(parts, policy=trust.POLICIES["classification"])

`part` turns a measured quantity into a part score by the maps of `engines.trust.maps`;
`POLICIES` and `MEASURES` are the registries.
"""

from engines.trust.combine import Combined, combine
from engines.trust.maps import MEASURES, Anchors, grade, part
from engines.trust.policy import (
    POLICIES,
    PartPolicy,
    TrustPolicy,
    policy_from_dict,
    policy_to_dict,
)
from engines.trust.result import Band, Code, Contribution, Part, Trust
from engines.trust.score import score

__all__ = [
    "MEASURES",
    "POLICIES",
    "Anchors",
    "Band",
    "Code",
    "Combined",
    "Contribution",
    "Part",
    "PartPolicy",
    "Trust",
    "TrustPolicy",
    "combine",
    "grade",
    "part",
    "policy_from_dict",
    "policy_to_dict",
    "score",
]
