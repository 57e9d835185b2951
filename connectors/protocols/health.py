"""How a backend says that it works."""

from __future__ import annotations

import msgspec


class StoreHealth(msgspec.Struct, frozen=True):
    """What readiness and the status strip say of a backend."""

    name: str
    ok: bool
    detail: str = ""
    stats: dict[str, float] = {}
