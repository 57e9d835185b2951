"""The OpenAPI document, generated from the routes; `/api/docs` shows it with files of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec
from flask import Blueprint, Flask, Response

from app.api.encoding import encode_json
from app.api.routing import Route, Router
from app.api.schemas import Schema, Schemas
from connectors.otlp import JSON, PROTOBUF

TITLE = "AIOBS, the AI Observability Hub"
_ERRORS = {
    400: "Malformed request", 401: "No valid credential", 403: "Permission missing",
    404: "Not there, or another tenant's", 409: "Conflict", 413: "Too large",
    415: "Media type not read", 422: "Understood but invalid", 429: "Too many requests",
    503: "A dependency is down",
}  # fmt: skip
_ALWAYS = (401, 403, 503)
_STATUS: Schema = {
    "type": "object", "description": "google.rpc.Status",
    "properties": {"message": {"type": "string"}},
}  # fmt: skip


def document(routers: Sequence[Router]) -> dict[str, Any]:  # JSON
    """Return the OpenAPI 3.1 document of all routes."""
    schemas = Schemas()
    schemas.of(Failure)
    paths: dict[str, Any] = {}  # JSON
    for route in (route for router in routers for route in router.routes):
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1"},
        "paths": paths,
        "components": {
            "schemas": schemas.components,
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
        },
        "security": [{"key": []}, {"bearer": []}],
    }


class Failure(msgspec.Struct, frozen=True):
    """The failure envelope."""

    success: bool
    error: str
    code: str
    details: dict[str, Any] = {}  # JSON


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:  # JSON
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.handler.__module__.rsplit('.', 1)[-1]}_{route.handler.__name__}",
        "tags": [route.path.split("/")[2] if route.path.startswith("/api/") else "otlp"],
        "x-permission": route.permission,
        "parameters": [*_path_parameters(route), *_query_parameters(route, schemas)],
        "responses": _responses(route, schemas),
    }
    if isinstance(route.body, str):
        kinds = re.findall(r"[\w.+-]+/[\w.+-]+", route.body)
        content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
        operation["requestBody"] = {"required": True, "content": content}
    elif route.body is not None:
        body = {"application/json": {"schema": schemas.of(route.body)}}
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:  # JSON
    names = re.findall(r"<(?:\w+:)?(\w+)>", route.path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in names
    ]


def _query_parameters(route: Route, schemas: Schemas) -> list[dict[str, Any]]:  # JSON
    if route.query is None:
        return []
    return [
        {"name": field.encode_name, "in": "query", "schema": schemas.of(field.type)}
        for field in msgspec.structs.fields(route.query)
    ]


def _responses(route: Route, schemas: Schemas) -> dict[str, Any]:  # JSON
    failure: Schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
    if route.path.startswith("/v1/"):
        failure = {kind: {"schema": _STATUS} for kind in (JSON, PROTOBUF)}
    success: dict[str, Any] = {"description": "Success"}  # JSON
    if route.produces != "application/json":
        success["content"] = {route.produces: {"schema": {"type": "string", "format": "binary"}}}
    elif route.returns is not None:  # a file or an empty answer otherwise
        envelope = {
            "type": "object",
            "required": ["success", "data"],
            "properties": {"success": {"const": True}, "data": schemas.of(route.returns)},
        }
        success["content"] = {"application/json": {"schema": envelope}}
    has_input = route.query is not None or route.body is not None or "<" in route.path
    bad_input = (400,) if has_input else ()
    codes = sorted({*_ALWAYS, *bad_input, *route.errors})
    return {str(route.status): success} | {
        str(code): {"description": _ERRORS[code], "content": failure} for code in codes
    }


_DOCS = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<title>AIOBS API</title><link rel="stylesheet" href="/assets/vendor/swagger-ui.css"></head>
<body><div id="swagger"></div><script src="/assets/vendor/swagger-ui-bundle.js"></script>
<script src="/assets/api-docs.js"></script></body></html>"""


def install(app: Flask, routers: Sequence[Router]) -> None:
    """Add ``/api/openapi.json`` and ``/api/docs``."""
    blueprint = Blueprint("openapi", __name__)
    described = cache(lambda: encode_json(document(routers)))

    @blueprint.get("/api/openapi.json")
    def openapi() -> Response:
        return Response(described(), mimetype="application/json")

    @blueprint.get("/api/docs")
    def docs() -> Response:
        return Response(_DOCS, mimetype="text/html")

    app.register_blueprint(blueprint)
