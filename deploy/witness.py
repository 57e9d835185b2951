#!/usr/bin/env python3
"""A witness of audit chains: it remembers the newest checkpoint and cosigns only what continues it.

    python3 witness.py --folder FOLDER --name NAME --log KEY [--log KEY] [--listen HOST:PORT]

FOLDER   where its key and what it remembers lie; made when it is not there
NAME     how cosignatures name it, e.g. witness.example.org/w1
KEY      verifier key of a hub it serves (`GET /api/audit/key.txt`), as text or as a file; that of
         one tenant stands for all of its tenants

Run it where the hub's administrators cannot reach: another machine, another account, another
disk. Whoever holds the hub's key can sign any history, but not make this process forget one.
It speaks c2sp.org/tlog-witness (`POST /add-checkpoint`) and shows what it remembers (`GET /`).
Needs `cryptography`, and `verify.py` beside it or in the repository (engines/audit/data).
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import importlib.util
import json
import os
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HERE = Path(__file__).resolve().parent
MOST_BYTES, MOST_STEPS, MOST_WAIT_S = 65_536, 63, 10
"""Limits of a request; a proof of consistency has at most 63 steps."""
TABLE = """CREATE TABLE IF NOT EXISTS heads (
    key TEXT, origin TEXT, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL,
    cosigned_at INTEGER NOT NULL, PRIMARY KEY (key, origin))"""


def _load_checks() -> Any:  # the module verify.py
    for folder in (HERE, HERE.parent / "engines" / "audit" / "data"):
        path = folder / "verify.py"
        if path.is_file():
            spec = importlib.util.spec_from_file_location("verify", path)
            assert spec is not None and spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise SystemExit("verify.py is missing: put it beside witness.py")


checks = _load_checks()


class Answer(NamedTuple):
    """Status, body and media type of an answer."""

    status: int
    body: str
    kind: str = "text/plain; charset=utf-8"


class Refused(Exception):
    """Why a checkpoint is not cosigned: the answer to give."""

    def __init__(self, status: int, body: str, kind: str = Answer._field_defaults["kind"]) -> None:
        super().__init__(body)
        self.answer = Answer(status, body, kind)


class Request(NamedTuple):
    """A checkpoint to cosign, and the proof that it continues the tree of `old` entries."""

    old: int
    steps: list[bytes]
    note: bytes


def read_request(body: bytes) -> Request:
    """Return what `add-checkpoint` was sent."""
    head, _, note = body.partition(b"\n\n")
    first, *lines = head.decode().split("\n")
    old = first.removeprefix("old ")
    if first != f"old {old}" or str(int(old)) != old or int(old) < 0 or len(lines) > MOST_STEPS:
        raise ValueError("the first line is `old` and a size, at most 63 lines follow")
    return Request(int(old), [base64.b64decode(line, validate=True) for line in lines], note)


class Witness:
    """The memory of a witness, in its folder: one newest checkpoint per hub and chain."""

    def __init__(self, folder: Path, name: str, keys: list[Any]) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.name, self.keys = name, keys
        self._private = _load_key(folder / "witness.key")
        self._path = folder / "witness.sqlite"
        with closing(self._connect()) as memory:
            memory.execute("PRAGMA journal_mode=WAL")
            memory.execute(TABLE)
        body = bytes([checks.COSIGNATURE]) + self._private.public_key().public_bytes_raw()
        self._id = hashlib.sha256(f"{name}\n".encode() + body).digest()[:4]
        self.key = f"{name}+{self._id.hex()}+{_encoded(body)}"

    def _connect(self) -> sqlite3.Connection:
        memory = sqlite3.connect(self._path, timeout=MOST_WAIT_S, isolation_level=None)
        memory.execute("PRAGMA synchronous=FULL")
        return memory

    def add_checkpoint(self, body: bytes, now_s: int) -> Answer:
        """Cosign a checkpoint that continues what is remembered, and remember it first."""
        try:
            asked = read_request(body)
            found = checks.read_checkpoint(asked.note)
        except (ValueError, LookupError) as error:
            return Answer(400, f"{error}\n")
        try:
            key = self._signer(found)
            return Answer(200, self._cosign(key, asked, found, now_s))
        except Refused as refused:
            return refused.answer

    def _signer(self, found: Any) -> Any:  # a Checkpoint of verify.py, and its Key
        """Return the known key that signed; a hub signs each chain under the chain's own name."""
        origin = found.text.split(b"\n")[0].decode()
        if origin not in [name for name, _, _ in found.lines]:
            raise Refused(404, "a chain is signed under its own name\n")
        for known in self.keys:
            key_id = hashlib.sha256(f"{origin}\n".encode() + known.body).digest()[:4]
            key = checks.Key(origin, key_id, known.body)
            try:
                checks.check_signed(found, key)
            except checks.Bad:
                continue
            return key
        raise Refused(403, "no key that is known here signed it\n")

    def _cosign(self, key: Any, asked: Request, found: Any, now_s: int) -> str:
        origin = found.text.split(b"\n")[0].decode()
        log = (f"{key.name}+{key.id.hex()}", origin)
        with closing(self._connect()) as memory:
            # One writer at a time: what is compared here is what is replaced, in all processes.
            memory.execute("BEGIN IMMEDIATE")
            row = memory.execute("SELECT size, root FROM heads WHERE key=? AND origin=?", log)
            _compare(row.fetchone() or (0, b""), asked, found)
            line = self._line(found.text, now_s)
            note = asked.note.decode() + line
            new = (*log, found.size, found.root, note, now_s)
            memory.execute("INSERT OR REPLACE INTO heads VALUES (?, ?, ?, ?, ?, ?)", new)
            memory.execute("COMMIT")
        return line

    def _line(self, text: bytes, now_s: int) -> str:
        signature = self._private.sign(b"cosignature/v1\ntime %d\n" % now_s + text)
        return f"\u2014 {self.name} {_encoded(self._id + now_s.to_bytes(8, 'big') + signature)}\n"

    def remembered(self) -> Answer:
        """Return its key and every checkpoint that it remembers."""
        with closing(self._connect()) as memory:
            rows = memory.execute("SELECT * FROM heads ORDER BY key, origin").fetchall()
        heads = [
            {"key": key, "origin": origin, "size": size, "root": _encoded(root), "note": note,
             "cosigned_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))}
            for key, origin, size, root, note, at in rows
        ]  # fmt: skip
        body = json.dumps({"key": self.key, "checkpoints": heads}, indent=1, ensure_ascii=False)
        return Answer(200, f"{body}\n", "application/json")


def _compare(kept: tuple[int, bytes], asked: Request, found: Any) -> None:
    """Refuse what does not continue what is remembered."""
    size, root = kept
    if asked.old > found.size:
        raise Refused(400, "the old size is larger than the checkpoint\n")
    if asked.old != size:
        raise Refused(409, f"{size}\n", "text/x.tlog.size")
    if size == found.size and size and root != found.root:
        raise Refused(409, f"{size}\n", "text/x.tlog.size")
    try:
        if size:
            checks.check_consistency(size, found.size, root, found.root, asked.steps)
        elif asked.steps:
            raise checks.Bad("nothing to prove from an empty tree")
    except checks.Bad as error:
        raise Refused(422, f"{error}\n") from error


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _load_key(path: Path) -> Ed25519PrivateKey:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text().strip()))
    private = Ed25519PrivateKey.generate()
    with os.fdopen(descriptor, "w") as file:
        file.write(private.private_bytes_raw().hex())
        file.flush()
        os.fsync(file.fileno())
    return private


def handler(witness: Witness, clock: Callable[[], float] = time.time) -> type[Any]:
    """Return the class that answers HTTP requests for a witness."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = MOST_WAIT_S

        def do_GET(self) -> None:
            self._send(witness.remembered() if self.path == "/" else Answer(404, "not found\n"))

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.close_connection = True
                self._send(Answer(413 if length.isdecimal() else 411, "what length?\n"))
            elif self.path != "/add-checkpoint":
                self.rfile.read(int(length))
                self._send(Answer(404, "not found\n"))
            else:
                body = self.rfile.read(int(length))
                self._send(witness.add_checkpoint(body, int(clock())))

        def _send(self, answer: Answer) -> None:
            body = answer.body.encode()
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return Handler


def main() -> int:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--log", action="append", required=True)
    parser.add_argument("--listen", default="127.0.0.1:8010")
    asked = parser.parse_args()
    try:
        keys = [checks.read_key(text) for text in asked.log]
        host, port = asked.listen.rsplit(":", 1)
        witness = Witness(asked.folder, asked.name, keys)
    except (checks.Bad, ValueError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    with ThreadingHTTPServer((host, int(port)), handler(witness)) as server:
        print(f"listens on {host}:{server.server_address[1]}\n{witness.key}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
