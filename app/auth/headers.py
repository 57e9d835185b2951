"""Headers that protect browsers, on every answer."""

from __future__ import annotations

from flask import Flask, Response, request

_STATIC = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def content_security_policy(script_hashes: list[str]) -> str:
    """Return the policy: own files only; Dash's two inline scripts by their hash.

    Styles may be inline because Plotly sets them on every element; scripts may not.
    """
    scripts = " ".join(["'self'", *script_hashes])
    return (
        f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self'; connect-src 'self'; worker-src 'self' blob:; "
        "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )


def install(app: Flask, script_hashes: list[str]) -> None:
    """Add the headers to every answer."""
    policy = content_security_policy(script_hashes)

    @app.after_request
    def _protect(answer: Response) -> Response:
        answer.headers.setdefault("Content-Security-Policy", policy)
        for name, value in _STATIC.items():
            answer.headers.setdefault(name, value)
        if request.is_secure:
            answer.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.path.startswith(("/api", "/v1", "/_dash-update")):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer
