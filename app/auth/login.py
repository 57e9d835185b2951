"""The sign-in page of a hub with keys: a key opens a session, no script needed."""

from __future__ import annotations

from flask import Flask, Response, g, redirect, render_template_string, request, session
from werkzeug.wrappers import Response as BaseResponse

from app.auth.apikey import KeyChecker
from app.auth.attempts import Throttle
from app.auth.guard import check_key
from i18n import current, direction, t
from services.errors import Throttled, Unauthenticated

_PAGE = """<!doctype html>
<html lang="{{ locale }}" dir="{{ dir }}" data-bs-theme="light">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>{{ title }}</title><link rel="stylesheet" href="/assets/login.css"></head>
<body><main><h1>AIOBS</h1><p>{{ purpose }}</p>
{% if problem %}<p role="alert" class="problem">{{ problem }}</p>{% endif %}
<form method="post" action="/login">
<label for="key">{{ key }}</label>
<input id="key" name="key" type="password" autocomplete="current-password" required autofocus>
<button type="submit">{{ submit }}</button></form></main></body></html>"""


def install(app: Flask, checker: KeyChecker, throttle: Throttle) -> None:
    """Add ``/login`` and ``/logout``."""

    @app.get("/login")
    def login_form() -> str:
        return _page(refused=False)

    @app.post("/login")
    def login() -> BaseResponse:
        try:
            principal = check_key(checker, throttle, request.form.get("key", ""))
        except Throttled as error:
            answer = Response(_page(refused=True), 429, mimetype="text/html")
            answer.headers["Retry-After"] = str(error.retry_after_s)
            return answer
        except Unauthenticated:
            g.access_reason = "sign_in"
            return Response(_page(refused=True), 401, mimetype="text/html")
        session.clear()  # a new session on every sign-in: an old cookie gains nothing
        session["key_id"] = principal.id
        session.permanent = True
        return redirect("/")

    @app.post("/logout")
    def logout() -> BaseResponse:
        session.clear()
        return redirect("/login")


def _page(*, refused: bool) -> str:
    words = {name: t(f"login.{name}") for name in ("title", "purpose", "key", "submit")}
    problem = t("login.refused") if refused else ""
    return render_template_string(
        _PAGE, locale=current(), dir=direction(), problem=problem, **words
    )
