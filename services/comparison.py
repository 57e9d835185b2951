"""How a model's present is compared: with what, over which rows, and in which segments."""

from __future__ import annotations

from typing import Literal

import msgspec

from engines.sentence import say
from services.bodies import as_body
from services.errors import Invalid
from services.identity import permitted
from services.models import get_model
from services.times import DAY_MS, HOUR_MS, Window, parse_time
from services.workspace import Workspace

_KIND = "comparison"
Against = Literal["automatic", "rolling", "seasonal", "previous_version", "fixed", "uploaded"]
AGAINST: tuple[Against, ...] = (
    "automatic", "rolling", "seasonal", "previous_version", "fixed", "uploaded",
)  # fmt: skip
SEGMENTS = ("user_segment", "region")
"""Columns by which rows can be cut, beside the model's own features (``feature:<name>``)."""
LONGEST_HOURS = 90 * 24.0
MOST_ROWS = 20_000
MOST_WEEKS = 12


class Comparison(msgspec.Struct, frozen=True, omit_defaults=False):
    """What the present of a model is, and what it is compared with.

    `against`: an uploaded data set where there is one, else the time before (`automatic`); the time
    before (`rolling`); the same hours of earlier weeks (`seasonal`); the version before this one
    (`previous_version`); the hours from `start` to `end` (`fixed`); the uploaded data set.
    The present is the newest `current_rows`, or the last `current_hours`, or by default the
    shortest of 1, 6 and 24 hours with 200 rows.
    """

    against: Against = "automatic"
    current_hours: float | None = None
    current_rows: int | None = None
    reference_hours: float = 24.0
    reference_rows: int | None = None  # by count: that many rows before the present
    weeks: int = 3
    start: str | None = None
    end: str | None = None
    segments: tuple[str, ...] = ("user_segment",)

    @property
    def fixed_window(self) -> Window:
        """The hours of a fixed reference."""
        return Window(parse_time(self.start or ""), parse_time(self.end or ""))


@permitted("models:read")
def get_comparison(ws: Workspace, model_id: str) -> Comparison:
    """Return how a model is compared; the default where nobody chose."""
    get_model(ws, model_id)
    return read_comparison(ws, model_id)


def read_comparison(ws: Workspace, model_id: str) -> Comparison:
    """Return the same of a model that is known to exist."""
    record = ws.records.get(_KIND, model_id)
    return Comparison() if record is None else msgspec.convert(record.body, Comparison)


@permitted("models:write")
def set_comparison(ws: Workspace, model_id: str, comparison: Comparison) -> Comparison:
    """Choose how a model is compared from now on; results are computed anew."""
    get_model(ws, model_id)
    _check(comparison)
    ws.records.put(_KIND, model_id, as_body(comparison))
    for family in ("drift", "reliability", "data_quality", "trust"):
        ws.cache.invalidate(f"{ws.tenant}/{family}/{model_id}")
    return comparison


def _check(wanted: Comparison) -> None:
    hours = (wanted.reference_hours, wanted.current_hours or 1.0)
    if not all(0 < value <= LONGEST_HOURS for value in hours):
        raise Invalid(
            say(
                "reasons.compare_hours",
                "hours are above 0 and at most {most, number}",
                most=LONGEST_HOURS,
            )
        )
    rows = (wanted.current_rows or MOST_ROWS, wanted.reference_rows or MOST_ROWS)
    if not all(50 <= value <= MOST_ROWS for value in rows):
        raise Invalid(
            say(
                "reasons.compare_rows",
                "rows are 50 to {most, number}: fewer tell nothing",
                most=MOST_ROWS,
            )
        )
    if not 1 <= wanted.weeks <= MOST_WEEKS:
        raise Invalid(
            say("reasons.compare_weeks", "weeks are 1 to {most, number}", most=MOST_WEEKS)
        )
    if wanted.against == "fixed":
        if not (wanted.start and wanted.end):
            raise Invalid(
                say("reasons.compare_fixed", "a fixed reference needs a start and an end")
            )
        if not HOUR_MS / 60 <= wanted.fixed_window.length_ms <= LONGEST_HOURS / 24 * DAY_MS:
            raise Invalid(
                say(
                    "reasons.compare_fixed_length",
                    "a fixed reference lasts from a minute to 90 days",
                )
            )
    unknown = [s for s in wanted.segments if s not in SEGMENTS and not s.startswith("feature:")]
    if unknown or len(wanted.segments) > 3:
        raise Invalid(
            say(
                "reasons.compare_segments",
                "at most three of {names} make segments",
                names=", ".join((*SEGMENTS, "feature:<name>")),
            )
        )
