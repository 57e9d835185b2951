"""Maps every exception to its status, once, in the one JSON shape."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from app.api.encoding import encode_json
from connectors import errors as connector_errors
from connectors import otlp
from engines.errors import EngineError, InsufficientData
from services.errors import AIOBSError, Unavailable

log = logging.getLogger("aiobs.api")

_HTTP_CODES = {
    400: "MALFORMED", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE", 429: "THROTTLED",
}  # fmt: skip


def failure(
    status: int,
    code: str,
    message: str,
    *,
    details: object = None,
    retry_after_s: int | None = None,
) -> Response:
    """Return the failure envelope; senders of OTLP get the message that their protocol has."""
    if request.path.startswith("/v1/") and request.mimetype in (otlp.JSON, otlp.PROTOBUF):
        said = otlp.error_response(message, as_json=request.mimetype == otlp.JSON)
        answer = Response(said, status, mimetype=request.mimetype)
    else:
        body: dict[str, object] = {"success": False, "error": message, "code": code}
        if details:
            body["details"] = details
        answer = Response(encode_json(body), status, mimetype="application/json")
    if retry_after_s is not None:
        answer.headers["Retry-After"] = str(retry_after_s)
    return answer


def register(app: Flask) -> None:
    """Install the handlers; HTML errors remain for pages only."""

    @app.errorhandler(AIOBSError)
    def _known(error: AIOBSError) -> Response:
        return failure(
            error.status,
            error.code,
            error.message,
            details=error.details,
            retry_after_s=getattr(error, "retry_after_s", None),
        )

    @app.errorhandler(connector_errors.ConnectorError)
    def _connector(error: connector_errors.ConnectorError) -> Response:
        return from_connector(error)

    @app.errorhandler(EngineError)
    def _engine(error: EngineError) -> Response:
        code = "INSUFFICIENT_DATA" if isinstance(error, InsufficientData) else "INVALID"
        return failure(422, code, str(error))

    @app.errorhandler(HTTPException)
    def _http(error: HTTPException) -> Response:
        status = error.code or 500
        if not request.path.startswith(("/api", "/v1", "/_dash")) and isinstance(
            error.get_response(), Response
        ):
            return error.get_response()  # type: ignore[return-value]
        message = error.description or error.name
        return failure(status, _HTTP_CODES.get(status, "ERROR"), message)

    @app.errorhandler(Exception)
    def _unknown(error: Exception) -> Response:
        number = secrets.token_hex(4)
        log.exception("error %s on %s %s", number, request.method, request.path)
        return failure(
            500, "INTERNAL", f"the hub failed; its log has the details under {number}",
            details={"error_id": number},
        )  # fmt: skip


def from_connector(error: connector_errors.ConnectorError) -> Response:
    """Return the answer for a backend's error."""
    if isinstance(error, connector_errors.Unavailable):
        unavailable = Unavailable(str(error), retry_after_s=error.retry_after_s)
        return failure(
            503, unavailable.code, unavailable.message, retry_after_s=unavailable.retry_after_s
        )
    if isinstance(error, connector_errors.Conflict):
        return failure(409, "CONFLICT", str(error))
    if isinstance(error, connector_errors.TooMuch):
        return failure(413, "TOO_LARGE", str(error))
    if isinstance(error, connector_errors.Refused):
        return failure(400, "MALFORMED", str(error))
    return failure(503, "UNAVAILABLE", "a backend of the hub failed", retry_after_s=5)
