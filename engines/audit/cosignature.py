"""Cosignatures of witnesses under a checkpoint: who else answers for it, and since when."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from engines.audit.note import read_verifier, signature_lines
from engines.errors import EngineError

KIND = 4
"""The byte that says that a key signs with the time (C2SP tlog-cosignature)."""


def cosigned_at(note: str, witness: str) -> int | None:
    """Return when a witness cosigned a checkpoint, seconds since 1970; None where it did not.

    Parameters
    ----------
    note : str
        Signed checkpoint, with the lines of witnesses.
    witness : str
        The witness's verifier key: name, id and key.

    Raises
    ------
    EngineError
        No such key, not a note, or a line by that key that does not hold.

    References
    ----------
    C2SP, tlog-cosignature.

    Examples
    --------
    >>> from engines.audit.note import Checkpoint, Signer
    >>> note = Signer("hub", bytes(32)).sign(Checkpoint("log", 0, bytes(32)))
    >>> key = "w1+af77c48c+BDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
    >>> cosigned_at(note, key) is None
    True
    """
    name, key_id, public = read_verifier(witness, kind=KIND)
    text, lines = signature_lines(note)
    for signer, value in lines:
        if signer != name or value[:4] != key_id:
            continue
        at_s = int.from_bytes(value[4:12], "big")
        message = f"cosignature/v1\ntime {at_s}\n{text}".encode()
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(value[12:], message)
        except InvalidSignature:
            raise EngineError(f"the cosignature by {name} does not hold") from None
        return at_s
    return None
