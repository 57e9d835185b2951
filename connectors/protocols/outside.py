"""Services of others that the hub calls."""

from __future__ import annotations

from typing import Protocol


class JudgeModel(Protocol):
    """A language model that answers a question with text; `model` is its name."""

    @property
    def model(self) -> str: ...

    def ask(self, system: str, user: str, *, max_output_tokens: int) -> str:
        """Return the text of the answer, within the timeout it was opened with."""
        ...


class Notifier(Protocol):
    """Delivers an alert to people."""

    def notify(self, title: str, body: str, severity: str, dedup_key: str, link: str) -> None: ...
