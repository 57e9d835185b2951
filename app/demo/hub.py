"""The hub as a customer sees it: public routes over HTTP, and OpenTelemetry for traces."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import orjson
import requests

TIMEOUT_S = 30
_RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)


class HubError(RuntimeError):
    """The hub refused, or did not answer for a while."""


class Hub:
    """Sends telemetry; a request that fails for a passing reason is sent again."""

    def __init__(self, url: str, key: str = "") -> None:
        self.url = url.rstrip("/")
        self.headers = {"X-API-Key": key} if key else {}
        self._session = requests.Session()
        self._session.trust_env = False

    def wait_until_ready(self, limit_s: float = 60.0) -> None:
        """Return when the hub answers its readiness."""
        deadline = time.monotonic() + limit_s
        while time.monotonic() < deadline:
            try:
                if self._session.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except (requests.ConnectionError, requests.Timeout):
                pass  # not up yet, or too busy to answer
            time.sleep(0.3)
        raise HubError(f"no hub at {self.url} became ready within {limit_s:.0f} s")

    def get(self, path: str) -> Any:  # JSON
        """Return the data of a successful answer."""
        answer = self._session.get(f"{self.url}{path}", headers=self.headers, timeout=TIMEOUT_S)
        if answer.status_code >= 400:
            raise HubError(f"GET {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json()["data"]

    def send(self, kind: str, rows: Sequence[dict[str, Any]]) -> None:  # JSON
        """Send rows to ``/api/ingest/<kind>``; raise when the hub refuses any of them."""
        if not rows:
            return
        body = orjson.dumps({kind: rows})
        answer = self._post(f"/api/ingest/{kind}", body)
        if answer["data"]["rejected"]:
            raise HubError(f"{kind}: {answer['data']['rejected'][:3]}")

    def export_metrics(self, body: dict[str, Any] | None) -> None:  # OTLP as JSON
        """Send an OpenTelemetry export; raise when the hub refuses any of its points."""
        if body is None:
            return
        answer = self._post("/v1/metrics", orjson.dumps(body))
        if "partialSuccess" in answer:
            raise HubError(f"/v1/metrics: {answer['partialSuccess']}")

    def put(self, path: str, body: dict[str, Any]) -> None:  # JSON
        """Put a document, e.g. the registration of a model."""
        answer = self._session.put(
            f"{self.url}{path}", json=body, headers=self.headers, timeout=TIMEOUT_S
        )
        if answer.status_code >= 400:
            raise HubError(f"PUT {path}: {answer.status_code} {answer.text[:200]}")

    def post(self, path: str, body: dict[str, Any]) -> Any:  # JSON
        """Post a document, e.g. the report of a scanner; return the data of the answer."""
        return self._post(path, orjson.dumps(body))["data"]

    def _post(self, path: str, body: bytes) -> Any:  # JSON
        headers = self.headers | {"Content-Type": "application/json"}
        for wait in (*_RETRY_S, None):
            try:
                answer = self._session.post(
                    f"{self.url}{path}", data=body, headers=headers, timeout=TIMEOUT_S
                )
                if answer.status_code < 500 and answer.status_code != 429:
                    break
            except requests.ConnectionError:
                if wait is None:
                    raise HubError(f"the hub at {self.url} is gone") from None
            if wait is None:
                raise HubError(f"POST {path}: {answer.status_code} again and again")
            time.sleep(wait)
        if answer.status_code >= 400:
            raise HubError(f"POST {path}: {answer.status_code} {answer.text[:300]}")
        return answer.json()
