"""Compliance: what the evidence says about each control, and how far reporting clocks have run.

`evaluate(facts, now_ms)` is the front function; `RULES` is the registry of what can be checked and
`load_catalogue()` the controls that ship with the hub. Nothing here is legal advice.
"""

from engines.compliance.ages import AgeBand, EvidenceAge, evidence_age, spread_ages
from engines.compliance.cards import SECTIONS, CardState, card_state, write_markdown
from engines.compliance.catalogue import (
    Catalogue,
    CheckSpec,
    Clock,
    Control,
    load_catalogue,
    read_catalogue,
)
from engines.compliance.clocks import read_clock
from engines.compliance.evaluate import STATUSES, cover, evaluate
from engines.compliance.findings import (
    SEVERITIES,
    OpenFinding,
    SystemFacts,
    add_vulnerable,
    count_severities,
    find_open,
)
from engines.compliance.requests import (
    RequestClock,
    add_months,
    read_request,
)
from engines.compliance.result import (
    AttestationFacts,
    ChainFacts,
    Check,
    ClockState,
    ControlStatus,
    Coverage,
    DutyFacts,
    Facts,
    IncidentFacts,
    ModelFacts,
    RequestFacts,
)
from engines.compliance.rules import RULES

__all__ = [
    "RULES", "SECTIONS", "SEVERITIES", "STATUSES", "AgeBand", "AttestationFacts", "CardState",
    "Catalogue", "ChainFacts", "Check", "CheckSpec", "Clock", "ClockState", "Control",
    "ControlStatus", "Coverage", "DutyFacts", "EvidenceAge", "Facts", "IncidentFacts",
    "ModelFacts", "OpenFinding", "RequestClock", "RequestFacts", "SystemFacts", "add_months",
    "add_vulnerable", "card_state", "count_severities", "cover", "evaluate",
    "evidence_age", "find_open", "load_catalogue", "read_catalogue", "read_clock", "read_request",
    "spread_ages", "write_markdown",
]  # fmt: skip
