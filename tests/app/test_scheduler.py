from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import app.scheduler
from app.factory import open_backends
from app.scheduler import Job, Scheduler
from app.settings import Settings
from services.workspace import Backends, Workspace


def note_run(ws: Workspace) -> None:
    """A job that leaves one record per run: two runs of one tick would collide."""
    tick = ws.now_ms() // 200
    ws.records.put("refreshed", f"{tick}-{os.getpid()}-{time.monotonic_ns()}", {"tick": str(tick)})


def work(folder: str) -> None:
    # Killed in the midst of a tick, a process leaves its lease to run out: not for a whole minute.
    app.scheduler.LEASE_S = 2.0
    backends = open_backends(Settings(data_dir=Path(folder), demo="off"))
    Scheduler(backends, jobs=(Job("note", 0.2, note_run),)).start()
    time.sleep(30)


def ticks_of(backends: Backends, pid: int | None = None) -> list[str]:
    found = backends.records.scoped("default").list("refreshed", limit=5_000)
    return [r.body["tick"] for r in found if pid is None or r.id.split("-")[1] == str(pid)]


def test_two_processes_never_run_the_same_tick_and_one_survives_the_other(tmp_path: Path) -> None:
    backends = open_backends(Settings(data_dir=tmp_path, demo="off"))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=work, args=(str(tmp_path),)) for _ in range(2)]
    try:
        for process in processes:
            process.start()
        _wait(lambda: len(set(ticks_of(backends))) >= 10)
        os.kill(processes[0].pid or 0, signal.SIGKILL)
        before = len(ticks_of(backends, processes[1].pid))
        _wait(lambda: len(ticks_of(backends, processes[1].pid)) >= before + 5)
    finally:
        for process in processes:
            process.kill()
            process.join()
    ran = sorted(int(tick) for tick in ticks_of(backends))
    # A job reads its clock after its tick was claimed, so the last may fall into the next tick.
    assert len(ran) <= ran[-1] - ran[0] + 2
    backends.close()


def test_a_tick_already_claimed_is_not_run_again(workspace: Workspace, backends: Backends) -> None:
    ran: list[str] = []
    job = Job("once", 60, lambda ws: ran.append(ws.tenant))
    first, second = Scheduler(backends, (job,), "a"), Scheduler(backends, (job,), "b")
    assert first.tick(job, 1_000_000.0) == 1
    assert second.tick(job, 1_000_010.0) == 0
    assert second.tick(job, 1_000_090.0) == 1
    assert ran == ["default", "default"]


def test_a_failing_job_does_not_stop_the_others(backends: Backends) -> None:
    def fail(_ws: Workspace) -> None:
        raise RuntimeError("planned")

    ran: list[str] = []
    jobs = (Job("bad", 60, fail), Job("good", 60, lambda ws: ran.append(ws.tenant)))
    scheduler = Scheduler(backends, jobs, "a")
    assert [scheduler.tick(job, 5_000_000.0) for job in jobs] == [0, 1]


def _wait(condition: object, limit_s: float = 40.0) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "condition did not come true"
        time.sleep(0.1)
