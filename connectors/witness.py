"""A witness of audit chains behind C2SP tlog-witness (`POST /add-checkpoint`)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from urllib.parse import urlsplit

import requests
import urllib3

from connectors.errors import ConnectorError, Refused, Unavailable
from connectors.protocols import CosignAnswer

MAX_ANSWER_BYTES = 65_536
_CONTRADICTED = 422
_OTHER_SIZE = 409


class HttpWitness:
    """Sends a checkpoint with its proof and returns what the witness says."""

    def __init__(self, url: str, key: str, *, timeout_s: float = 10.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Refused("a witness's URL looks like https://host")
        self.key = key
        self._url = url.rstrip("/") + "/add-checkpoint"
        self._timeout_s = timeout_s

    def cosign(self, old: int, path: Sequence[bytes], note: str) -> CosignAnswer:
        """Return the witness's answer; `Unavailable` to ask again later, `Refused` for a no."""
        steps = "".join(f"{base64.b64encode(step).decode()}\n" for step in path)
        status, text = self._send(f"old {old}\n{steps}\n{note}".encode())
        if status == 200:
            return CosignAnswer(lines=text)
        if status == _OTHER_SIZE and text.strip().isdecimal():
            return CosignAnswer(remembers=int(text))
        if status == _CONTRADICTED:
            return CosignAnswer()
        if status == 429 or status >= 500:
            raise Unavailable(f"the witness answers with status {status}")
        raise Refused(f"the witness refuses with status {status}")

    def _send(self, body: bytes) -> tuple[int, str]:
        failure: ConnectorError
        try:
            with requests.Session() as session:
                session.trust_env = False
                with session.post(
                    self._url, data=body, timeout=self._timeout_s, stream=True,
                    headers={"Content-Type": "text/plain; charset=utf-8"}, allow_redirects=False,
                ) as answer:  # fmt: skip
                    raw = answer.raw.read(MAX_ANSWER_BYTES + 1)
                    if len(raw) > MAX_ANSWER_BYTES:
                        raise Refused("the witness's answer is too long")
                    return answer.status_code, raw.decode(errors="replace")
        except (requests.Timeout, urllib3.exceptions.TimeoutError):
            failure = Unavailable("the witness does not answer in time")
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            failure = Unavailable(f"the witness cannot be reached ({type(error).__name__})")
        raise failure
