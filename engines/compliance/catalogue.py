"""The controls and clocks that ship with the hub, read from ``data/controls.json``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from engines.errors import EngineError

Applies = Literal["all", "high_risk", "generative", "serious_incident", "breach"]
_DATA = Path(__file__).parent / "data" / "controls.json"
DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class CheckSpec:
    """One thing a control asks: a rule's name, and for ``unobserved`` what is not observed."""

    rule: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """One control: short paraphrase, whom it applies to, what it asks and how old proof may be."""

    id: str
    framework: str
    ref: str
    title: str
    requirement: str
    applies: Applies
    max_age_days: int
    checks: tuple[CheckSpec, ...]

    @property
    def can_be_attested(self) -> bool:
        """Whether a person's signed statement counts for it."""
        return any(check.rule == "attested" for check in self.checks)


@dataclass(frozen=True, slots=True)
class Clock:
    """A reporting clock: how long it allows from awareness, and at which shares it warns."""

    id: str
    regime: str
    limit_ms: int
    warn_at: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All controls and clocks of one version, and what the texts are worth."""

    version: str
    notice: str
    frameworks: dict[str, str]
    controls: tuple[Control, ...]
    clocks: dict[str, Clock]

    def control(self, control_id: str) -> Control | None:
        """Return a control by id, None when there is none."""
        return next((c for c in self.controls if c.id == control_id), None)


@cache
def load_catalogue() -> Catalogue:
    """Return the shipped catalogue.

    Returns
    -------
    Catalogue
        Frozen; read once a process.

    Raises
    ------
    EngineError
        When the file names an unknown framework, repeats an id or has a control without checks.

    Examples
    --------
    >>> found = load_catalogue()
    >>> len(found.controls), found.clocks["GDPR33_BREACH"].limit_ms // 3_600_000
    (54, 72)
    """
    return read_catalogue(json.loads(_DATA.read_text("utf-8")))


def read_catalogue(document: dict[str, Any]) -> Catalogue:  # Any: a JSON document
    """Return the catalogue that a JSON document describes; raise `EngineError` where it is wrong.

    Examples
    --------
    >>> read_catalogue({"version": "1", "notice": "", "frameworks": {}, "clocks": {},
    ...                 "controls": []}).controls
    ()
    """
    controls = tuple(_control(entry) for entry in document["controls"])
    ids = [control.id for control in controls]
    for control in controls:
        if ids.count(control.id) > 1:
            raise EngineError(f"control {control.id!r} is listed more than once")
        if control.framework not in document["frameworks"]:
            raise EngineError(f"control {control.id!r} is of no framework in the list")
        if not control.checks:
            raise EngineError(f"control {control.id!r} asks nothing, so it could never be judged")
    clocks = {
        name: Clock(name, entry["regime"], round(entry["hours"] * 3_600_000), tuple(entry["warn"]))
        for name, entry in document["clocks"].items()
    }
    return Catalogue(
        document["version"], document["notice"], dict(document["frameworks"]), controls, clocks
    )


def _control(entry: dict[str, Any]) -> Control:  # Any: JSON
    checks = tuple(CheckSpec(*text.split(":", 1)) for text in entry["checks"])
    return Control(
        id=entry["id"],
        framework=entry["framework"],
        ref=entry["ref"],
        title=entry["title"],
        requirement=entry["requirement"],
        applies=entry["applies"],
        max_age_days=int(entry["max_age_days"]),
        checks=checks,
    )
