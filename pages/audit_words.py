"""Audit: entries in words, in the language in use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from components.status import mark
from components.theme import Status
from i18n import date_time, isolated, t
from i18n.translate import area
from services.audited import AUDITED

PATH = "/audit"
OUTCOME: dict[str, Status] = {"ok": "good", "refused": "warn", "failed": "bad"}
NOUNS: dict[str, str] = {kind: noun.name for kind, noun in AUDITED.items()}
"""Kinds of records whose changes the chain is told, with what entries call them."""
VERBS = (
    "created", "updated", "deleted", "exported", "refused", "started", "signed", "verified",
)  # fmt: skip


def words(name: str, /, **values: Any) -> str:
    """Return a text of the audit page."""
    return t(f"audit.{name}", **values)


def verb(action: str) -> str:
    """Return what was done, as a noun: it stands beside any other without agreeing with it."""
    return _named("verb", action.rpartition(".")[2])


def noun(action: str) -> str:
    """Return what kind of thing it was done to."""
    return _named("noun", action.rpartition(".")[0])


def _named(what: str, code: str) -> str:
    key = f"{what}_{code}"
    return words(key) if key in area("audit") else code.replace("_", " ")


def outcome(of: str) -> html.Span:
    """Return how it ended, as a mark."""
    return mark(OUTCOME.get(of, "none"), words(f"outcome_{of}"))


def object_of(action: str, resource: Mapping[str, str], details: Mapping[str, Any]) -> html.Span:
    """Return what it was done to: the kind in words, and what it is about or its id."""
    told = details.get("now") or details.get("before") or {}
    name = str(told.get("subject") or resource["id"])
    return html.Span([noun(action), " ", html.Bdi(name, className="notranslate")])


def changes(details: Mapping[str, Any]) -> str:
    """Return which fields changed, and from what to what where the chain was told.

    >>> changes({"changed": ["name", "rules"]})
    'name, rules'
    """
    before, now = details.get("before", {}), details.get("now", {})
    return ", ".join(_change(name, before, now) for name in details.get("changed", ()))


def _change(name: str, before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if name not in before and name not in now:
        return name
    was, is_now = (_value(name, told.get(name)) for told in (before, now))
    return f"{name}: {isolated(was)} → {isolated(is_now)}"


def _value(name: str, value: Any) -> str:
    if value is None:
        return "–"
    return date_time(value) if name.endswith("_ms") and isinstance(value, int) else str(value)
