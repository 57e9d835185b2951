"""Plans that a leader answers for: spend against its budget, carbon against its target."""

from __future__ import annotations

from typing import Any

from dash import html

from components.kpi import kpi, row
from components.panel import Provenance
from components.theme import Status
from engines.business import Budget
from engines.result import Insufficient, Interval
from i18n import date_time, percent, t
from services.budgets import get_spend_track
from services.carbon import get_carbon_budget
from services.profiles import PATHS
from services.times import Window
from services.workspace import Workspace

_STATUS: dict[str, Status] = {"ok": "good", "at_risk": "warn", "exceeded": "bad"}


def figures(ws: Workspace) -> html.Div | None:
    """Return one figure a plan that the reader may see; None where there is none."""
    made = []
    if "costs:read" in ws.principal.permissions:
        spend = get_spend_track(ws)
        source = Provenance(computed_at_ms=spend.computed_at_ms, n=spend.n or None)
        has_plan = spend.budget is not None
        made.append(_figure("business", spend.track if has_plan else None, spend.period, source))
    if "carbon:read" in ws.principal.permissions:
        carbon = get_carbon_budget(ws)
        has_plan = carbon.budget is not None
        found = carbon.track if has_plan else None
        made.append(_figure("sustainability", found, carbon.period, None))
    return row(*made) if made else None


def _figure(page: str, found: Budget | None, period: Window, source: Provenance | None) -> Any:
    title, definition = t(f"executive.plan_{page}"), t(f"executive.plan_{page}_definition")
    name = f"executive-plan-{page}"
    if found is None:
        lack = Insufficient(t(f"{page}.no_budget"))
        return kpi(title, lack, kpi_id=name, definition=definition, href=PATHS[page])
    interval = None
    if found.interval is not None:
        ends = (found.interval.low / found.limit, found.interval.high / found.limit)
        interval = Interval(*ends, found.interval.level)
    made = kpi(
        title, found.used, unit="share", kpi_id=name, interval=interval,
        interval_words=t("panel.at_period_end"), status=_STATUS[found.status],
        word=t(f"{page}.budget_{found.status}"), definition=definition, source=source,
        href=PATHS[page],
    )  # fmt: skip
    elapsed = t(
        "executive.plan_elapsed", share=percent(found.elapsed, decimals=0),
        end=date_time(period.end_ms),
    )  # fmt: skip
    made.children.append(html.P(elapsed, className="kpi-foot"))
    return made
