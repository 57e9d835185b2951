"""Long analyses as jobs: they run beside the reader, say how far they are, and can be stopped."""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
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
WORKERS = 2

T = TypeVar("T", bound=msgspec.Struct)
Begin = Callable[[str], None]
"""Tells the stage that begins; raises `Stopped` when somebody stopped the job."""


class Stopped(Exception):
    """Somebody stopped this analysis."""


class Job(msgspec.Struct, frozen=True):
    """How far an analysis is."""

    id: str
    what: str
    state: Literal["running", "done", "failed", "stopped"]
    stage: str
    started_ms: int
    updated_ms: int
    reason: str = ""


_pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="aiobs-analysis")
_running: dict[str, Future[None]] = {}
_gate = threading.Lock()


@permitted("causal:read")
def get_job(ws: Workspace, job_id: str) -> Job:
    """Return the state of an analysis; `NotFound` when it never ran or was forgotten."""
    job = ws.cache.get(f"{ws.tenant}/job/{job_id}", Job)
    if job is None:
        raise NotFound(say("reasons.no_such_analysis", "there is no analysis {id}", id=job_id))
    return job


@permitted("causal:read")
def stop_job(ws: Workspace, job_id: str) -> Job:
    """Stop an analysis at the end of its stage; one that ended is forgotten, so that the next who
    asks starts it anew."""
    job = get_job(ws, job_id)
    if job.state == "running":
        return _note(ws, job, state="stopped")
    ws.cache.invalidate(f"{ws.tenant}/job/{job_id}")
    return job


@permitted("causal:read")
def follow(
    ws: Workspace,
    what: str,
    kind: type[T],
    compute: Callable[[Begin], T],
    *,
    fresh_s: float = 30.0,
    patience_s: float = 1.5,
) -> T | Job:
    """Return the analysis, an older one while it is renewed, or the job that is making it.

    A quick analysis is simply returned: only one that outlasts `patience_s` becomes a job that the
    reader sees.
    """
    job_id = hashlib.sha256(f"{ws.tenant}|{what}".encode()).hexdigest()[:16]
    known = ws.cache.get(f"{ws.tenant}/analysis/{job_id}", kind)
    job = ws.cache.get(f"{ws.tenant}/job/{job_id}", Job)
    now = ws.now_ms()
    if known is not None and job is not None and now - job.updated_ms < fresh_s * 1_000:
        return known
    if job is not None and job.state in ("stopped", "failed") and known is None:
        return job
    if job is None or job.state != "running" or now - job.started_ms > LOST_MS:
        job = _start(ws, Job(job_id, what, "running", "waiting", now, now), kind, compute)
    future = _running.get(job_id)
    if known is None and future is not None:
        wait([future], timeout=patience_s)
    found = ws.cache.get(f"{ws.tenant}/analysis/{job_id}", kind)
    return found if found is not None else get_job(ws, job_id)


def _start(ws: Workspace, job: Job, kind: type[T], compute: Callable[[Begin], T]) -> Job:
    with _gate:
        at_work = _running.get(job.id)
        if at_work is not None and not at_work.done():
            return job
        _put(ws, job)
        _running[job.id] = _pool.submit(_work, ws, job, kind, compute)
    return job


def _work(ws: Workspace, job: Job, kind: type[T], compute: Callable[[Begin], T]) -> None:
    def begin(stage: str) -> None:
        if get_job(ws, job.id).state == "stopped":
            raise Stopped
        _note(ws, job, stage=stage)

    try:
        begin("reading")
        found = compute(begin)
        begin("done")
        key = f"{ws.tenant}/analysis/{job.id}"
        ws.cache.put(key, found, kind, fresh_s=KEPT_S)
        _note(ws, job, state="done", stage="done")
    except Stopped:
        log.info("analysis %s was stopped", job.id)
    except (AIOBSError, EngineError) as error:
        _note(ws, job, state="failed", reason=_why(error))
    except Exception:
        log.exception("analysis %s failed", job.id)
        _note(
            ws,
            job,
            state="failed",
            reason=say("reasons.analysis_failed", "the analysis failed; the log says why"),
        )
    finally:
        _running.pop(job.id, None)


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
    state: Literal["running", "done", "failed", "stopped"] = "running",
    stage: str | None = None,
    reason: str = "",
) -> Job:
    changed = msgspec.structs.replace(
        job, state=state, stage=stage or job.stage, reason=reason, updated_ms=ws.now_ms()
    )
    return _put(ws, changed)


def _put(ws: Workspace, job: Job) -> Job:
    ws.cache.put(f"{ws.tenant}/job/{job.id}", job, Job, fresh_s=KEPT_S)
    return job
