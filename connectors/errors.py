"""The connectors' error tree.

::

    ConnectorError(Exception)
    ├── Unavailable        the backend does not answer, or is full: try again later
    ├── Refused            the backend answered and said no: retrying will not help
    ├── Conflict           somebody else changed the record first
    └── TooMuch            the question would return more than its limit
"""

from __future__ import annotations

import msgspec

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON raises: bytes that are no UTF-8 and deep nesting have errors of their own."""


class ConnectorError(Exception):
    """A backend could not do what was asked."""


class Unavailable(ConnectorError):
    """The backend does not answer, or cannot store now; `retry_after_s` says when to come back."""

    def __init__(self, message: str, *, retry_after_s: int = 5) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Refused(ConnectorError):
    """The backend answered and said no."""


class Conflict(ConnectorError):
    """The record was changed by somebody else since it was read."""


class TooMuch(ConnectorError):
    """The answer would exceed its limit; ask for less."""
