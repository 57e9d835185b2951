"""The services' error tree; `app.api.errors` maps each to its status once.

::

    AIOBSError(Exception)
    ├── Invalid          422  understood, but not acceptable (details name each field)
    ├── Malformed        400  not understood
    ├── Forbidden        403  the principal lacks the permission
    ├── NotFound         404  not there, or not this tenant's
    ├── Conflict         409  somebody changed it first, or it exists
    ├── TooLarge         413  more than a limit allows
    ├── Throttled        429  too often; `retry_after_s` says when to come back
    └── Unavailable      503  something the hub needs does not answer
"""

from __future__ import annotations

from typing import Any


class AIOBSError(Exception):
    """A request that cannot be fulfilled; the message is a sentence for the person who asked."""

    code = "ERROR"
    status = 500

    def __init__(self, message: str, **details: Any) -> None:  # JSON values
        super().__init__(message)
        self.message = message
        self.details = details


class Malformed(AIOBSError):
    """The request could not be parsed."""

    code, status = "MALFORMED", 400


class Invalid(AIOBSError):
    """The request was understood but its content is not acceptable."""

    code, status = "INVALID", 422


class Unauthenticated(AIOBSError):
    """No credential, or one that is not valid: raised by the guard alone."""

    code, status = "UNAUTHENTICATED", 401


class Forbidden(AIOBSError):
    """The principal lacks a permission."""

    code, status = "FORBIDDEN", 403


class NotFound(AIOBSError):
    """Not there, or another tenant's: the answer is the same."""

    code, status = "NOT_FOUND", 404


class Conflict(AIOBSError):
    """Somebody changed it first, or it exists already."""

    code, status = "CONFLICT", 409


class TooLarge(AIOBSError):
    """More than a limit allows."""

    code, status = "TOO_LARGE", 413


class UnsupportedMedia(AIOBSError):
    """A content type or encoding that the route does not read."""

    code, status = "UNSUPPORTED_MEDIA_TYPE", 415


class Throttled(AIOBSError):
    """Too many requests."""

    code, status = "THROTTLED", 429

    def __init__(self, message: str, *, retry_after_s: int, **details: Any) -> None:  # JSON values
        super().__init__(message, **details)
        self.retry_after_s = retry_after_s


class Unavailable(AIOBSError):
    """Something that the hub needs does not answer."""

    code, status = "UNAVAILABLE", 503

    def __init__(
        self, message: str, *, retry_after_s: int = 5, **details: Any
    ) -> None:  # JSON values
        super().__init__(message, **details)
        self.retry_after_s = retry_after_s
