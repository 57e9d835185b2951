"""JSON out and compressed bodies in."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import msgspec
import numpy as np

from engines.sentence import Sentence
from i18n import tell
from services.errors import Malformed, TooLarge, UnsupportedMedia


def _plain(value: Any, language: str = "en") -> Any:  # whatever msgspec does not know
    if isinstance(value, Sentence):
        return str(value) if language == "en" else tell(value, locale=language)
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, frozenset | set):
        return sorted(value)
    raise NotImplementedError(f"no JSON form for {type(value).__name__}")


@lru_cache
def _encode_in(language: str) -> Callable[[Any], bytes]:
    return msgspec.json.Encoder(enc_hook=partial(_plain, language=language)).encode


def encode_json(value: Any, language: str = "en") -> bytes:
    """Return `value` as JSON; dataclasses, structs and numpy arrays included, NaN as null.

    Sentences of engines are English unless another of the ten languages is asked for.
    """
    return _encode_in(language)(value)


def decompress(raw: bytes, encoding: str, limit: int) -> bytes:
    """Return the decoded body; a body that grows beyond `limit` is refused before it does."""
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return raw
    if encoding not in ("gzip", "deflate"):
        raise UnsupportedMedia(f"Content-Encoding {encoding!r} is not read; send gzip or identity")
    inflater = zlib.decompressobj(wbits=47 if encoding == "gzip" else 15)
    try:
        out = inflater.decompress(raw, limit + 1)
    except zlib.error as error:
        raise Malformed(f"the body is not valid {encoding}: {error}") from error
    if len(out) > limit:
        raise TooLarge(f"a body may have {limit} bytes after decompression")
    if not inflater.eof:
        raise Malformed(f"the {encoding} body ends early")
    return out
