"""Long analyses as jobs: they run beside the reader, say how far they are, and can be stopped."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable
from concurrent.futures import wait
from typing import Literal, TypeVar

import msgspec

from engines.errors import EngineError, InsufficientData
from engines.sentence import Sentence, say
from services.errors import AIOBSError, NotFound
from services.identity import permitted
from services.times import MINUTE_MS
from services.workspace import Workspace

log = logging.getLogger("aiobs.analyses")

KEPT_S = 900.0
"""How long a finished analysis and the state of its job are kept."""
LOST_MS = 10 * MINUTE_MS
"""A job that runs longer was lost with its process; asking again starts a new one."""
LONG_MS = 1_500
"""A renewal that takes no longer than this is not worth a reader's notice."""
LOOK_S = 0.25
"""How often a running analysis looks whether somebody stopped it, and says how far it is."""

T = TypeVar("T", bound=msgspec.Struct)
State = Literal["running", "done", "failed", "stopped"]


class Stopped(Exception):
    """Somebody stopped this analysis, or the hub is closing."""


class Job(msgspec.Struct, frozen=True):
    """How far an analysis is: its stage, and the share of the stage that is done where known."""

    id: str
    what: str
    state: State
    stage: str
    started_ms: int
    updated_ms: int
    reason: str = ""
    share: float | None = None
    took_ms: int = 0  # the last time


class JobProgress:
    """What an analysis calls on its way; both methods raise `Stopped` once it is not wanted."""

    def __init__(self, ws: Workspace, job: Job) -> None:
        self._ws, self.job, self._looked_s = ws, job, 0.0

    def begin(self, stage: str) -> None:
        """Say which stage begins."""
        self._say(stage, None)

    def at(self, share: float) -> None:
        """Say which share of the stage is done; cheap enough for the innermost loop."""
        if self._ws.workers.is_closing or time.monotonic() - self._looked_s >= LOOK_S:
            self._say(self.job.stage, share)

    def _say(self, stage: str, share: float | None) -> None:
        self._looked_s = time.monotonic()
        is_stopped = self._ws.cache.get(_stop_key(self._ws, self.job.id), bool)
        if is_stopped or self._ws.workers.is_closing:
            raise Stopped
        self.job = _note(self._ws, self.job, stage=stage, share=share)


@permitted("causal:read")
def get_job(ws: Workspace, job_id: str) -> Job:
    """Return the state of an analysis; `NotFound` when it never ran or was forgotten."""
    job = ws.cache.get(_job_key(ws, job_id), Job)
    if job is None:
        raise NotFound(say("reasons.no_such_analysis", "there is no analysis {id}", id=job_id))
    return job


@permitted("causal:read")
def stop_job(ws: Workspace, job_id: str) -> Job:
    """Stop an analysis within a moment; one that ended is forgotten, so that the next who asks
    starts it anew."""
    job = get_job(ws, job_id)
    if job.state == "running":
        ws.cache.put(_stop_key(ws, job_id), True, bool, fresh_s=KEPT_S)
        return _note(ws, job, state="stopped")
    _forget(ws, job_id)
    return job


@permitted("causal:read")
def follow(
    ws: Workspace,
    what: str,
    kind: type[T],
    compute: Callable[[JobProgress], T],
    *,
    fresh_s: float = 30.0,
    patience_s: float = LONG_MS / 1_000,
) -> T | Job:
    """Return the analysis, an older one while it is renewed, or the job that is making it.

    A quick analysis is simply returned: only one that outlasts `patience_s` becomes a job that the
    reader sees.
    """
    job_id = _job_id(ws, what)
    known = ws.cache.get(_found_key(ws, job_id), kind)
    job = ws.cache.get(_job_key(ws, job_id), Job)
    now = ws.now_ms()
    if known is not None and job is not None and now - job.updated_ms < fresh_s * 1_000:
        return known
    if job is not None and (job.state == "stopped" or (job.state == "failed" and known is None)):
        return known or job  # what somebody stopped starts anew when somebody asks for it
    if job is None or job.state != "running" or now - job.started_ms > LOST_MS:
        took_ms = job.updated_ms - job.started_ms if job and job.state == "done" else 0
        job = Job(job_id, what, "running", "waiting", now, now, took_ms=took_ms)
        _start(ws, job, kind, compute)
    at_work = ws.workers.at_work(job_id)
    if known is None and at_work is not None:
        wait([at_work], timeout=patience_s)
    found = ws.cache.get(_found_key(ws, job_id), kind)
    return found if found is not None else ws.cache.get(_job_key(ws, job_id), Job) or job


@permitted("causal:read")
def renewal(ws: Workspace, what: str) -> Job | None:
    """Return the job that renews an analysis whose older result is shown meanwhile: one that runs,
    or ran the last time, for longer than a reader waits at once; or that somebody stopped."""
    job = ws.cache.get(_job_key(ws, _job_id(ws, what)), Job)
    if job is None or job.state not in ("running", "stopped"):
        return None
    is_long = max(job.updated_ms - job.started_ms, job.took_ms) > LONG_MS
    return job if job.state == "stopped" or is_long else None


def _start(ws: Workspace, job: Job, kind: type[T], compute: Callable[[JobProgress], T]) -> None:
    def announce() -> None:
        _forget(ws, job.id)
        ws.cache.put(_job_key(ws, job.id), job, Job, fresh_s=KEPT_S)

    ws.workers.start(job.id, announce, lambda: _work(ws, job, kind, compute))


def _work(ws: Workspace, job: Job, kind: type[T], compute: Callable[[JobProgress], T]) -> None:
    progress = JobProgress(ws, job)
    try:
        progress.begin("reading")
        found = compute(progress)
        progress.begin("done")
        ws.cache.put(_found_key(ws, job.id), found, kind, fresh_s=KEPT_S)
        _note(ws, progress.job, state="done")
    except Stopped:
        log.info("analysis %s was stopped", job.id)
        if ws.workers.is_closing:
            _forget(ws, job.id)  # another process of the hub may start it anew
        else:
            _note(ws, progress.job, state="stopped")
    except (AIOBSError, EngineError) as error:
        _note(ws, progress.job, state="failed", reason=_why(error))
    except Exception:
        log.exception("analysis %s failed", job.id)
        reason = say("reasons.analysis_failed", "the analysis failed; the log says why")
        _note(ws, progress.job, state="failed", reason=reason)


def _why(error: AIOBSError | EngineError) -> Sentence:
    if isinstance(error, InsufficientData) and isinstance(error.reason, Sentence):
        return error.reason
    if isinstance(error, AIOBSError) and isinstance(error.message, Sentence):
        return error.message
    return say("reasons.analysis_refused", "this cannot be analysed: {detail}", detail=str(error))


def _note(
    ws: Workspace,
    job: Job,
    *,
    state: State = "running",
    stage: str | None = None,
    share: float | None = None,
    reason: str = "",
) -> Job:
    changed = msgspec.structs.replace(
        job, state=state, stage=stage or job.stage, share=share, reason=reason,
        updated_ms=ws.now_ms(),
    )  # fmt: skip
    ws.cache.put(_job_key(ws, job.id), changed, Job, fresh_s=KEPT_S)
    return changed


def _forget(ws: Workspace, job_id: str) -> None:
    """Forget the state of a job and that it was stopped; what it found stays."""
    ws.cache.invalidate(_job_key(ws, job_id))


def _job_id(ws: Workspace, what: str) -> str:
    return hashlib.sha256(f"{ws.tenant}|{what}".encode()).hexdigest()[:16]


def _job_key(ws: Workspace, job_id: str) -> str:
    return f"{ws.tenant}/job/{job_id}"


def _stop_key(ws: Workspace, job_id: str) -> str:
    return f"{_job_key(ws, job_id)}/stop"


def _found_key(ws: Workspace, job_id: str) -> str:
    return f"{ws.tenant}/analysis/{job_id}"
