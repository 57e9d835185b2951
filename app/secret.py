"""The installation's secret: signs sessions and keys API-key hashes."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from engines.audit import Signer


def load_secret(given: str, data_dir: Path) -> bytes:
    """Return the secret of the settings, or the one kept (0600) in the data folder."""
    if given:
        return given.encode()
    path = data_dir / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return _read_complete(path)
    secret = secrets.token_hex(32).encode()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    return secret


def _read_complete(path: Path) -> bytes:
    secret = path.read_bytes()
    if len(secret) < 32:
        raise RuntimeError(f"{path} is damaged: it holds {len(secret)} bytes instead of 64")
    return secret


def checkpoint_signers(secret: bytes) -> Callable[[str], Signer]:
    """Return the key that signs the heads of audit chains, named after this installation and a
    tenant."""
    seed = hmac.new(secret, b"audit-checkpoint", hashlib.sha256).digest()
    installation = Signer("aiobs", seed).verifier.split("+")[1]
    return lambda tenant: Signer(f"aiobs-{installation}/audit/{tenant}", seed)


def signer(secret: bytes, purpose: str) -> Callable[[bytes], str]:
    """Return HMAC-SHA256 under a key derived for one purpose, as hexadecimal text."""
    key = hmac.new(secret, purpose.encode(), hashlib.sha256).digest()
    return lambda message: hmac.new(key, message, hashlib.sha256).hexdigest()
