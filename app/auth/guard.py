"""The one door: every request passes here and leaves with a Workspace, or with an answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, redirect, request, session
from werkzeug.wrappers import Response as BaseResponse

from app.api.errors import failure
from app.auth.apikey import KeyChecker, presented_key
from app.auth.dash_guard import check_dash_body
from app.settings import Settings
from i18n import negotiate, use
from services.errors import Unauthenticated
from services.identity import Principal
from services.tenants import DEFAULT_TENANT
from services.workspace import Backends, enter_workspace, leave_workspace

PUBLIC = ("/healthz", "/readyz", "/login", "/logout")
PUBLIC_PREFIXES = ("/assets/", "/_dash-component-suites/", "/_favicon.ico")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LOCAL_ADMIN = Principal(
    "local", DEFAULT_TENANT, ("platform_admin",), "local", "Local administrator"
)


def install(app: Flask, settings: Settings, backends: Backends) -> None:
    """Guard every request of `app`; headers that protect browsers go on every answer."""
    checker = KeyChecker(backends)
    app.extensions["aiobs_key_checker"] = checker

    @app.before_request
    def _enter() -> BaseResponse | None:
        g.max_body = settings.max_body_mb * 1_000_000
        if refusal := _refuse_foreign(settings):
            return refusal
        if request.path in PUBLIC or request.path.startswith(PUBLIC_PREFIXES):
            return None
        principal = identify(settings, checker)
        if principal is None:
            return _ask_for_credentials()
        locale = _locale()
        use(locale)
        g.workspace = backends.workspace(principal, locale=locale)
        g.workspace_token = enter_workspace(g.workspace)
        if request.path == "/_dash-update-component":
            check_dash_body()
        return None

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        token = g.pop("workspace_token", None)
        if token is not None:
            leave_workspace(token)


def identify(settings: Settings, checker: KeyChecker) -> Principal | None:
    """Return who asks: a key, a session, or (in local mode) whoever reached loopback."""
    key = presented_key(request.headers)
    if key is not None:
        principal = checker.principal(key)
        if principal is None:
            raise Unauthenticated("the API key is not valid, or was revoked")
        return principal
    if settings.auth == "local":
        return LOCAL_ADMIN
    if key_id := session.get("key_id"):
        return checker.session_principal(key_id)
    return None


def _refuse_foreign(settings: Settings) -> Response | None:
    """Refuse requests that another site makes in a user's browser.

    In local mode the Host must be loopback too: a name that an attacker points at 127.0.0.1
    (DNS rebinding) would otherwise be same-origin with the hub.
    """
    host = request.host.rsplit(":", 1)[0].strip("[]")
    if settings.auth == "local" and host not in ("127.0.0.1", "localhost", "::1"):
        return failure(403, "FORBIDDEN", f"the hub is local and does not answer for {host!r}")
    if request.method in _SAFE_METHODS and not _is_websocket():
        return None
    origin = request.headers.get("Origin")
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        return failure(403, "FORBIDDEN", "requests from another site are refused")
    if origin and not _is_own(origin, settings):
        return failure(403, "FORBIDDEN", "requests from another origin are refused")
    return None


def _is_own(origin: str, settings: Settings) -> bool:
    if settings.public_url:
        return origin.rstrip("/") == settings.public_url.rstrip("/")
    return urlsplit(origin).netloc == request.host


def _is_websocket() -> bool:
    return request.headers.get("Upgrade", "").lower() == "websocket"


def _ask_for_credentials() -> BaseResponse:
    wants_page = (
        request.method == "GET"
        and "text/html" in request.headers.get("Accept", "")
        and not request.path.startswith(("/api", "/v1", "/_dash", "/ws"))
    )
    if wants_page:
        return redirect("/login")
    answer = failure(
        401, "UNAUTHENTICATED", "send an API key as X-API-Key or Authorization: Bearer"
    )
    answer.headers["WWW-Authenticate"] = 'Bearer realm="aiobs"'
    return answer


def _locale() -> str:
    return negotiate(
        query=request.args.get("lang"),
        cookie=request.cookies.get("aiobs_lang"),
        accept=request.headers.get("Accept-Language", ""),
    )
