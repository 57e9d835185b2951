"""What kind of quantity a metric is, read from its name: one table, first match wins."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Role:
    """How a metric takes part in the search for a cause.

    Attributes
    ----------
    kind : str
        The family of the quantity, e.g. ``latency`` or ``feature_drift``.
    worse : int
        +1 if larger is worse, -1 if smaller is worse, 0 if both are news.
    weight : float
        Factor on its deviation when a node is blamed: 1 for what the node does itself, .3 for the
        demand put on it, 0 for what it only witnesses.
    additive : bool
        Whether its cost adds up along calls, so that mass balance applies.
    separate : bool
        Whether the metric is blamed by itself rather than folded into its node.
    """

    kind: str
    worse: int
    weight: float = 1.0
    additive: bool = False
    separate: bool = False


def _model(kind: str, worse: int) -> Role:
    return Role(kind, worse, separate=True)


def _cost(kind: str, worse: int = 1) -> Role:
    return Role(kind, worse, additive=True)


ROLES: tuple[tuple[str, Role], ...] = (
    (r"^feature_drift:", _model("feature_drift", 1)),  # whatever the feature is called
    (r"burn_rate|revenue_at_risk", _model("slo", 1)),
    (r"trust|satisfaction|conversion", _model("trust", -1)),
    (r"budget_remaining|slo_compliance|slo_attainment", _model("slo", -1)),
    (r"feature_drift|missing_(rate|share)", _model("feature_drift", 1)),
    (r"data_drift|drift.*kind\W+data", _model("data_drift", 1)),
    (r"concept_drift|drift.*kind\W+concept", _model("concept_drift", 1)),
    (r"prediction_drift|drift.*kind\W+prediction", _model("prediction_drift", 1)),
    (r"drift.*kind\W+overall", _model("drift", 1)),
    (r"drift|\bpsi\b", _model("feature_drift", 1)),
    (r"hallucination|toxicity", _model("hallucination", 1)),
    (r"retrieval|retriever|hit_rate|passages", _model("retrieval", -1)),
    (r"grounding|faithful|factuality", _model("grounding", -1)),
    (r"degradation", _model("degradation", 1)),
    (r"calibration_error|\bece\b|\bood|out_of_distribution", _model("reliability", 1)),
    (r"reliability|calibration|stability|confidence", _model("reliability", -1)),
    (r"accuracy|\bauc|precision|recall|\bf1\b|quality", _model("accuracy", -1)),
    (r"client_?latency|upstream_latency|wait(ing)?_(time|seconds)", Role("waiting", 1, 0.0)),
    (r"availab|success", _cost("availability", -1)),
    (r"(error|failure|exception|fault)s?_?(rate|ratio|share|pct|percent)", _cost("error_rate")),
    (r"error|failure|exception|5xx|timeouts", _cost("errors")),
    (r"latency|duration|response_?time|own_time", _cost("latency")),
    (r"token", _cost("tokens")),
    (r"energy|kwh", _cost("energy")),
    (r"carbon|co2", _cost("carbon")),
    (r"cost|spend|\beur\b|\busd\b", _cost("cost")),
    (
        r"request|workload|throughput|\bqps|\brps|\bops\b|inferences|traffic|_load\b|^load\b",
        Role("demand", 0, 0.3),
    ),
)
"""Pattern, role. Patterns are matched against the lower-cased name with camel case split."""

RESOURCE = Role("resource", 1)
"""Everything else: processor, memory, disk, network, queue length, temperature."""

WITHIN: tuple[tuple[str, str], ...] = (
    ("feature_drift", "data_drift"),
    ("data_drift", "prediction_drift"),
    ("data_drift", "reliability"),
    ("data_drift", "accuracy"),
    ("data_drift", "drift"),
    ("data_drift", "trust"),
    ("feature_drift", "prediction_drift"),
    ("feature_drift", "reliability"),
    ("feature_drift", "accuracy"),
    ("feature_drift", "drift"),
    ("prediction_drift", "drift"),
    ("prediction_drift", "accuracy"),
    ("prediction_drift", "trust"),
    ("concept_drift", "drift"),
    ("concept_drift", "accuracy"),
    ("concept_drift", "reliability"),
    ("drift", "trust"),
    ("feature_drift", "trust"),
    ("accuracy", "degradation"),
    ("accuracy", "trust"),
    ("accuracy", "slo"),
    ("reliability", "trust"),
    ("degradation", "trust"),
    ("retrieval", "grounding"),
    ("grounding", "hallucination"),
    ("grounding", "trust"),
    ("hallucination", "trust"),
    ("trust", "slo"),
    ("demand", "resource"),
    ("demand", "latency"),
    ("demand", "tokens"),
    ("demand", "cost"),
    ("demand", "energy"),
    ("resource", "latency"),
    ("resource", "errors"),
    ("resource", "error_rate"),
    ("resource", "availability"),
    ("resource", "energy"),
    ("tokens", "latency"),
    ("tokens", "cost"),
    ("tokens", "energy"),
    ("energy", "carbon"),
    ("latency", "slo"),
    ("latency", "trust"),
    ("errors", "error_rate"),
    ("errors", "availability"),
    ("errors", "slo"),
    ("errors", "trust"),
    ("errors", "grounding"),
    ("error_rate", "availability"),
    ("error_rate", "slo"),
    ("error_rate", "trust"),
    ("error_rate", "grounding"),
    ("availability", "slo"),
    ("availability", "trust"),
    ("availability", "grounding"),
)
"""Known dependencies between the series of one service or model: cause kind, effect kind."""

WORK = ("tokens",)
"""Kinds of what a request asks for, which takes time wherever it is done."""

FAILING = ("errors", "error_rate", "availability")
"""Kinds by which a callee's failure shows."""

ACROSS: tuple[tuple[str, str], ...] = (
    ("latency", "latency"),
    ("latency", "slo"),
    *((a, b) for a in FAILING for b in FAILING),
    *((a, b) for a in FAILING for b in ("grounding", "retrieval", "accuracy", "slo")),
    ("latency", "errors"),
    ("latency", "error_rate"),
    ("latency", "availability"),
    ("latency", "retrieval"),
    ("latency", "grounding"),
    ("retrieval", "grounding"),
    ("retrieval", "retrieval"),
    ("accuracy", "accuracy"),
    ("prediction_drift", "feature_drift"),
    ("cost", "cost"),
    ("tokens", "tokens"),
    ("energy", "energy"),
    ("carbon", "carbon"),
)
"""Known dependencies along a call: kind on the callee, kind on the caller."""


@lru_cache(maxsize=16384)
def role_of(metric: str) -> Role:
    """Return the role of a metric by its name.

    Parameters
    ----------
    metric : str
        Name, with labels if it has any: ``aiobs_drift_score{kind="prediction"}``.

    Returns
    -------
    Role
        The first row of ``ROLES`` whose pattern occurs in the name, else ``RESOURCE``.

    Examples
    --------
    >>> role_of("PodServerLatencyP95(s)").kind, role_of("aiobs_trust_score").worse
    ('latency', -1)
    >>> role_of("CpuUsage(m)") is RESOURCE
    True
    """
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", metric).lower()
    for pattern, role in ROLES:
        if re.search(pattern, words):
            return role
    return RESOURCE
