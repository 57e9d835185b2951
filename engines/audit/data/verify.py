#!/usr/bin/env python3
"""Check an audit chain or an evidence bundle of an AIOBS hub, without the hub and a network.

    python3 verify.py [FOLDER] [--key KEY] [--witness KEY] [--remembered CHECKPOINT]

FOLDER        the unpacked bundle, or a folder with `entries.jsonl`, `checkpoint` and `key.txt`;
              without it the folder that this file lies in
--key         the hub's verifier key that you noted earlier, as text or as a file; without it the
              folder's own is used, and whoever rewrote the history can have replaced that too
--witness     the key of a witness that must have cosigned, as text or as a file; again for more
--remembered  a checkpoint that you kept, as a file or SIZE:ROOT; the history must still hold it

Prints a line a check: `ok`, `BAD`, `??` not checked, `--` a remark. Exit status: 0 all holds,
1 something was changed, 2 something could not be checked. Needs Python 3.10 and nothing else;
signatures take less time with `cryptography`. Hashes and proofs follow RFC 6962 and RFC 9162,
checkpoints, cosignatures and proofs c2sp.org/tlog-checkpoint, /tlog-cosignature and /tlog-proof.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
except ImportError:  # the pure check says the same, in milliseconds instead of microseconds
    Ed25519PublicKey, InvalidSignature = None, ValueError  # type: ignore[assignment,misc]

COSIGNATURE = 4  # the kind of a witness's key, whose signatures carry the time
KEYS = set("action actor details id outcome previousHash resource seq tenant timestamp".split())
MOST_SHOWN = 20
CONSISTENCY, INCLUSION = "aiobs/consistency@v1", "c2sp.org/tlog-proof@v1"


class Bad(Exception):
    """What does not hold, a sentence each."""


# Ed25519 (RFC 8032, 5.1), for where `cryptography` is not installed.

Point = tuple[int, int, int, int]
_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D, _I = -121665 * pow(121666, _P - 2, _P) % _P, pow(2, (_P - 1) // 4, _P)


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(n: int, point: Point) -> Point:
    if n == 0:
        return 0, 1, 1, 0
    doubled = _times(n >> 1, _add(point, point))
    return _add(doubled, point) if n & 1 else doubled


def _point(encoded: int) -> Point:
    sign, y = encoded >> 255, encoded & ((1 << 255) - 1)
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _I % _P
    if y >= _P or (x * x - square) % _P or (x == 0 and sign):
        raise ValueError("not a point of the curve")
    x = _P - x if x & 1 != sign else x
    return x, y, 1, x * y % _P


_B = _point(4 * pow(5, _P - 2, _P) % _P)


def signature_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Return whether the signature is the key's over the message."""
    s = int.from_bytes(signature[32:], "little")
    if len(public) != 32 or len(signature) != 64 or s >= _L:
        return False
    try:
        if Ed25519PublicKey is not None:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
            return True
        key = _point(int.from_bytes(public, "little"))
    except (InvalidSignature, ValueError):
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % _L
    x, y, z, _ = _add(_times(s, _B), _times(_L - k, key))
    z = pow(z, _P - 2, _P)
    encoded = y * z % _P | (x * z % _P & 1) << 255
    return encoded.to_bytes(32, "little") == signature[:32]


# Merkle trees (RFC 6962, 2.1; RFC 9162, 2.1.3.2 and 2.1.4.2).

_LEAF, _NODE = b"\0", b"\1"


def _sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _climb(at: int, last: int, first: bytes, path: list[bytes]) -> tuple[bytes, bytes]:
    """Return the roots that a path leads to: of the tree that ends here, and of the whole."""
    old = new = first
    for step in path:
        if last == 0:
            raise Bad("the path is too long")
        if at & 1 or at == last:
            old, new = _sha256(_NODE, step, old), _sha256(_NODE, step, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = _sha256(_NODE, new, step)
        at, last = at >> 1, last >> 1
    if last:
        raise Bad("the path is too short")
    return old, new


def check_inclusion(index: int, size: int, leaf: bytes, root: bytes, path: list[bytes]) -> None:
    """Raise `Bad` unless the leaf is at this place of the tree."""
    is_within = 0 <= index < size and len(leaf) == 32
    if not is_within or _climb(index, size - 1, leaf, path)[1] != root:
        raise Bad(f"entry {index} is not in the tree of {size} that was signed")


def check_consistency(
    size1: int, size2: int, root1: bytes, root2: bytes, path: list[bytes]
) -> None:
    """Raise `Bad` unless the tree of `size2` begins with the tree of `size1`."""
    if not 0 < size1 <= size2:
        raise Bad(f"no proof leads from {size1} entries to {size2}")
    at, last = (size1 - 1, size2 - 1) if size1 < size2 else (0, 0)
    while at & 1:
        at, last = at >> 1, last >> 1
    # Where the old tree is one complete subtree the path begins with its root, which is known.
    steps = path if size1 & (size1 - 1) and size1 < size2 else [root1, *path]
    if not steps or _climb(at, last, steps[0], steps[1:]) != (root1, root2):
        raise Bad(f"the tree of {size2} does not begin with the tree of {size1}")


def root_of(leaves: list[bytes]) -> bytes:
    """Return the root of the tree over the leaves; the last of an odd number moves up as it is."""
    level = leaves or [_sha256()]
    while len(level) > 1:
        odd = level[-1:] if len(level) & 1 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [_sha256(_NODE, *pair) for pair in pairs] + odd
    return level[0]


# Keys and signed notes.


class Key(NamedTuple):
    """A verifier key: its name, its id, and the kind of key before the public key itself."""

    name: str
    id: bytes
    body: bytes


class Checkpoint(NamedTuple):
    """What a signed note says of a tree; the lines are name, key id and signature."""

    text: bytes
    size: int
    root: bytes
    lines: list[tuple[str, bytes, bytes]]


def _decoded(text: str) -> bytes:
    decoded = base64.b64decode(text, validate=True)
    if base64.b64encode(decoded).decode() != text:
        raise ValueError("base64 with bits that say nothing")
    return decoded


def read_key(text: str) -> Key:
    """Return a verifier key from NAME+ID+BASE64, or from a file that holds it."""
    if "+" not in text or Path(text).is_file():
        text = Path(text).read_text()
    name, given, encoded = text.strip().split("+", 2)
    body = _decoded(encoded)
    if bytes.fromhex(given) != _sha256(f"{name}\n".encode(), body)[:4]:
        raise Bad(f"the id of the key {name} is not its own")
    return Key(name, bytes.fromhex(given), body)


def read_checkpoint(note: bytes) -> Checkpoint:
    """Return what a signed note says; its signatures are not checked yet."""
    text, signatures = note.decode().rsplit("\n\n", 1)
    size, root = text.split("\n")[1:3]
    lines = []
    for line in signatures.removesuffix("\n").split("\n"):
        dash, name, signed = line.split(" ")
        if dash != "\u2014":
            raise ValueError("a signature line begins with a dash")
        lines.append((name, _decoded(signed)[:4], _decoded(signed)[4:]))
    if str(int(size)) != size:
        raise ValueError("the size is not written as a number")
    return Checkpoint(f"{text}\n".encode(), int(size), _decoded(root), lines)


def check_signed(found: Checkpoint, key: Key) -> str:
    """Return who signed, a witness with the time; raise `Bad` unless the key's signature holds."""
    for name, key_id, signed in found.lines:
        if (name, key_id) != (key.name, key.id):
            continue
        message, at = found.text, 0
        if key.body[0] == COSIGNATURE:
            at = int.from_bytes(signed[:8], "big")
            message, signed = b"cosignature/v1\ntime %d\n" % at + message, signed[8:]
        if not signature_holds(key.body[1:], message, signed):
            raise Bad(f"the signature of {name} does not hold")
        when = time.strftime(" at %Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if at else ""
        return f"{found.size} entries, signed by {name}{when}"
    raise Bad(f"{key.name} did not sign it")


# The checks of a folder.


class Folder:
    """A folder and its checks: each says what holds or raises `Bad`; `worst` is the exit status."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.worst = folder, 0
        self.audit = folder / "audit" if (folder / "audit").is_dir() else folder
        self.key = read_key(key or str(self.audit / "key.txt"))
        self.newest = read_checkpoint((self.audit / "checkpoint").read_bytes())
        self.leaves: list[bytes] = []
        self.roots: dict[int, bytes] = {}

    def say(self, mark: str, text: str) -> None:
        """Print one finding."""
        self.worst = 1 if mark == "BAD" else self.worst or 2 * (mark == "??")
        print(f"{mark:<3} {text}")

    def attempt(self, name: str, check: Callable[..., str], *arguments: Any) -> None:
        """Print what a check says, or each finding that it raises."""
        try:
            self.say("ok", f"{name}: {check(*arguments)}")
        except Bad as error:
            for text in error.args[:MOST_SHOWN]:
                self.say("BAD", f"{name}: {text}")
        except (ValueError, LookupError) as error:
            self.say("BAD", f"{name} cannot be read: {error}")
        except OSError as error:
            self.say("??", f"{name}: {error}")

    def check(self, witnesses: list[str], kept: str) -> None:
        """Check everything that is here."""
        if (self.folder / "SHA256SUMS").is_file():
            self.attempt("SHA256SUMS", self.sums)
        self.attempt("checkpoint", check_signed, self.newest, self.key)
        for key in witnesses or map(str, sorted(self.audit.glob("witness*.txt"))):
            self.attempt("cosignature", lambda: check_signed(self.newest, read_key(key)))  # noqa: B023
        if (self.audit / "entries.jsonl").is_file():
            self.attempt("entries.jsonl", self.entries)
        else:
            self.say("??", "entries.jsonl is not here: only proofs are checked")
        for path in sorted(self.audit.glob("proofs/*")):
            self.attempt(f"proofs/{path.name}", self.proof, path)
        if kept:
            self.attempt("remembered", self.remembered, kept)

    def sums(self) -> str:
        """Compare every file with SHA256SUMS: changed, missing or not listed."""
        findings, listed = [], {"SHA256SUMS"}
        for line in (self.folder / "SHA256SUMS").read_text().rstrip("\n").split("\n"):
            digest, _, name = line.partition("  ")
            path = self.folder / name
            listed.add(name)
            if ".." in path.parts or self.folder not in path.parents or not path.is_file():
                findings.append(f"{name} is missing")
            elif _sha256(path.read_bytes()).hex() != digest:
                findings.append(f"{name} was changed")
        files = {path for path in self.folder.rglob("*") if path.is_file()}
        extra = {path.relative_to(self.folder).as_posix() for path in files} - listed
        findings += [f"{n} is not listed" for n in sorted(extra) if "__pycache__" not in n]
        if findings:
            raise Bad(*findings)
        return f"{len(listed) - 1} files are as listed"

    def root_at(self, size: int) -> bytes | None:
        """Return the root over the first entries; None where they are not here."""
        if size not in self.roots and size <= len(self.leaves):
            self.roots[size] = root_of(self.leaves[:size])
        return self.roots.get(size)

    def entries(self) -> str:
        """Check every entry, and the whole against the root that was signed."""
        findings, previous, size = [], bytes(32), self.newest.size
        with (self.audit / "entries.jsonl").open("rb") as lines:
            for at, line in enumerate(lines):
                body = line.rstrip(b"\n")
                findings += _wrong_with(body, at, previous.hex())
                previous = _sha256(body)
                self.leaves.append(_sha256(_LEAF, body))
        if len(self.leaves) < size:
            findings.append(f"{size} entries were signed, here are {len(self.leaves)}")
        elif self.root_at(size) != self.newest.root:
            why = "the last was changed, or the history rewritten" if not findings else "see above"
            findings.append(f"the root over {size} entries is not the signed one: {why}")
        if findings:
            raise Bad(*findings)
        return f"{len(self.leaves)} entries follow one another, with the signed root"

    def proof(self, path: Path) -> str:
        """Check a proof of an entry, or from an older checkpoint to the newest."""
        head, _, note = path.read_bytes().partition(b"\n\n")
        given, (kind, *lines) = read_checkpoint(note), head.decode().split("\n")
        check_signed(given, self.key)
        if self.root_at(given.size) not in (None, given.root):
            raise Bad(f"its checkpoint of {given.size} entries is of another history")
        if kind == CONSISTENCY:
            steps, newest = list(map(_decoded, lines)), self.newest
            check_consistency(given.size, newest.size, given.root, newest.root, steps)
            self.roots[given.size] = given.root
            return f"the first {given.size} entries are the same"
        if kind != INCLUSION:
            raise ValueError("it is no proof")
        entry = lines.pop(0)[6:] if lines[0].startswith("extra ") else ""
        index, steps = int(lines[0].removeprefix("index ")), list(map(_decoded, lines[1:]))
        leaves = {_sha256(_LEAF, _decoded(entry))} if entry else set()
        leaves |= set(self.leaves[index : index + 1])
        for leaf in leaves or {b""}:
            check_inclusion(index, given.size, leaf, given.root, steps)
        return f"entry {index} is among the {given.size}"

    def remembered(self, text: str) -> str:
        """Check that the history still begins as it was kept: a file, or SIZE:ROOT in base64."""
        if Path(text).is_file():
            size, root = read_checkpoint(Path(text).read_bytes())[1:3]
        else:
            size, root = int(text.split(":")[0]), _decoded(text.split(":")[1])
        if size > self.newest.size:
            raise Bad(f"you kept {size} entries, here are {self.newest.size}: some were removed")
        if self.root_at(size) is None:
            raise FileNotFoundError(
                f"the first {size} entries are not here, nor a proof from there"
            )
        if self.root_at(size) != root:
            raise Bad(f"history was rewritten: the first {size} entries are not those you kept")
        return f"the first {size} entries are those you kept"


def _wrong_with(body: bytes, at: int, previous: str) -> list[str]:
    try:
        entry = json.loads(body)
        plain = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        if plain.encode() != body or set(entry) != KEYS:
            return [f"entry {at} is not written as an entry is"]
    except (ValueError, TypeError):
        return [f"entry {at} cannot be read"]
    found = []
    if entry["seq"] != at:
        found.append(f"where entry {at} belongs stands entry {entry['seq']} (seq)")
    if entry["previousHash"] != previous:
        before = f"entry {at - 1}" if at else "nothing"
        found.append(f"entry {at} does not follow {before} (previousHash): one was changed")
    return found


def main() -> int:
    """Check the folder that the arguments name; return the exit status."""
    parser = argparse.ArgumentParser(usage=__doc__)
    here = Path(__file__).resolve().parent
    bundle = here.parent if (here.parent / "SHA256SUMS").is_file() else here
    parser.add_argument("folder", nargs="?", type=Path, default=bundle)
    parser.add_argument("--key", default="")
    parser.add_argument("--witness", action="append", default=[])
    parser.add_argument("--remembered", default="")
    asked = parser.parse_args()
    try:
        folder = Folder(asked.folder.resolve(), asked.key)
    except (Bad, ValueError, LookupError, OSError) as error:
        print(f"??  cannot be checked: {error}")
        return 2
    if not asked.key:
        folder.say("--", f"the key {folder.key.name} is the folder's own: is it the one you noted?")
    folder.check(asked.witness, asked.remembered)
    print(("Everything holds.", "Something was changed.", "Not all was checked.")[folder.worst])
    return folder.worst


if __name__ == "__main__":
    sys.exit(main())
