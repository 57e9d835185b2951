"""A chain, its tree and its signatures by the plain definitions, to hold the product against."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HUB = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITNESS = Ed25519PrivateKey.from_private_bytes(bytes(range(32, 64)))
ORIGIN = "aiobs-12345678/audit/acme"


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def root(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: the split is at the largest power of two below the size."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return sha(b"\x01" + root(leaves[:k]) + root(leaves[k:]))


def inclusion(at: int, leaves: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(leaves) == 1:
        return []
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if at < k:
        return [*inclusion(at, leaves[:k]), root(leaves[k:])]
    return [*inclusion(at - k, leaves[k:]), root(leaves[:k])]


def consistency(size: int, leaves: list[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 6962, 2.1.2."""
    if size == len(leaves):
        return [] if whole else [root(leaves)]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    if size <= k:
        return [*consistency(size, leaves[:k], whole=whole), root(leaves[k:])]
    return [*consistency(size - k, leaves[k:], whole=False), root(leaves[:k])]


def entries(n: int, *, tenant: str = "acme", **changed: Any) -> list[bytes]:
    """Return the bytes of a chain of n entries; `changed` puts other values into all of them."""
    made: list[bytes] = []
    for seq in range(n):
        entry = {
            "id": f"01J{seq:023d}",
            "seq": seq,
            "timestamp": f"2026-11-28T22:23:{seq % 60:02d}.123456Z",
            "tenant": tenant,
            "actor": {"id": "key-1", "type": "api_key", "roles": ["sre"]},
            "action": "slo.updated",
            "resource": {"kind": "slo", "id": "latência"},
            "outcome": "ok",
            "details": {"revision": seq + 1, "changed": ["target"]},
            "previousHash": sha(made[-1]).hex() if made else "0" * 64,
        }
        made.append(canonical(entry | changed))
    return made


def canonical(entry: dict[str, Any]) -> bytes:
    text = json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def leaves(bodies: list[bytes]) -> list[bytes]:
    return [sha(b"\x00" + body) for body in bodies]


def vkey(name: str, key: Ed25519PrivateKey, kind: int) -> str:
    body = bytes([kind]) + key.public_key().public_bytes_raw()
    key_id = sha(name.encode() + b"\n" + body)[:4]
    return f"{name}+{key_id.hex()}+{b64(body)}"


def line(name: str, key: Ed25519PrivateKey, kind: int, signature: bytes) -> str:
    key_id = bytes.fromhex(vkey(name, key, kind).split("+")[1])
    return f"\u2014 {name} {b64(key_id + signature)}\n"


def note(tree: list[bytes], *, key: Ed25519PrivateKey = HUB, origin: str = ORIGIN) -> str:
    """Return the signed checkpoint of a tree."""
    text = f"{origin}\n{len(tree)}\n{b64(root(tree))}\n"
    return f"{text}\n" + line(origin, key, 1, key.sign(text.encode()))


def cosigned(signed: str, at_s: int = 1_764_368_580) -> str:
    """Return the checkpoint with the witness's line."""
    text = signed.split("\n\n")[0] + "\n"
    signature = WITNESS.sign(f"cosignature/v1\ntime {at_s}\n{text}".encode())
    return signed + line("w1", WITNESS, 4, at_s.to_bytes(8, "big") + signature)


HUB_KEY = vkey(ORIGIN, HUB, 1)
WITNESS_KEY = vkey("w1", WITNESS, 4)


def write_folder(folder: Path, bodies: list[bytes]) -> Path:
    """Write a bundle's audit folder: entries, cosigned checkpoint, keys, proofs."""
    tree = leaves(bodies)
    proofs = folder / "proofs"
    proofs.mkdir(parents=True)
    (folder / "entries.jsonl").write_bytes(b"".join(body + b"\n" for body in bodies))
    (folder / "checkpoint").write_text(cosigned(note(tree)))
    (folder / "key.txt").write_text(HUB_KEY + "\n")
    (folder / "witness.txt").write_text(WITNESS_KEY + "\n")
    at = len(bodies) // 2
    path = "".join(f"{b64(step)}\n" for step in inclusion(at, tree))
    head = f"c2sp.org/tlog-proof@v1\nextra {b64(bodies[at])}\nindex {at}\n{path}\n"
    (proofs / f"{at}.tlog-proof").write_text(head + note(tree))
    path = "".join(f"{b64(step)}\n" for step in consistency(at, tree))
    (proofs / f"from-{at}").write_text(f"aiobs/consistency@v1\n{path}\n" + note(tree[:at]))
    return folder
