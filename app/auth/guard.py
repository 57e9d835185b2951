"""The one door: every request passes here and leaves with a Workspace, or with an answer."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Flask, Response, g, redirect, request, session
from werkzeug.wrappers import Response as BaseResponse

from app.api.errors import failure
from app.auth.apikey import KeyChecker, presented_key
from app.auth.attempts import AccessRecorder, Throttle, tenant_of
from app.auth.dash_guard import check_dash_body
from app.settings import Settings
from i18n import current, leave, negotiate, use
from services.access import Reason
from services.errors import Throttled, Unauthenticated
from services.identity import Principal
from services.keys import parse_key
from services.tenants import DEFAULT_TENANT
from services.workspace import Backends, enter_workspace, leave_workspace

PUBLIC = ("/healthz", "/readyz", "/login", "/logout")
PUBLIC_PREFIXES = ("/assets/", "/_dash-component-suites/", "/_favicon.ico")
_UNCOUNTED = (*PUBLIC_PREFIXES, "/healthz", "/readyz", "/logout")
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
LOCAL_ADMIN = Principal(
    "local", DEFAULT_TENANT, ("platform_admin",), "local", "Local administrator"
)


def install(app: Flask, settings: Settings, backends: Backends) -> None:
    """Guard every request of `app`; headers that protect browsers go on every answer."""
    checker = KeyChecker(backends)
    throttle = Throttle(backends.clock)
    recorder = AccessRecorder(backends)
    app.extensions["aiobs_key_checker"] = checker
    app.extensions["aiobs_throttle"] = throttle
    app.extensions["aiobs_access"] = recorder

    @app.before_request
    def _enter() -> BaseResponse | None:
        g.max_body = settings.max_body_mb * 1_000_000
        g.language_token = use(_locale())
        if refusal := _refuse_foreign(settings):
            g.access_reason = "foreign_site"
            return refusal
        if request.path in PUBLIC or request.path.startswith(PUBLIC_PREFIXES):
            return None
        principal = identify(settings, checker, throttle)
        if principal is None:
            g.access_reason = "no_credential"
            return _ask_for_credentials()
        g.access_owner = principal
        g.workspace = backends.workspace(principal, locale=current())
        g.workspace_token = enter_workspace(g.workspace)
        if request.path == "/_dash-update-component":
            check_dash_body()
        return None

    @app.after_request
    def _count(answer: Response) -> Response:
        if not request.path.startswith(_UNCOUNTED):
            _record(recorder, answer.status_code)
        return answer

    @app.teardown_request
    def _leave(_error: BaseException | None) -> None:
        token = g.pop("workspace_token", None)
        if token is not None:
            leave_workspace(token)
        # A thread serves many readers: what it says next is not for this one.
        language = g.pop("language_token", None)
        if language is not None:
            leave(language)


def identify(settings: Settings, checker: KeyChecker, throttle: Throttle) -> Principal | None:
    """Return who asks: a key, a session, or (in local mode) whoever reached loopback."""
    key = presented_key(request.headers)
    if key is not None:
        return check_key(checker, throttle, key)
    if settings.auth == "local":
        return LOCAL_ADMIN
    if key_id := session.get("key_id"):
        return checker.session_principal(key_id)
    return None


def check_key(checker: KeyChecker, throttle: Throttle, key: str) -> Principal:
    """Return who a key belongs to; `Throttled` for those who guess, `Unauthenticated` else."""
    address = request.remote_addr or ""
    parsed = parse_key(key)
    g.access_owner = owner = checker.owner(key)
    key_id = owner.id if owner is not None else ""
    if wait := throttle.wait_s(address, key_id):
        g.access_reason = "too_many_attempts"
        raise Throttled("too many failed attempts with this key", retry_after_s=wait)
    principal = checker.principal(key)
    if principal is not None:
        return principal
    g.access_reason = _why(parsed is not None, owner)
    if owner is None and (was := checker.revoked_owner(key)) is not None:
        g.access_owner, g.access_reason = was, "revoked_key"
    if wait := throttle.fail(address, key_id):
        g.access_reason = "too_many_attempts"
        raise Throttled("too many failed attempts from this address", retry_after_s=wait)
    raise Unauthenticated("the API key is not valid, or was revoked")


def _why(is_well_formed: bool, owner: Principal | None) -> Reason:
    if not is_well_formed:
        return "malformed_key"
    return "unknown_key" if owner is None else "wrong_secret"


def _record(recorder: AccessRecorder, status: int) -> None:
    """Count an answer under the key it was given to; 401, 403 and 429 under their reason."""
    owner: Principal | None = g.get("access_owner")
    refusals: dict[int, Reason] = {401: "refused", 403: "permission", 429: "too_many_attempts"}
    reason: Reason = g.get("access_reason") or refusals.get(status, "answered")
    if status not in refusals:
        status, reason = 200, "answered"
    key_id = owner.id if owner is not None else ""
    recorder.count(tenant_of(owner), key_id, status, reason)
    if owner is not None and owner.method == "api_key" and status != 401 and status != 429:
        recorder.note_address(owner.tenant, key_id, request.remote_addr or "")


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
