"""Real servers for the contract suites: started on private sockets, stopped by their own pid."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.sql_engine import open_engine

_PG_BIN = Path("/usr/lib/postgresql/15/bin")


def _find(program: str) -> str | None:
    beside = _PG_BIN / program
    return str(beside) if beside.exists() else shutil.which(program)


def wait_until(ready: Callable[[], bool], what: str, timeout_s: float = 30.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} was not ready after {timeout_s:.0f} s")
        time.sleep(0.05)


def _stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> None:
    process.send_signal(how)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def short_dir() -> Iterator[Path]:
    """A folder whose path is short enough for a Unix socket and open to an unprivileged user."""
    folder = Path(tempfile.mkdtemp(prefix="hub-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_url(short_dir: Path) -> Iterator[str]:
    """A private PostgreSQL cluster on a Unix socket; each test takes its own database from it."""
    initdb, server = _find("initdb"), _find("postgres")
    if initdb is None or server is None:
        pytest.skip("PostgreSQL is not installed")
    user: int | None = None
    folder = short_dir / "pg"
    folder.mkdir()
    if os.geteuid() == 0:  # postgres refuses to run as root
        user = pwd.getpwnam("nobody").pw_uid
        os.chown(folder, user, -1)
    data = folder / "data"
    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(
        [initdb, "-D", str(data), "-U", "hub", "-A", "trust", "--no-sync", "-E", "UTF8"],
        check=True, capture_output=True, env=environment, cwd=folder, user=user,
    )  # fmt: skip
    # Thrown away at the end: nothing to sync, and no checkpoint to wait for.
    options = [
        "-c",
        "listen_addresses=",
        "-c",
        f"unix_socket_directories={folder}",
        "-c",
        "fsync=off",
    ]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [server, "-D", str(data), *options],
            stdout=log, stderr=log, env=environment, cwd=folder, user=user,
        )  # fmt: skip
    try:
        wait_until(lambda: (folder / ".s.PGSQL.5432").exists(), "PostgreSQL")
        yield f"postgresql://hub@/postgres?host={folder}"
    finally:
        _stop(process, signal.SIGQUIT)


class RedisServer:
    """A Redis on a private socket that a test can stop and start again."""

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "--port", "0", "--unixsocket", self.socket, "--save", "",
             "--dir", self._folder, "--logfile", self._folder / "log"],
        )  # fmt: skip
        wait_until(self._answers, "Redis")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        import redis

        client = redis.Redis.from_url(self.url)
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False
        finally:
            client.close()

    def stop(self) -> None:
        if self._process is not None:
            _stop(self._process)
            self._process = None
            self.socket.unlink(missing_ok=True)


@pytest.fixture
def redis_server(short_dir: Path) -> Iterator[RedisServer]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    server = RedisServer(program, Path(tempfile.mkdtemp(dir=short_dir)))
    server.start()
    yield server
    server.stop()


class VictoriaMetricsServer:
    """A VictoriaMetrics of our own on a private port, which may be killed and started again."""

    def __init__(self, binary: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._address = f"127.0.0.1:{free.getsockname()[1]}"
        self.url = f"http://{self._address}"
        self._command = [
            binary,
            f"-httpListenAddr={self._address}",
            f"-storageDataPath={folder}",
            "-retentionPeriod=36500d",
            "-dedup.minScrapeInterval=1ms",
            "-search.latencyOffset=0s",
            "-memory.allowedBytes=200MB",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(self._command, stdout=quiet, stderr=quiet)
        wait_until(self._answers, "VictoriaMetrics")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(self.url + "/health", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@pytest.fixture(scope="module")
def victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetricsServer]:
    """The program may be named by AIOBS_VICTORIAMETRICS, to test another version."""
    binary = os.environ.get("AIOBS_VICTORIAMETRICS") or shutil.which("victoria-metrics")
    if binary is None:
        pytest.skip("victoria-metrics is not installed (Debian package victoria-metrics)")
    server = VictoriaMetricsServer(binary, tmp_path_factory.mktemp("victoriametrics"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["sqlite", "postgresql"])
def record_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty record database: a file, or a schema of its own."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.db'}"
    base: str = request.getfixturevalue("postgres_url")
    name = f"t{time.monotonic_ns()}"
    engine = open_engine(base)
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {name}"))
    engine.dispose()
    return f"{base}&options=-csearch_path%3D{name}"
