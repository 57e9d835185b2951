"""Services of others that the hub calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec


class CosignAnswer(msgspec.Struct, frozen=True):
    """What a witness says: the lines of its signature, or the size that it remembers instead.

    Neither: the proof does not hold against what it remembers.
    """

    lines: str = ""
    remembers: int | None = None


class JudgeModel(Protocol):
    """A language model that answers a question with text; `model` is its name."""

    @property
    def model(self) -> str: ...

    def ask(self, system: str, user: str, *, max_output_tokens: int) -> str:
        """Return the text of the answer, within the timeout it was opened with."""
        ...


class Witness(Protocol):
    """Somebody apart from the hub who remembers its checkpoints; `key` is its verifier key."""

    @property
    def key(self) -> str: ...

    def cosign(self, old: int, path: Sequence[bytes], note: str) -> CosignAnswer:
        """Ask for a cosignature under `note`, with the proof that it continues `old` entries."""
        ...


class Notifier(Protocol):
    """Delivers an alert to people."""

    def notify(self, title: str, body: str, severity: str, dedup_key: str, link: str) -> None: ...
