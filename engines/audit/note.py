"""Checkpoints as signed notes: a size and a root that a key answers for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engines.errors import EngineError

ED25519 = 1
"""The byte that says that a key signs a note's text as it is (C2SP signed-note)."""
_SIGNED_BY = "— "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself at one moment.

    Attributes
    ----------
    origin : str
        Which log.
    size : int
        Entries.
    root : bytes of length 32
        Root of the Merkle tree over them.
    """

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Return the note's text: origin, size and root, a line each."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


class Signer:
    """An Ed25519 key with a name, made of a secret of 32 bytes.

    Examples
    --------
    >>> signer = Signer("example.org/log", bytes(32))
    >>> signer.verifier[:24]
    'example.org/log+4e933303'
    >>> note = signer.sign(Checkpoint("example.org/log", 0, sha256(b"").digest()))
    >>> open_note(note, signer.verifier).size
    0
    """

    def __init__(self, name: str, seed: bytes) -> None:
        if not name or "+" in name or any(c.isspace() for c in name):
            raise EngineError(f"a key's name holds no space and no plus, got {name!r}")
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes_raw()
        self._id = _key_id(name, bytes([ED25519]) + public)
        encoded = base64.b64encode(bytes([ED25519]) + public).decode()
        self.verifier = f"{name}+{self._id.hex()}+{encoded}"
        """The public key as auditors note it down: name, key id and key."""

    def sign(self, checkpoint: Checkpoint) -> str:
        """Return the signed note."""
        text = checkpoint.text()
        signature = base64.b64encode(self._id + self._key.sign(text.encode())).decode()
        return f"{text}\n{_SIGNED_BY}{self.name} {signature}\n"


def open_note(note: str, verifier: str) -> Checkpoint:
    """Return the checkpoint of a note that `verifier` signed.

    Raises
    ------
    EngineError
        Not a note, no signature by that key, or a signature that does not hold.

    References
    ----------
    C2SP, signed-note and tlog-checkpoint.
    """
    name, key_id, public = read_verifier(verifier)
    text, lines = signature_lines(note)
    for signer, value in lines:
        if signer != name or value[:4] != key_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(value[4:], text.encode())
        except InvalidSignature:
            raise EngineError(f"the signature by {name} does not hold") from None
        return _parsed(text)
    raise EngineError(f"the checkpoint is not signed by {name}")


def signature_lines(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Return a note's text and its signatures: the name, and key id with signature.

    Raises
    ------
    EngineError
        Not a note.
    """
    text, blank, signatures = note.partition("\n\n")
    if not blank or not signatures.endswith("\n"):
        raise EngineError("a checkpoint is text, an empty line and signatures")
    lines = []
    for line in signatures[:-1].split("\n"):
        signer, _, encoded = line.removeprefix(_SIGNED_BY).partition(" ")
        if not line.startswith(_SIGNED_BY) or not encoded:
            raise EngineError("a line of signatures is a dash, a name and a signature")
        lines.append((signer, _decoded(encoded)))
    return f"{text}\n", lines


def _parsed(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) < 4 or not lines[0] or not lines[1].isascii() or not lines[1].isdigit():
        raise EngineError("a checkpoint has an origin, a size and a root")
    if str(int(lines[1])) != lines[1]:
        raise EngineError("a size has no leading zeros")
    root = _decoded(lines[2])
    if len(root) != 32:
        raise EngineError(f"a root has 32 bytes, got {len(root)}")
    return Checkpoint(lines[0], int(lines[1]), root)


def read_verifier(verifier: str, *, kind: int = ED25519) -> tuple[str, bytes, bytes]:
    """Return name, id and public key of a verifier key.

    Raises
    ------
    EngineError
        Not a verifier key of this kind, or one whose id is another's.
    """
    parts = verifier.split("+", 2)
    key = _decoded(parts[2]) if len(parts) == 3 else b""
    if len(key) != 33 or key[0] != kind or parts[1] != _key_id(parts[0], key).hex():
        raise EngineError("not the verifier key of an Ed25519 signer")
    return parts[0], bytes.fromhex(parts[1]), key[1:]


def _key_id(name: str, key: bytes) -> bytes:
    return sha256(name.encode() + b"\n" + key).digest()[:4]


def _decoded(text: str) -> bytes:
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise EngineError(f"not base64: {text[:40]!r}") from error
    if base64.b64encode(value).decode() != text:  # spare bits of the last digit
        raise EngineError(f"not the base64 of anything: {text[:40]!r}")
    return value
