"""Security: keys that do what their own past does not explain, with the evidence of each."""

from __future__ import annotations

from typing import Any

from dash import html

from components import states
from components.address import link, packed
from components.status import pill
from components.tables import Column, table
from i18n import number, percent
from pages.security_panels import words
from services.key_misuse import KeyMisuseView

PANEL = ("key_misuse", 12, 150, "key_misuse_definition")


def misuse(view: KeyMisuseView) -> Any:
    """Return a row per sign of misuse, or why there is none."""
    rows = [*_revoked(view), *_signals(view)]
    young = _young(view)
    if not rows:
        if not view.keys:
            return states.empty(words("no_keys"), hint=words("no_keys_hint"))
        hint = words("no_misuse_hint", n=number(view.found.tested))
        return html.Div([states.calm(words("no_misuse"), hint), young])
    columns = [
        Column("key", words("misused_key"), "node"),
        Column("sign", words("misuse_sign"), "node"),
        Column("now", words("misuse_now")),
        Column("before", words("misuse_before", days=number(view.past_days))),
        Column("chance", words("misuse_chance"), "node"),
    ]
    return html.Div([table(columns, rows, caption=words("key_misuse")), young])


def _revoked(view: KeyMisuseView) -> list[dict[str, Any]]:
    return [
        {
            "key": _key(one.key),
            "sign": pill("bad", words("sign_revoked")),
            "now": words("misuse_requests", n=number(one.requests)),
            "before": "–",
            "chance": "–",
        }
        for one in view.revoked
    ]


def _signals(view: KeyMisuseView) -> list[dict[str, Any]]:
    return [
        {
            "key": _key(signal.activity.key),
            "sign": pill("warn", words(f"sign_{signal.activity.kind}")),
            "now": _rate(signal.activity.events, signal.activity.hours),
            "before": _rate(signal.activity.past_events, signal.activity.past_hours),
            "chance": html.Bdi(_chance(signal.p_value), dir="ltr"),
        }
        for signal in view.found.signals
    ]


def _rate(events: int, hours: int) -> str:
    return words("misuse_rate", n=number(events), hours=number(hours))


def _chance(p_value: float) -> str:
    return f"< {percent(0.0001, decimals=2)}" if p_value < 0.0001 else percent(p_value, decimals=2)


def _key(key_id: str) -> html.A:
    """A key's id that leads to its answers by reason."""
    metric = f'aiobs_access_total{{key_id="{key_id}"}}'
    focus = packed(metric=metric, agg="sum", by="reason")
    return html.A(html.Code(key_id, dir="ltr"), href=link("/explore", focus=focus))


def _young(view: KeyMisuseView) -> html.P | None:
    if not view.found.young:
        return None
    names = ", ".join(view.found.young[:8]) + ("…" if len(view.found.young) > 8 else "")
    return html.P(words("young_keys", keys=names), className="panel-note")
