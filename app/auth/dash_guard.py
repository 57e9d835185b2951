"""Checks the body of Dash's one callback URL before Dash sees it: Dash answers 500 to nonsense."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import current_app, request

from services.errors import Malformed, UnsupportedMedia


class _Property(msgspec.Struct):
    id: str | dict[str, Any]  # a pattern-matching id is a JSON object
    property: str
    value: Any = None  # whatever the component holds


class _Body(msgspec.Struct):
    output: str
    inputs: list[_Property | list[_Property]]
    outputs: Any = None  # checked against the callback map through `output`
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
    except msgspec.DecodeError as error:
        raise Malformed(f"not a callback: {error}") from error
    known = current_app.extensions["aiobs_dash_outputs"]()
    if body.output not in known:
        raise Malformed("not a callback of this application")
    wired = known[body.output]
    if (len(body.inputs), len(body.state)) != (len(wired["inputs"]), len(wired["state"])):
        raise Malformed("not the inputs of this callback")
