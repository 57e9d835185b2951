"""The VictoriaMetrics backend: a durable log in front, the server behind."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from connectors.errors import ConnectorError, Unavailable
from connectors.protocols import StoreHealth
from connectors.sqlite_metrics.catalogue import Catalogue
from connectors.sqlite_metrics.log import AppendLog
from connectors.victoriametrics.client import Addresses, Client
from connectors.victoriametrics.spool import Spool
from connectors.victoriametrics.store import VictoriaMetricsStore

_NAME = "victoriametrics"


def _wall_clock() -> int:
    return time.time_ns() // 1_000_000


class VictoriaMetricsBackend:
    """Metrics of all tenants in VictoriaMetrics, told apart by the label `aiobs_tenant`.

    `url` is a single node; a cluster passes `addresses`. The server should run with
    ``-dedup.minScrapeInterval=1ms``, which drops samples that are sent again, and with a
    ``-retentionPeriod`` that ends in a unit. `folder` holds the log of what is not yet safe there.
    """

    def __init__(
        self,
        folder: Path,
        url: str,
        *,
        addresses: Addresses | None = None,
        token: str | None = None,
        timeout_s: float = 30.0,
        hold_s: float = 30.0,
        max_waiting_samples: int = 50_000_000,
        clock: Callable[[], int] = _wall_clock,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._clock = clock
        self._max_waiting = max_waiting_samples
        self._catalogue = Catalogue()
        self._log = AppendLog(folder / "head.sqlite3", self._catalogue, clock)
        self._client = Client(addresses or Addresses.single(url), timeout_s=timeout_s, token=token)
        self._spool = Spool(folder, self._log, self._catalogue, self._client, hold_s)
        self._room_checked = 0.0
        self._spool.wake()  # what a former process left in the log

    def scoped(self, tenant: str) -> VictoriaMetricsStore:
        return VictoriaMetricsStore(
            tenant, self._log, self._spool, self._client, self._clock, self._check_room
        )

    def maintain(self, now_ms: int) -> None:
        """Forward what waits; an unreachable server is told by `health`, not raised."""
        with contextlib.suppress(ConnectorError):
            self._spool.forward()

    def settle(self) -> None:
        """Forward everything and make it searchable; for tests and after an import."""
        self._spool.forward()
        self._client.flush()

    def health(self) -> StoreHealth:
        stats = {"log_samples": float(self._log.waiting())}
        try:
            dedup = self._client.flag("dedup.minScrapeInterval")
        except ConnectorError as error:
            return StoreHealth(_NAME, False, str(error), stats)
        detail = self._spool.error
        if not detail and dedup in ("0s", "0"):
            detail = "samples sent twice count twice: run it with -dedup.minScrapeInterval=1ms"
        return StoreHealth(_NAME, not self._spool.error, detail, stats)

    def close(self) -> None:
        self._spool.close()
        self._log.close()
        self._client.close()

    def _check_room(self) -> None:
        if time.monotonic() - self._room_checked < 1.0:
            return
        if self._log.waiting() > self._max_waiting:
            raise Unavailable(
                f"VictoriaMetrics has not taken {self._max_waiting} samples that wait for it"
            )
        self._room_checked = time.monotonic()
