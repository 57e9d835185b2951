"""What survives: a kill at any moment, a torn or damaged log, a full disk, several processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from connectors.errors import Unavailable
from connectors.selector import parse_selector, select
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.sqlite_metrics.store import SqliteMetricStore
from connectors.telemetry import MetricBatch, Series

MINUTE = 60_000
T0 = 1_750_032_000_000
ROOT = Path(__file__).parents[2]
WIDTH = 50

WRITER = """
import sys
from pathlib import Path
import numpy as np
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.telemetry import MetricBatch, Series

folder, tag, first = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
backend = SqliteMetricBackend(folder, compact_after_samples=2_000)
store = backend.scoped("t")
series = [Series("m", {"writer": tag, "i": str(i)}) for i in range(50)]
index = np.arange(50, dtype=np.int32)
for step in range(first, first + int(sys.argv[4])):
    stamps = np.full(50, 1_750_032_000_000 + step * 1_000)
    store.append(MetricBatch(series, index, stamps, np.full(50, float(step))))
    print(step, flush=True)
    if step % 20 == 0:
        backend.maintain(0)
backend.close()
"""


def start_writer(folder: Path, tag: str, first: int, steps: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), tag, str(first), str(steps)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def one(value: float, at: int = T0, name: str = "m") -> MetricBatch:
    return MetricBatch(
        [Series(name)], np.zeros(1, np.int32), np.array([at]), np.array([float(value)])
    )


def size_on_disk(folder: Path) -> int:
    """Bytes of the chunks once the write-ahead file is folded in."""
    chunks = sqlite3.connect(folder / "chunks.sqlite3")
    chunks.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    chunks.close()
    return os.path.getsize(folder / "chunks.sqlite3")


def counts_by_step(store: SqliteMetricStore, tag: str, end: int) -> dict[int, int]:
    found: dict[int, int] = {}
    for points in store.raw(parse_selector(f'm{{writer="{tag}"}}'), T0, T0 + end * 1_000 + 1):
        for stamp, value in zip(points.timestamps_ms, points.values, strict=True):
            assert stamp == T0 + int(value) * 1_000
            found[int(value)] = found.get(int(value), 0) + 1
    return found


def test_a_kill_loses_no_acknowledged_batch_and_leaves_none_by_half(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    first = 0
    for _ in range(4):
        writer = start_writer(tmp_path, "w", first, 1_000_000)
        assert writer.stdout is not None
        acknowledged = int(writer.stdout.readline())
        time.sleep(float(rng.uniform(0.05, 0.4)))
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout.read().splitlines():
            acknowledged = max(acknowledged, int(line) if line.isdigit() else 0)
        writer.stdout.close()
        writer.wait()
        backend = SqliteMetricBackend(tmp_path)
        counts = counts_by_step(backend.scoped("t"), "w", acknowledged + 5)
        backend.compact()
        after = counts_by_step(backend.scoped("t"), "w", acknowledged + 5)
        backend.close()
        assert set(range(acknowledged + 1)) <= set(counts)
        assert set(counts.values()) == {WIDTH}
        assert after == counts
        first = max(counts) + 1


def test_two_processes_write_while_a_third_reads(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path)
    store = backend.scoped("t")
    writers = [start_writer(tmp_path, tag, 0, 60) for tag in ("a", "b")]
    seen = 0
    while any(w.poll() is None for w in writers):
        total = sum(len(p.values) for p in store.raw(select("m"), T0, T0 + 10**6))
        assert total >= seen
        assert total % WIDTH == 0
        seen = total
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()
        assert writer.wait() == 0
    for tag in ("a", "b"):
        assert counts_by_step(store, tag, 60) == dict.fromkeys(range(60), WIDTH)
    assert len(store.series(select("m"))) == 2 * WIDTH
    backend.close()


def test_a_series_deleted_by_another_process_is_not_written_under_its_old_number(
    tmp_path: Path,
) -> None:
    ours, theirs = SqliteMetricBackend(tmp_path), SqliteMetricBackend(tmp_path)
    ours.scoped("t").append(one(1))
    assert theirs.scoped("t").delete(select("m")) == 1
    ours.scoped("t").append(one(2, T0 + 1))
    for backend in (ours, theirs):
        (points,) = backend.scoped("t").raw(select("m"), T0, T0 + 10)
        assert points.values.tolist() == [2.0]
        backend.close()


def test_threads_share_commits_and_every_batch_is_there(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path)
    store = backend.scoped("t")

    def write(thread: int) -> None:
        for step in range(20):
            store.append(one(step, T0 + step, f"m{thread}"))

    threads = [threading.Thread(target=write, args=(i,)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i in range(16):
        (points,) = store.raw(select(f"m{i}"), T0, T0 + 20)
        assert points.values.tolist() == [float(s) for s in range(20)]
    assert backend.health().stats["log_frames"] <= 320
    backend.close()


def test_a_bad_batch_does_not_fail_the_one_committed_beside_it(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path)
    store = backend.scoped("t")
    outcomes: list[str] = []

    def write(name: str) -> None:
        try:
            store.append(one(1, T0, name))
            outcomes.append("stored")
        except UnicodeEncodeError:
            outcomes.append("refused")

    names = [f"m{i}" for i in range(8)] + ["bad\ud800"] * 4
    threads = [threading.Thread(target=write, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (outcomes.count("stored"), outcomes.count("refused")) == (8, 4)
    assert store.names() == [f"m{i}" for i in range(8)]
    backend.close()


def test_a_torn_end_of_the_log_costs_only_what_was_torn(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path / "live")
    for step in range(20):
        backend.scoped("t").append(one(step, T0 + step))
    files = {p.name: p.read_bytes() for p in (tmp_path / "live").iterdir()}
    backend.close()
    torn = tmp_path / "torn"
    torn.mkdir()
    for name, content in files.items():
        if not name.endswith("-shm"):
            cut = len(content) - 20_000 if name == "head.sqlite3-wal" else len(content)
            (torn / name).write_bytes(content[:cut])
    backend = SqliteMetricBackend(torn)
    (points,) = backend.scoped("t").raw(select("m"), T0, T0 + 100)
    assert points.values.tolist() == [float(s) for s in range(len(points.values))]
    assert 15 <= len(points.values) < 20
    backend.scoped("t").append(one(99, T0 + 99))
    assert backend.scoped("t").latest(select("m"), since_ms=T0)[0].values.tolist() == [99.0]
    backend.close()


def test_a_damaged_frame_is_left_out_and_reported(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path)
    for step in range(3):
        backend.scoped("t").append(one(step, T0 + step))
    backend.close()
    with sqlite3.connect(tmp_path / "head.sqlite3") as head:
        head.execute("UPDATE log SET body = zeroblob(length(body)) WHERE id = 2")
    head.close()
    backend = SqliteMetricBackend(tmp_path)
    (points,) = backend.scoped("t").raw(select("m"), T0, T0 + 3)
    assert points.values.tolist() == [0.0, 2.0]
    backend.compact()
    (points,) = backend.scoped("t").raw(select("m"), T0, T0 + 3)
    assert points.values.tolist() == [0.0, 2.0]
    assert backend.health().stats["damaged"] == 1.0
    backend.close()


FULL_DISK = """
import resource, sys
from pathlib import Path
import numpy as np
from connectors.errors import Unavailable
from connectors.selector import select
from connectors.sqlite_metrics import SqliteMetricBackend
from connectors.telemetry import MetricBatch, Series

T0 = 1_750_032_000_000
backend = SqliteMetricBackend(Path(sys.argv[1]))
store = backend.scoped("t")
n = 20_000
index = np.zeros(n, np.int32)

def append(step):
    stamps = T0 + step * n + np.arange(n)
    store.append(MetricBatch([Series("m", {"step": str(step)})], index, stamps, np.ones(n)))

append(0)
limit = 2_000_000  # bytes of any one file: the log's next growth does not fit
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
refused = None
for step in range(1, 30):
    try:
        append(step)
    except Unavailable:
        refused = step
        break
assert refused is not None
stored = [p.series.label("step") for p in store.raw(select("m"), T0, T0 + 10**9)]
assert sorted(map(int, stored)) == list(range(refused)), (stored, refused)
assert str(refused) not in store.label_values("step")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
append(refused)
assert len(store.raw(select("m"), T0, T0 + 10**9)) == refused + 1
backend.compact()
assert len(store.raw(select("m"), T0, T0 + 10**9)) == refused + 1
backend.close()
print("recovered")
"""


def test_a_full_disk_is_unavailable_keeps_nothing_by_half_and_recovers(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stdout.strip() == "recovered", done.stderr


def test_a_closed_store_is_unavailable(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path)
    backend.close()
    with pytest.raises(Unavailable):
        backend.scoped("t").append(one(1))


def test_retention_deletes_old_samples_at_every_resolution_and_gives_space_back(
    tmp_path: Path,
) -> None:
    backend = SqliteMetricBackend(tmp_path, retention_days=2, compact_after_samples=1)
    store = backend.scoped("t")
    rng = np.random.default_rng(0)
    n = 4 * 1_440
    series = [Series("m", {"i": str(i)}) for i in range(40)]
    index = np.repeat(np.arange(40, dtype=np.int32), n)
    for day in range(4):
        stamps = T0 + day * 1_440 * MINUTE + np.tile(np.arange(n) * 15_000, 40)
        store.append(MetricBatch(series, index, stamps, rng.random(40 * n)))
    backend.compact()
    full = size_on_disk(tmp_path)
    now = T0 + 4 * 1_440 * MINUTE
    for _ in range(20):
        backend.maintain(now)
    assert size_on_disk(tmp_path) < 0.7 * full
    for step in (15_000, MINUTE, 60 * MINUTE):
        (points,) = store.window(select("m"), T0, now, step, over_time="count", across="sum")
        kept = points.timestamps_ms[points.values > 0]
        assert now - 2 * 1_440 * MINUTE - 8 * 60 * MINUTE <= kept[0] <= now - 2 * 1_440 * MINUTE
        assert np.nansum(points.values) == 40 * 4 * (now - kept[0]) / MINUTE
    backend.close()


def test_deleting_series_gives_their_space_back(tmp_path: Path) -> None:
    backend = SqliteMetricBackend(tmp_path)
    store = backend.scoped("t")
    n = 600_000
    values = np.random.default_rng(0).random(n)
    series = [Series("m"), Series("kept")]
    index = np.arange(n, dtype=np.int32) % 2
    store.append(MetricBatch(series, index, T0 + np.arange(n) * 10, values))
    backend.compact()
    before = size_on_disk(tmp_path)
    assert store.delete(select("m")) == 1
    for _ in range(5):
        backend.maintain(T0)
    with sqlite3.connect(tmp_path / "chunks.sqlite3") as chunks:
        (rows,) = chunks.execute("SELECT count(*) FROM raw WHERE key & 0xffffffff = 1").fetchone()
    chunks.close()
    assert rows == 0
    assert size_on_disk(tmp_path) < 0.7 * before
    backend.close()
