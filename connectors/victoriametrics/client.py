"""HTTP to VictoriaMetrics: what it answers, or the connector error that says why it did not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import requests

from connectors.errors import NOT_JSON, Refused, TooMuch, Unavailable

_TOO_MUCH = ("exceeds", "too many", "cannot return more", "the number of matching")
_EARLIEST = "1"  # a second of 1970: without a start, VictoriaMetrics looks back minutes only


class Addresses(msgspec.Struct, frozen=True):
    """Prefixes of the routes; a cluster has three, a single node has one for all."""

    write: str
    read: str
    delete: str

    @classmethod
    def single(cls, url: str) -> Addresses:
        plain = url.rstrip("/")
        return cls(plain, plain, plain)


class Client:
    """Requests with a timeout over a pool of connections."""

    def __init__(self, addresses: Addresses, *, timeout_s: float, token: str | None) -> None:
        self._addresses = addresses
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._session.trust_env = False
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=32)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def write(self, lines: bytes) -> None:
        self._send("POST", self._addresses.write + "/api/v1/import", data=lines).close()

    def flush(self) -> None:
        """Make what was written searchable; a cluster has no such route on its insert nodes."""
        self._send("GET", self._addresses.write + "/internal/force_flush").close()

    def delete(self, match: str) -> None:
        url = self._addresses.delete + "/api/v1/admin/tsdb/delete_series"
        self._send("POST", url, data={"match[]": match}).close()

    def started(self) -> str:
        """Return what changes when the server restarts: the second of its start."""
        answer = self._send("GET", self._addresses.write + "/metrics")
        wanted = ("process_start_time_seconds", "vm_app_start_timestamp")
        found = [line for line in answer.text.splitlines() if line.startswith(wanted)]
        return found[0] if found else ""

    def flag(self, name: str) -> str | None:
        """Return the value of a command-line flag as the server exposes it."""
        answer = self._send("GET", self._addresses.write + "/metrics")
        for line in answer.text.splitlines():
            if line.startswith("flag{") and f'name="{name}"' in line:
                return line.split('value="', 1)[1].split('"', 1)[0]
        return None

    def read(self, path: str, **fields: Any) -> Any:  # JSON of any shape
        """Return `data` of a Prometheus answer."""
        answer = self._send("POST", self._addresses.read + path, data=fields)
        try:
            body = msgspec.json.decode(answer.content, type=dict[str, Any])
        except NOT_JSON as error:  # such as the page of a proxy
            raise Unavailable("what answers for VictoriaMetrics writes no JSON") from error
        if body.get("isPartial"):
            raise Unavailable("VictoriaMetrics answered in part: a storage node does not respond")
        return body["data"]

    def series(self, match: str) -> list[dict[str, str]]:
        labels: list[dict[str, str]] = self.read(
            "/api/v1/series", **{"match[]": match, "start": _EARLIEST}
        )
        return labels

    def values(self, label: str, match: str) -> list[str]:
        fields = {"match[]": match, "start": _EARLIEST}
        found: list[str] = self.read(f"/api/v1/label/{label}/values", **fields)
        return found

    def export(self, match: str, start_ms: int, last_ms: int) -> Iterator[bytes]:
        """Yield JSON lines of the raw samples in [start, last]."""
        fields = {"match[]": match, "start": _seconds(start_ms), "end": _seconds(last_ms)}
        url = self._addresses.read + "/api/v1/export"
        with self._send("POST", url, data=fields, stream=True) as answer:
            try:
                yield from _lines(answer.iter_content(1 << 20))
            except requests.RequestException as error:
                raise Unavailable(f"VictoriaMetrics stopped answering: {error}") from error

    def _send(self, method: str, url: str, **options: Any) -> requests.Response:
        try:
            answer = self._session.request(method, url, timeout=self._timeout_s, **options)
        except requests.RequestException as error:
            raise Unavailable(f"VictoriaMetrics does not answer: {type(error).__name__}") from error
        if answer.ok:
            return answer
        text = answer.text[:500]
        answer.close()
        if any(words in text for words in _TOO_MUCH):
            raise TooMuch(f"VictoriaMetrics: {text}")
        if answer.status_code in (429, 500, 502, 503, 504):
            raise Unavailable(f"VictoriaMetrics answered {answer.status_code}: {text}")
        raise Refused(f"VictoriaMetrics answered {answer.status_code}: {text}")

    def close(self) -> None:
        self._session.close()


def _seconds(moment_ms: int) -> str:
    return f"{moment_ms // 1_000}.{moment_ms % 1_000:03d}"


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        yield from lines
    if rest:
        yield rest
