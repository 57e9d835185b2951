"""A check of the whole audit chain that somebody asked for: it runs beside the reader."""

from __future__ import annotations

from services.analyses import Job, follow, renewal
from services.audit import Verification, verify_chain
from services.identity import permitted
from services.workspace import Workspace

_WHAT = "audit/verify"


@permitted("audit:read")
def start_check(ws: Workspace) -> Verification | Job:
    """Return what a new check finds, or the job where it takes longer than a reader waits."""
    return follow(ws, _WHAT, Verification, lambda progress: verify_chain(ws, progress=progress.at),
                  fresh_s=0.0)  # fmt: skip


@permitted("audit:read")
def running_check(ws: Workspace) -> Job | None:
    """Return the check that runs now, if one does."""
    job = renewal(ws, _WHAT)
    return job if job is not None and job.state == "running" else None
