"""Killed writers, several processes, full and damaged disks: what was acknowledged stays."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from connectors.errors import Refused, Unavailable
from connectors.protocols import EventQuery
from connectors.sqlite_events import SqliteEventBackend
from connectors.telemetry import Inference, Log

DAY_MS = 86_400_000
T0 = 20_000 * DAY_MS
BATCH = 50
ROOT = Path(__file__).parents[2]

WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests_event_writer import batch, logs
from connectors.sqlite_events import SqliteEventBackend
backend = SqliteEventBackend(Path(sys.argv[2]), retention_days=30)
store = backend.scoped("t")
first, count, stored = int(sys.argv[3]), int(sys.argv[4]), 0
for i in range(first, first + count):
    stored += store.add_inferences(batch(i)).stored
    store.add_logs(logs(i))
    print(i, stored, flush=True)
    if i % 3 == 0:
        backend.maintain(20_000 * 86_400_000)
"""

SHARED = """
import sys
sys.path.insert(0, {root!r})
from connectors.telemetry import Inference, Log
def batch(i):
    return [Inference(f"{{i}}-{{j}}", "m", 20_000 * 86_400_000 + i * 1000 + j,
            features={{"x": float(j)}}, prompt="p" * 50) for j in range({batch})]
def logs(i):
    return [Log(f"{{i}}-{{j}}", 20_000 * 86_400_000 + i * 1000 + j, "line") for j in range({batch})]
"""


def start(tmp_path: Path, folder: Path, first: int, count: int) -> subprocess.Popen[str]:
    shared = tmp_path / "tests_event_writer.py"
    shared.write_text(SHARED.format(root=str(ROOT), batch=BATCH))
    arguments = [str(tmp_path), str(folder), str(first), str(count)]
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, *arguments], stdout=subprocess.PIPE, text=True
    )


def numbers(folder: Path) -> tuple[dict[int, int], dict[int, int]]:
    """Rows stored per batch: inferences and logs."""
    backend = SqliteEventBackend(folder, retention_days=30)
    store = backend.scoped("t")
    found: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for key in store.inference_columns("m", 0, 2 * T0).inference_ids:
        batch = int(key.split("-")[0])
        found[0][batch] = found[0].get(batch, 0) + 1
    for log in store.logs(EventQuery(0, 2 * T0, limit=1_000_000)).rows:
        batch = int(log.log_id.split("-")[0])
        found[1][batch] = found[1].get(batch, 0) + 1
    backend.close()
    return found


def test_kill_9_loses_no_acknowledged_batch_and_leaves_no_half_one(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    acknowledged: set[int] = set()
    for round_number in range(4):
        writer = start(tmp_path, folder, round_number * 100_000, 99_999)
        assert writer.stdout is not None
        for _ in range(7 + 5 * round_number):
            acknowledged.add(int(writer.stdout.readline().split()[0]))
        time.sleep(0.003 * round_number)
        writer.send_signal(signal.SIGKILL)
        rest = writer.stdout.read().splitlines()
        acknowledged |= {int(line.split()[0]) for line in rest if line.count(" ") == 1}
        writer.wait()
        writer.stdout.close()
        for found in numbers(folder):
            assert acknowledged <= set(found)
            assert set(found.values()) == {BATCH}


def test_two_processes_share_the_files_and_count_duplicates_once(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    writers = [start(tmp_path, folder, first, 20) for first in (0, 10)]
    ends = [writer.communicate(timeout=120)[0].splitlines()[-1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sum(int(end.split()[1]) for end in ends) == 30 * BATCH
    for found in numbers(folder):
        assert found == dict.fromkeys(range(30), BATCH)


def rows(i: int) -> list[Inference]:
    return [
        Inference(f"{i}-{j}", "m", T0 + i * 1_000 + j, features={"x": j / 3}) for j in range(BATCH)
    ]


def test_threads_share_commits_and_keep_their_own_answers(tmp_path: Path) -> None:
    backend = SqliteEventBackend(tmp_path, retention_days=30)
    store = backend.scoped("t")
    answers: dict[int, object] = {}

    def write(i: int) -> None:
        try:
            bad = [Inference("bad", "m", -1)] if i % 4 == 0 else []
            answers[i] = store.add_inferences(rows(i // 2) + bad).stored
        except Refused as error:
            answers[i] = error

    threads = [threading.Thread(target=write, args=(i,)) for i in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(isinstance(answer, Refused) for answer in answers.values()) == 6
    assert sum(answer for answer in answers.values() if isinstance(answer, int)) == 12 * BATCH
    assert len(store.inference_columns("m", 0, 2 * T0)) == 12 * BATCH
    backend.close()


def test_a_full_disk_is_unavailable_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    backend = SqliteEventBackend(tmp_path, retention_days=30)
    store = backend.scoped("t")
    store.add_inferences(rows(0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = max(file.stat().st_size for file in tmp_path.iterdir())
    try:
        # Writes beyond this size fail as on a full disk; Python ignores the signal.
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, hard))
        stored = 1
        with pytest.raises(Unavailable):
            for i in range(1, 500):
                store.add_inferences(rows(i))
                stored += 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(store.inference_columns("m", 0, 2 * T0)) == stored * BATCH
    assert store.add_inferences(rows(stored)).stored == BATCH
    backend.close()
    again = SqliteEventBackend(tmp_path, retention_days=30)
    assert len(again.scoped("t").inference_columns("m", 0, 2 * T0)) == (stored + 1) * BATCH
    again.close()


@pytest.mark.parametrize("name", ["inferences.db", "rows.db"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str) -> None:
    SqliteEventBackend(tmp_path, retention_days=30).close()
    (tmp_path / name).write_bytes(b"not a database" * 1_000)
    with pytest.raises(Refused, match=f"{name} is damaged"):
        SqliteEventBackend(tmp_path, retention_days=30)


def test_a_torn_file_is_refused_when_read(tmp_path: Path) -> None:
    backend = SqliteEventBackend(tmp_path, retention_days=30)
    for i in range(40):
        backend.scoped("t").add_logs([Log(f"{i}-{j}", T0 + j, "x" * 200) for j in range(BATCH)])
    backend.close()
    file = tmp_path / "rows.db"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(Refused, match="damaged"):
        torn = SqliteEventBackend(tmp_path, retention_days=30)
        torn.scoped("t").logs(EventQuery(0, 2 * T0, limit=10_000))


def test_a_closed_backend_says_so(tmp_path: Path) -> None:
    backend = SqliteEventBackend(tmp_path, retention_days=30)
    store = backend.scoped("t")
    backend.close()
    with pytest.raises(Unavailable):
        store.add_inferences(rows(0))
    with pytest.raises(Unavailable):
        store.models_seen()
    assert not backend.health().ok
    backend.close()


def test_retention_gives_space_back(tmp_path: Path) -> None:
    backend = SqliteEventBackend(tmp_path, retention_days=30)
    store = backend.scoped("t")
    for i in range(100):
        store.add_inferences(
            [
                Inference(
                    f"{i}-{j}", "m", T0 + j, features={"x": (i * 7919 + j) / 3}, trace_id=f"{j}"
                )
                for j in range(200)
            ]
        )
        store.add_logs([Log(f"{i}-{j}", T0 + j, f"word{i * j} " * 10) for j in range(100)])
    backend.maintain(T0)
    before = {name: (tmp_path / name).stat().st_size for name in ("inferences.db", "rows.db")}
    for _ in range(8):
        backend.maintain(T0 + 40 * DAY_MS)
    for name, size in before.items():
        assert (tmp_path / name).stat().st_size < size / 4
    backend.close()
