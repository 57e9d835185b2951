"""Data and fairness of the whole fleet: which model to look at first."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from dash import html

from components import states
from components.kpi import kpi
from components.panel import moment
from components.status import mark
from components.tables import Column, table
from components.theme import Status
from engines.result import Insufficient
from i18n import number, t
from pages.data_panels import VERDICT, words
from services.data_health import DataHealth

MAX_ROWS = 50


def fleet_figures(rows: list[DataHealth]) -> tuple[Any, Any]:
    """Return how many models have data problems, and how many treat groups differently."""
    checked = [row for row in rows if row.problems is not None]
    compared = [row for row in rows if row.disparities is not None]
    wrong = sum(bool(row.problems) for row in checked)
    unfair = sum(bool(row.disparities) for row in compared)
    return (
        _share("with_problems", wrong, len(checked), "none_checked"),
        _share("with_disparity", unfair, len(compared), "none_compared"),
    )


def _share(name: str, count: int, total: int, lack: str) -> html.Article:
    status: Status | None = ("warn" if count else "good") if total else None
    return kpi(
        words(name),
        words("of_models", n=number(count), total=number(total))
        if total
        else Insufficient(words(lack)),
        kpi_id=f"data-{name}", status=status, definition=words(f"{name}_definition"),
    )  # fmt: skip


def fleet_table(rows: list[DataHealth]) -> Any:
    """Return one line a model, worst first; its name leads to its columns and groups."""
    if not rows:
        return states.empty(t("models.none"), command="python -m app demo")
    columns = [
        Column("model", t("models.model"), "node"),
        Column("sound", words("clean"), "number", "share"),
        Column("problems", words("problems"), "node"),
        Column("fairness", words("groups"), "node"),
        Column("seen", words("freshness"), "node"),
        Column("checked", words("checked"), "node"),
    ]
    shown = [_row(row) for row in rows[:MAX_ROWS]]
    return table(columns, shown, caption=words("fleet"), total=len(rows))


def _row(row: DataHealth) -> dict[str, Any]:
    link = html.A(row.name, href="/data?" + urlencode({"model": row.model_id}))
    verdict = words(f"verdict_{row.fairness}")
    if row.disparities:
        verdict = f"{verdict} · {number(row.disparities)}"
    return {
        "model": link,
        "sound": row.sound_share,
        "problems": _problems(row.problems),
        "fairness": mark(VERDICT[row.fairness], verdict),
        "seen": moment(row.last_seen_ms) if row.last_seen_ms else "–",
        "checked": moment(row.computed_at_ms) if row.computed_at_ms else "–",
    }


def _problems(count: int | None) -> Any:
    if count is None:
        return mark("none", words("verdict_insufficient_data"))
    return mark("warn" if count else "good", number(count))
