"""A language model behind any OpenAI-compatible `/chat/completions`, asked for one JSON object."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3

from connectors.errors import NOT_JSON, ConnectorError, Refused, TooMuch, Unavailable

MAX_ANSWER_BYTES = 1_000_000
ATTEMPTS = 3
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
_NO_JSON_MODE = frozenset({400, 422})
"""What servers answer that do not know `response_format`."""


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class OpenAIJudge:
    """Sends two messages and returns the text of the answer, within one deadline.

    No error of this class holds the key, the address, or anything that the endpoint said.
    """

    def __init__(
        self,
        url: str,
        key: str,
        model: str,
        *,
        timeout_s: float = 20.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("a judge's URL looks like https://host/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise Refused("a judge's URL holds no user, password, query or fragment")
        if not (key.isascii() and key.isprintable()):
            raise Refused("a judge's key is printable ASCII")
        self.model = model
        self._url = url.rstrip("/").removesuffix("/chat/completions") + "/chat/completions"
        self._timeout_s = timeout_s
        self._sleep = sleep
        self._has_json_mode = True
        self._headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    def ask(self, system: str, user: str, *, max_output_tokens: int) -> str:
        """Return the text of the answer; `Unavailable` to come back later, `Refused` for a no."""
        deadline = time.monotonic() + self._timeout_s
        body = {
            "model": self.model,
            "temperature": 0,
            "max_tokens": max_output_tokens,
            "messages": [
                {"role": "system", "content": system},
                {"role": "user", "content": user},
            ],
        }
        for attempt in range(1, ATTEMPTS + 1):
            wait_s = 0.5 * 2 ** (attempt - 1)
            try:
                return self._once(body, deadline)
            except Unavailable as error:
                wait_s = max(wait_s, float(error.retry_after_s))
                if attempt == ATTEMPTS or time.monotonic() + wait_s >= deadline:
                    raise
                self._sleep(wait_s)
        raise Unavailable("the judge does not answer")

    def _once(self, body: dict[str, Any], deadline: float) -> str:  # JSON
        if self._has_json_mode:
            status, raw = self._send(body | {"response_format": {"type": "json_object"}}, deadline)
            if status not in _NO_JSON_MODE:
                return _text(status, raw)
            self._has_json_mode = False  # until the restart; the words of the request suffice
        return _text(*self._send(body, deadline))

    def _send(self, body: dict[str, Any], deadline: float) -> tuple[int, bytes]:  # JSON
        """Return status and body; a session per call, so no cookie or proxy is ever kept."""
        left = deadline - time.monotonic()
        if left <= 0:
            raise Unavailable("the judge does not answer in time", retry_after_s=0)
        try:
            with requests.Session() as session:
                session.trust_env = False
                with session.post(
                    self._url, data=msgspec.json.encode(body), timeout=left, stream=True,
                    headers=self._headers | {"Content-Type": "application/json"},
                    allow_redirects=False,  # the key goes to the configured host alone
                ) as answer:  # fmt: skip
                    if answer.status_code in _RETRIED:
                        raise Unavailable(
                            f"the judge answers with status {answer.status_code}",
                            retry_after_s=_seconds(answer.headers.get("Retry-After", "")),
                        )
                    return answer.status_code, _read(answer, deadline)
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            failure: ConnectorError = Unavailable("the judge does not answer in time")
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = Unavailable(
                f"the judge cannot be reached ({type(error).__name__})", retry_after_s=0
            )
        # Raised outside the handler: the cause would carry the address into a traceback.
        raise failure


def _read(answer: requests.Response, deadline: float) -> bytes:
    """Return the body up to its limit; a body that drips past the deadline is given up."""
    parts: list[bytes] = []
    size = 0
    while part := answer.raw.read1(65_536):
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise TooMuch(f"the judge's answer exceeds {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > deadline:
            raise Unavailable("the judge does not answer in time")
        parts.append(part)
    return b"".join(parts)


def _text(status: int, raw: bytes) -> str:
    """Return the words of the first choice."""
    if status != 200:
        raise Refused(f"the judge refuses with status {status}")
    try:
        found = msgspec.json.decode(raw, type=_Completion)
    except NOT_JSON:
        raise Refused("the judge's answer is no chat completion") from None
    if not found.choices or not found.choices[0].message.content:
        raise Refused("the judge's answer is empty")
    return found.choices[0].message.content


def _seconds(text: str) -> int:
    """Return a `Retry-After` in seconds; a date or anything else counts as none."""
    return min(int(text), 86_400) if text.isascii() and text.isdigit() and len(text) < 9 else 0
