"""Why is this number red: the causal graph, and the root cause of an abnormal metric.

Front functions: :func:`find_root_cause` and :func:`build_graph`. Registry of rankers:
:data:`engines.causal.score.RANKERS`; of known dependencies:
:data:`engines.causal.roles.WITHIN` and :data:`engines.causal.roles.ACROSS`.
"""

from engines.causal.graph import build_graph
from engines.causal.inputs import Call, Event, LogTemplate, Series
from engines.causal.layout import clustered, layered, neighbourhood
from engines.causal.result import CausalGraph, RootCauseResult
from engines.causal.root_cause import find_root_cause

__all__ = [
    "Call",
    "CausalGraph",
    "Event",
    "LogTemplate",
    "RootCauseResult",
    "Series",
    "build_graph",
    "clustered",
    "find_root_cause",
    "layered",
    "neighbourhood",
]
