"""Compressed answers; what never changes under its address is compressed once and kept."""

from __future__ import annotations

import contextlib
import threading
from typing import Any

from flask import Flask, Response, request
from flask_compress import Compress

YEAR_S = 31_536_000
_MOST_KEPT = 256


class KeepingCompress(Compress):
    """Flask-Compress that remembers the bodies of files with a fingerprint in their address.

    A first load asks for about thirty of them; compressing Plotly alone takes 0.1 CPU seconds.
    """

    def __init__(self, app: Flask) -> None:
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, ...], tuple[bytes, str]] = {}
        super().__init__(app)

    def after_request(self, response: Response | None) -> Response:
        """Compress a response, or answer with the body that was compressed before."""
        if response is None or response.status_code != 200 or not _is_permanent(response):
            compressed: Response = super().after_request(response)
            return compressed
        accepted = request.headers.get("Accept-Encoding", "")
        key = (request.full_path, response.headers.get("ETag", ""), accepted)
        kept = self._kept.get(key)
        file: Any = response.response  # an iterable that closes its file, or a list
        with contextlib.closing(file) if hasattr(file, "close") else contextlib.nullcontext():
            response.direct_passthrough = False
            response.set_data(kept[0] if kept else response.get_data())
        if kept is None:
            response = super().after_request(response)
            if response.status_code == 200:
                encoding = response.headers.get("Content-Encoding", "")
                self._remember(key, (response.get_data(), encoding))
            return response
        return _dressed(response, kept[1])

    def _remember(self, key: tuple[str, ...], kept: tuple[bytes, str]) -> None:
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()  # somebody tries addresses; the real ones come back
            self._kept[key] = kept


def _is_permanent(response: Response) -> bool:
    return (response.cache_control.max_age or 0) >= YEAR_S


def _dressed(response: Response, encoding: str) -> Response:
    """Give a kept body the headers that it had when it was compressed."""
    response.vary.add("Accept-Encoding")
    if encoding:
        response.headers["Content-Encoding"] = encoding
        tag, is_weak = response.get_etag()
        if tag:
            response.set_etag(f"{tag}:{encoding}", weak=bool(is_weak))
    response.make_conditional(request)
    return response
