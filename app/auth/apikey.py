"""API keys and the sessions that a key opens in a browser."""

from __future__ import annotations

import hmac
import time
from dataclasses import dataclass, field

from werkzeug.datastructures import Headers

from connectors.protocols import RecordStore
from services.identity import Principal
from services.keys import find_key, parse_key
from services.workspace import Backends

_REMEMBER_S = 5.0
"""How long a key is trusted without asking the store; a revoked key works no longer than this."""


@dataclass(slots=True)
class KeyChecker:
    """Verifies keys against the record store, remembering each for a few seconds."""

    backends: Backends
    _known: dict[str, tuple[float, Principal, str]] = field(default_factory=dict)

    def principal(self, presented: str) -> Principal | None:
        """Return who the key belongs to, or None; constant time in the secret."""
        parsed = parse_key(presented)
        if parsed is None:
            return None
        key_id, secret = parsed
        found = self._lookup(key_id)
        if found is None:
            return None
        principal, expected = found
        given = self.backends.sign(secret.encode())
        return principal if hmac.compare_digest(given, expected) else None

    def owner(self, presented: str) -> Principal | None:
        """Return whose key id this is, whether or not the secret is right: for counting only."""
        parsed = parse_key(presented)
        found = self._lookup(parsed[0]) if parsed is not None else None
        return found[0] if found is not None else None

    def revoked_owner(self, presented: str) -> Principal | None:
        """Return whose key this was before it was revoked, if its secret is right: for counting."""
        parsed = parse_key(presented)
        if parsed is None:
            return None
        found = find_key(self.backends.records.scoped(""), parsed[0], revoked=True)
        if found is None:
            return None
        given = self.backends.sign(parsed[1].encode())
        return found[0] if hmac.compare_digest(given, found[1]) else None

    def session_principal(self, key_id: str) -> Principal | None:
        """Return who a session belongs to, while its key is not revoked."""
        found = self._lookup(key_id)
        if found is None:
            return None
        principal = found[0]
        return Principal(principal.id, principal.tenant, principal.roles, "session", principal.name)

    def _lookup(self, key_id: str) -> tuple[Principal, str] | None:
        now = time.monotonic()
        known = self._known.get(key_id)
        if known is not None and known[0] > now:
            return known[1], known[2]
        installation: RecordStore = self.backends.records.scoped("")
        found = find_key(installation, key_id)
        if found is None:
            self._known.pop(key_id, None)
            return None
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[key_id] = (now + _REMEMBER_S, *found)
        return found


def presented_key(headers: Headers) -> str | None:
    """Return the key in ``X-API-Key`` or ``Authorization: Bearer``, if any."""
    if key := headers.get("X-API-Key"):
        return key
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None
