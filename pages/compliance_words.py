"""Words that the parts of the compliance page share."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from components.kpi import kpi
from components.status import mark
from engines.compliance import EvidenceAge
from i18n import duration, number, t
from services.times import MINUTE_MS

PATH = "/compliance"


def words(name: str, /, **values: Any) -> str:
    """Return a text of this page."""
    return t(f"compliance.{name}", **values)


def focus_link(kind: str, name: str) -> str:
    """Return the address of this page with a card or a request of the register chosen."""
    return f"{PATH}?{urlencode({'focus': f'{kind}/{name}'})}"


def clocks_figure(name: str, title: str, definition: str, *, running: int, late: int) -> Any:
    """Return the figure of clocks that run, and how many of them are late."""
    return kpi(
        title, float(running), kpi_id=name,
        status="bad" if late else "warn" if running else "good",
        word=words("late", n=number(late)), definition=definition,
    )  # fmt: skip


def span(milliseconds: int) -> str:
    """Return a span of time in words; seconds say nothing about evidence."""
    return duration(milliseconds / 1_000) if milliseconds >= MINUTE_MS else f"< {duration(60)}"


def age_words(age: EvidenceAge) -> Any:
    """Return the age of a control's evidence beside what is allowed, and whether it is in date."""
    if age.age_ms is None or age.used is None:
        return mark("none", words("age_none"))
    shown = words("age_of", age=span(age.age_ms), allowed=span(age.allowed_ms))
    return mark("good" if age.used <= 1 else "warn", shown)


def title_of(control_id: str) -> str:
    """Return the title of a control in the language in use."""
    return t(f"controls.{_key(control_id)}")


def requirement_of(control_id: str) -> str:
    """Return what a control asks, in one sentence of the language in use."""
    return t(f"requirements.{_key(control_id)}")


def _key(control_id: str) -> str:
    return control_id.replace("-", "_").replace(".", "_")
