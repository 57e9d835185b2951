"""Forwards the append log to VictoriaMetrics, and keeps frames until they are safe there.

VictoriaMetrics acknowledges samples that it holds in memory: killed, it loses the last ten seconds
or so. A frame therefore stays in the log for `hold_s` after it was sent, and everything in the log
is sent again when the server has restarted since.
"""

from __future__ import annotations

import fcntl
import logging
import threading
import time
from collections import deque
from pathlib import Path

import numpy as np
import orjson

from connectors.errors import ConnectorError, Refused
from connectors.sqlite_metrics.catalogue import Catalogue
from connectors.sqlite_metrics.log import AppendLog, Frame, read_frames
from connectors.sqlite_metrics.tail import last_writes
from connectors.telemetry import Series
from connectors.victoriametrics.client import Client
from connectors.victoriametrics.metricsql import TENANT_LABEL

_log = logging.getLogger(__name__)
_BATCH_SAMPLES = 200_000
_PAUSE_S = 1.0  # between attempts while the server does not answer
_FOLLOWING_S = 0.05  # between batches: lets many small commits travel as one request


class Spool:
    """One forwarder per folder: the process that holds the lock file sends for all."""

    def __init__(
        self, folder: Path, log: AppendLog, catalogue: Catalogue, client: Client, hold_s: float
    ) -> None:
        self._log = log
        self._catalogue = catalogue
        self._client = client
        self._hold_s = hold_s
        self._lock_file = (folder / "forward.lock").open("a")
        self._forwarding = threading.Lock()
        self._sent_id = 0
        self._held: deque[tuple[int, float]] = deque()
        self._server = ""
        self._prefixes: dict[int, bytes] = {}
        self.error = ""
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """Say that there is something to send."""
        if self._thread is None:
            with self._forwarding:
                if self._thread is None and not self._stop.is_set():
                    self._thread = threading.Thread(target=self._follow, daemon=True)
                    self._thread.start()
        self._wake.set()

    def forward(self) -> bool:
        """Send what waits; whether all of it is sent, by this process or by another."""
        with self._forwarding:
            if not self._is_ours():
                return False
            try:
                self._resend_after_restart()
                while self._send_batch():
                    pass
                self._release()
                self.error = ""
            except ConnectorError as error:
                self.error = str(error)
                raise
            return True

    def _is_ours(self) -> bool:
        try:
            fcntl.flock(self._lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _resend_after_restart(self) -> None:
        server = self._client.started()
        if server != self._server:
            self._server = server
            self._sent_id = 0
            self._held.clear()

    def _send_batch(self) -> bool:
        with self._log.readers.snapshot() as head:
            self._catalogue.refresh(head)
            frames = read_frames(head, self._sent_id, _BATCH_SAMPLES)
        if not frames:
            return False
        lines = self._encode(frames)
        if lines:
            try:
                self._client.write(lines)
            except Refused as error:  # sending it again will not help: go on with what follows
                n = sum(len(frame.sids) for frame in frames)
                _log.error("VictoriaMetrics refused %d samples, which are lost: %s", n, error)
        self._sent_id = frames[-1].id
        self._held.append((self._sent_id, time.monotonic()))
        return True

    def _release(self) -> None:
        done = 0
        while self._held and time.monotonic() - self._held[0][1] >= self._hold_s:
            done, _ = self._held.popleft()
        if done:
            self._log.remove_up_to(done)

    def _encode(self, frames: list[Frame]) -> bytes:
        samples = last_writes(
            np.concatenate([f.sids for f in frames]).astype(np.int64),
            np.concatenate([f.timestamps_ms for f in frames]),
            np.concatenate([f.values for f in frames]),
        )
        edges = np.flatnonzero(np.diff(samples.rows)) + 1
        bounds = [0, *edges.tolist(), len(samples)]
        known = self._catalogue.members()
        parts: list[bytes] = []
        for start, end in zip(bounds[:-1], bounds[1:], strict=True):
            if start == end or (owner := known.get(sid := int(samples.rows[start]))) is None:
                continue  # nothing, or a series deleted since
            prefix = self._prefixes.get(sid)
            if prefix is None:
                prefix = self._prefixes[sid] = line_prefix(*owner)
            values = orjson.dumps(samples.values[start:end], option=orjson.OPT_SERIALIZE_NUMPY)
            stamps = orjson.dumps(
                samples.timestamps_ms[start:end], option=orjson.OPT_SERIALIZE_NUMPY
            )
            parts += (prefix, values, b',"timestamps":', stamps, b"}\n")
        return b"".join(parts)

    def _follow(self) -> None:
        while not self._stop.is_set():
            self._wake.wait(1.0)
            self._wake.clear()
            try:
                self.forward()
                self._stop.wait(_FOLLOWING_S)
            except ConnectorError:
                self._stop.wait(_PAUSE_S)

    def close(self) -> None:
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._lock_file.close()


def line_prefix(tenant: str, series: Series) -> bytes:
    """Return the beginning of an import line, up to its values."""
    labels = {**dict(series.labels), "__name__": series.name, TENANT_LABEL: tenant}
    return b'{"metric":' + orjson.dumps(labels) + b',"values":'
