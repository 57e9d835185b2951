"""Runs the JOBS: each tick of each job at most once over all processes.

A tick is claimed in the record store (unique by job and time) under a lease on the job, so two
processes never run the same tick, and a job that outlasts its period is not run beside itself. A
process that dies loses its lease after `LEASE_S`; the next tick then runs elsewhere. Jobs are
idempotent by design.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from app.memory import give_back, settle
from connectors.errors import ConnectorError
from connectors.protocols import Lock
from services import jobs
from services.identity import Principal
from services.tenants import DEFAULT_TENANT, tenant_ids
from services.workspace import Backends, Workspace, in_workspace

log = logging.getLogger("aiobs.scheduler")

LEASE_S = 60.0
"""Longest silence of a dead holder; longer than any single tick of one job and tenant takes."""


@dataclass(frozen=True, slots=True)
class Job:
    """One line of the table: what runs, how often, and on which lane."""

    name: str
    period_s: float
    run: Callable[[Workspace], object]
    lane: str = "slow"


JOBS: tuple[Job, ...] = (
    Job("roll_up", 5, jobs.roll_up, lane="fast"),
    Job("update_sketches", 30, jobs.update_sketches),
    Job("track_usage", 15, jobs.track_usage, lane="usage"),
    Job("evaluate_objectives", 30, jobs.evaluate_objectives, lane="usage"),
    Job("scan_security", 15, jobs.scan_security),
    Job("refresh_models", 30, jobs.refresh_models),
    Job("evaluate_alerts", 15, jobs.evaluate_alerts),
    Job("explain_incidents", 30, jobs.explain_incidents),
    Job("sign_audit", 60, jobs.sign_audit, lane="usage"),
    Job("witness_audit", 60, jobs.witness_audit, lane="witness"),
    Job("verify_audit", 300, jobs.verify_audit, lane="past"),
    Job("fill_gaps", 5, jobs.fill_gaps, lane="past"),
    Job("push_metrics", 5, jobs.push_metrics, lane="fast"),
)
"""Per tenant. Housekeeping of the stores themselves runs beside them, in `Scheduler`."""

MAINTAIN_PERIOD_S, TRIM_PERIOD_S = 2.0, 60.0
SETTLED_AFTER = (1, 10)
"""Trims: the hub stands by the first, and most pages were seen by the tenth."""


@dataclass(slots=True)
class Scheduler:
    """The tick loops of one process: one thread a lane, so that slow analyses never delay
    rollups."""

    backends: Backends
    jobs: tuple[Job, ...] = JOBS
    owner: str = field(default_factory=lambda: f"{socket.gethostname()}:{os.getpid()}")
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    last_run_ms: dict[str, int] = field(default_factory=dict)

    def start(self) -> None:
        """Start the lanes and the housekeeping as daemon threads."""
        lanes = sorted({job.lane for job in self.jobs})
        targets: list[tuple[str, Callable[[], None]]] = [
            (lane, lambda lane=lane: self._loop(lane))  # type: ignore[misc]
            for lane in lanes
        ]
        targets.append(("maintain", self._maintain_loop))
        for name, target in targets:
            thread = threading.Thread(target=target, name=f"aiobs-{name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Stop after the tick in progress."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def _loop(self, lane: str) -> None:
        mine = [job for job in self.jobs if job.lane == lane]
        due = {job.name: 0.0 for job in mine}
        while not self._stop.is_set():
            now = time.time()
            for job in mine:
                if now >= due[job.name]:
                    self.tick(job, now)
                    due[job.name] = (time.time() // job.period_s + 1) * job.period_s
            self._stop.wait(max(0.05, min(due.values()) - time.time()))

    def tick(self, job: Job, now_s: float) -> int:
        """Run the current tick of a job for every tenant that no other process runs; how many."""
        scheduled_ms = int(now_s // job.period_s * job.period_s * 1_000)
        done = 0
        for tenant in self._tenants():
            try:
                done += self._run(job, tenant, scheduled_ms)
            except ConnectorError as error:
                log.warning("job %s of %s waits: %s", job.name, tenant, error)
            except Exception:
                log.exception("job %s of %s failed", job.name, tenant)
        self.last_run_ms[job.name] = self.backends.clock()
        return done

    def _run(self, job: Job, tenant: str, scheduled_ms: int) -> int:
        lock: Lock = self.backends.records.lock()
        name = f"{job.name}/{tenant}"
        lease = lock.acquire(name, self.owner, LEASE_S)
        if lease is None:
            return 0
        try:
            if not self.backends.records.claim_run(name, scheduled_ms, self.owner):
                return 0
            with in_workspace(self._workspace(tenant)) as ws:
                job.run(ws)
            return 1
        finally:
            lock.release(lease)

    def _tenants(self) -> list[str]:
        try:
            return tenant_ids(self._workspace(DEFAULT_TENANT))
        except ConnectorError as error:
            log.warning("tenants cannot be listed: %s", error)
            return []

    def _workspace(self, tenant: str) -> Workspace:
        principal = Principal("scheduler", tenant, ("scheduler",), "scheduler", "scheduler")
        return self.backends.workspace(principal)

    def _maintain_loop(self) -> None:
        trimmed, trims = time.monotonic(), 0
        while not self._stop.wait(MAINTAIN_PERIOD_S):
            if time.monotonic() - trimmed >= TRIM_PERIOD_S:
                trimmed, trims = time.monotonic(), trims + 1
                if trims in SETTLED_AFTER:
                    settle()
                give_back()
            for backend in (self.backends.metrics, self.backends.events):
                try:
                    backend.maintain(self.backends.clock())
                except ConnectorError as error:
                    log.warning("housekeeping waits: %s", error)
                except Exception:
                    log.exception("housekeeping failed")
