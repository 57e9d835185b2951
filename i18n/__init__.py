"""Words and formats: `t(key, **values)` in ten languages; numbers, dates and units as written.

The language of a request lives in a context variable: the guard calls `use(negotiate(...))`,
everything below calls `t(...)` without naming a language. Catalogues are JSON files in
`i18n/catalogue/`, one per area, ten languages side by side; a key is `<area>.<name>`.
"""

from i18n.formats import (
    ago,
    currency,
    date_time,
    day,
    duration,
    number,
    percent,
    plain_bytes,
    quantity,
    signed,
)
from i18n.languages import LANGUAGES, Language, current, direction, leave, negotiate, speaking, use
from i18n.translate import isolated, t, tell

__all__ = [
    "LANGUAGES",
    "Language",
    "ago",
    "currency",
    "current",
    "date_time",
    "day",
    "direction",
    "duration",
    "isolated",
    "leave",
    "negotiate",
    "number",
    "percent",
    "plain_bytes",
    "quantity",
    "signed",
    "speaking",
    "t",
    "tell",
    "use",
]
