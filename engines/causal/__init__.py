"""Why is this number red: the causal graph, and the root cause of an abnormal metric.

Front functions: :func:`find_root_cause` and :func:`build_graph`. Registry of rankers:
:data:`engines.causal.score.RANKERS`.
"""

from engines.causal.inputs import Call, Event, LogTemplate, Series
from engines.causal.root_cause import find_root_cause

__all__ = ["Call", "Event", "LogTemplate", "Series", "find_root_cause"]
