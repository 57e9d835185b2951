"""Checks the body of Dash's one callback URL before Dash sees it: Dash answers 500 to nonsense."""

from __future__ import annotations

from typing import Any

import msgspec
from dash import Output
from flask import current_app, request

from connectors.errors import NOT_JSON
from services.errors import Malformed, UnsupportedMedia


class _Output(msgspec.Struct):
    id: str | dict[str, Any]  # a pattern-matching id is a JSON object
    property: str


class _Property(_Output):
    value: Any = None  # whatever the component holds


class _Body(msgspec.Struct):
    output: str
    outputs: _Output | list[_Output]
    inputs: list[_Property | list[_Property]]
    changedPropIds: list[str] = []
    state: list[_Property | list[_Property]] = []
    parsedChangedPropsIds: list[Any] = []


_decoder = msgspec.json.Decoder(_Body)


def check_dash_body() -> None:
    """Raise `Malformed` unless the body names a callback that exists, in Dash's shape."""
    if request.mimetype != "application/json":
        raise UnsupportedMedia("send application/json")
    try:
        body = _decoder.decode(request.get_data(cache=True))
    except NOT_JSON as error:
        raise Malformed(f"not a callback: {error}") from error
    known = current_app.extensions["aiobs_dash_outputs"]()
    wired = known.get(body.output)
    if wired is None or "callback" not in wired:  # those of the browser have no function here
        raise Malformed("not a callback of this application")
    if (len(body.inputs), len(body.state)) != (len(wired["inputs"]), len(wired["state"])):
        raise Malformed("not the inputs of this callback")
    if _as_dash(body.outputs) != wired["output"]:
        raise Malformed("not the outputs of this callback")


def _as_dash(outputs: _Output | list[_Output]) -> Any:  # as the callback map holds them
    if isinstance(outputs, list):
        return [_as_dash(one) for one in outputs]
    return Output(outputs.id, outputs.property.split("@")[0])  # `@` marks a second writer of it
