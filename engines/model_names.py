"""Finds a model in a pinned table by the id under which a customer sends it."""

from __future__ import annotations

import re
from collections.abc import Iterable

_NOISE = re.compile(r"[\s_]+")
_QUANT = re.compile(r"-(?:fp16|bf16|int8|int4|awq|gptq|gguf|q\d\w*)$")


def match_name(model_id: str, names: Iterable[str]) -> str | None:
    """Return the name of a table that a model id means, or None.

    Parameters
    ----------
    model_id : str
        As sent, such as ``"meta-llama/Llama-3.1-70B-Instruct"`` or ``"mistral-7b:latest"``.
    names : iterable of str
        Names of the table, lower case with hyphens.

    Returns
    -------
    str or None
        The name that equals the id without its maker, its tag and a quantisation suffix. Nothing
        is guessed from a part of a name: ``gpt-4o-mini`` never matches ``gpt-4o``.

    Examples
    --------
    >>> match_name("meta-llama/Llama-3.1-70B-Instruct", ["llama-3.1-70b-instruct"])
    'llama-3.1-70b-instruct'
    >>> match_name("gpt-4o-mini", ["gpt-4o"]) is None
    True
    """
    name = _NOISE.sub("-", model_id.strip().lower().rsplit("/", 1)[-1])
    name = _QUANT.sub("", name.split(":", 1)[0].split("@", 1)[0])
    return name if name in set(names) else None
