"""Declares API routes: one decorator parses, calls, wraps and describes.

A route is a function ``(ws, ...) -> data``; its query and body types are msgspec structs, so what
is checked and what the OpenAPI document says are the same thing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import unquote

import msgspec
from flask import Blueprint, Flask, Response, g, request
from werkzeug.routing import BaseConverter

from app.api.encoding import decompress, encode_json
from connectors.errors import NOT_JSON
from i18n import LANGUAGES
from services.errors import Forbidden, Invalid, Malformed, NotFound, TooLarge, UnsupportedMedia
from services.workspace import Workspace

Method = Literal["GET", "POST", "PUT", "DELETE"]
LANG = "lang"
"""Query parameter of every route: the language of sentences. A program's own headers and cookies do
not change what it reads; only asking does."""


@dataclass(frozen=True, slots=True)
class Route:
    """One route as the OpenAPI document shows it."""

    method: Method
    path: str
    summary: str
    permission: str
    handler: Callable[..., Any]
    query: type[msgspec.Struct] | None = None
    body: Any = None  # a type msgspec can decode, or a media type for raw bodies
    returns: Any = None  # the type of `data`
    produces: str = "application/json"  # another media type is answered without the envelope
    status: int = 200
    errors: tuple[int, ...] = ()


@dataclass(slots=True)
class Router:
    """The routes of one file, mounted as a blueprint."""

    name: str
    prefix: str
    routes: list[Route] = field(default_factory=list)

    def route(
        self, method: Method, path: str, *, permission: str, **described: Any
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare a route; a test compares `permission` with the service's own."""

        def declare(handler: Callable[..., Any]) -> Callable[..., Any]:
            summary = " ".join((handler.__doc__ or handler.__name__).split("\n\n")[0].split())
            route = Route(method, self.prefix + path, summary, permission, handler, **described)
            self.routes.append(route)
            return handler

        return declare

    def blueprint(self) -> Blueprint:
        """Return the routes as a Flask blueprint."""
        blueprint = Blueprint(self.name, __name__)
        for number, route in enumerate(self.routes):
            endpoint = f"{route.handler.__name__}_{number}"
            blueprint.add_url_rule(route.path, endpoint, _view(route), methods=[route.method])
        return blueprint


class TextConverter(BaseConverter):
    """One path segment that may hold an encoded slash: model ids such as ``org/name:v2``."""

    regex = "[^/]+"
    weight = 100

    def to_python(self, value: str) -> str:
        """Return the text that the client encoded; `_view` refuses what is no id."""
        return unquote(value)


class KeepEncodedSlash:
    """Hands the router paths in which ``%2F`` is a character of a segment, not a separator."""

    def __init__(self, wsgi_app: Callable[..., Any]) -> None:
        self.wsgi_app = wsgi_app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
        if "%2f" in raw.lower():
            path = raw.split("?", 1)[0]
            pieces = path.replace("%2f", "%2F").split("%2F")
            decoded = "%2F".join(unquote(p, "latin-1").replace("%", "%25") for p in pieces)
            environ["PATH_INFO"] = decoded
        return self.wsgi_app(environ, start_response)


def _view(route: Route) -> Callable[..., Response]:
    def view(**params: Any) -> Response:
        ws: Workspace = g.workspace
        # The service checks too; here, so that nobody's body is read before we know who they are.
        if route.permission not in ws.principal.permissions:
            raise Forbidden(
                f"this needs the permission {route.permission}", permission=route.permission
            )
        if any(len(text) > 200 or not text.isprintable() for text in params.values()):
            raise Malformed("an id is printable text of 1 to 200 characters")
        if route.query is not None:
            params["query"] = parse_query(route.query)
        if route.body is not None and not isinstance(route.body, str):
            params["body"] = parse_body(route.body)
        answer = route.handler(ws, **params)
        if isinstance(answer, Response):
            return answer
        return success(answer, route.status)

    return view


def success(data: Any, status: int = 200) -> Response:
    """Return `data` in the success envelope."""
    asked = request.args.get(LANG, "en")
    body = encode_json({"success": True, "data": data}, asked if asked in LANGUAGES else "en")
    return Response(body, status, mimetype="application/json")


def parse_query(kind: type[msgspec.Struct]) -> msgspec.Struct:
    """Return the query string as `kind`; repeated names become lists where the field is one."""
    known = {f.encode_name: f for f in msgspec.structs.fields(kind)}
    unknown = sorted(set(request.args) - {*known, LANG})
    if unknown:
        raise Malformed(f"unknown query parameter {unknown[0]!r}", known=sorted(known))
    raw: dict[str, Any] = {}
    for name in request.args.keys() & known.keys():
        values = request.args.getlist(name)
        raw[name] = values if msgspec.inspect.type_info(known[name].type).__class__.__name__ in (
            "ListType", "VarTupleType") else values[-1]  # fmt: skip
    try:
        return msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        raise Malformed(f"query: {error}") from error


def parse_body(kind: Any) -> Any:
    """Return the JSON body as `kind`; 415 for another media type, 400 for broken JSON, 422 else."""
    if request.mimetype not in ("application/json", ""):
        raise UnsupportedMedia(f"send application/json, not {request.mimetype}")
    raw = read_body()
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise Invalid(str(error)) from error
    except NOT_JSON as error:
        raise Malformed(f"the body is not JSON: {error}") from error


def download(content: bytes | str, media: str, name: str) -> Response:
    """Return content that a browser keeps as a file of this name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, mimetype=media, headers=headers)


def read_body() -> bytes:
    """Return the request body, decompressed within the size limit."""
    limit = int(g.max_body)
    raw = request.get_data(cache=False)
    if len(raw) > limit:
        raise TooLarge(f"a body may have {limit} bytes, got {len(raw)}")
    return decompress(raw, request.headers.get("Content-Encoding", "identity"), limit)


def mount(app: Flask, routers: tuple[Router, ...]) -> None:
    """Register every router and the path conversion that ids with slashes need."""
    app.url_map.converters["text"] = TextConverter
    app.wsgi_app = KeepEncodedSlash(app.wsgi_app)  # type: ignore[method-assign]
    for router in routers:
        app.register_blueprint(router.blueprint())
    for root in ("/api", "/v1"):
        # Otherwise the pages' own catch-all would answer with HTML.
        app.add_url_rule(f"{root}/<path:rest>", f"no_route_{root[1:]}", _no_route)


def _no_route(rest: str) -> Response:
    raise NotFound(f"there is nothing to GET at {request.path}")
