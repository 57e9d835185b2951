"""python -m app keys: what an administrator with access to the machine may do."""

from __future__ import annotations

import argparse
import sys

from app.factory import open_backends
from app.settings import Settings
from services.errors import AIOBSError
from services.identity import Principal
from services.keys import create_key, list_keys, revoke_key


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Carry out one action; the new key is printed once and stored only as a hash."""
    backends = open_backends(settings)
    principal = Principal("console", arguments.tenant, ("platform_admin",), "local", "console")
    ws = backends.workspace(principal)
    try:
        if arguments.action == "create":
            made = create_key(ws, arguments.role, name=arguments.name)
            print(made.key)
        elif arguments.action == "revoke":
            info = revoke_key(ws, arguments.id)
            print(f"revoked {info.id}")
        else:
            for info in list_keys(ws):
                state = "revoked" if info.revoked else "active"
                print(f"{info.id}  {info.role:<20} {state:<8} {info.name}")
    except AIOBSError as error:
        print(f"aiobs: {error.message}", file=sys.stderr)
        return 1
    finally:
        backends.close()
    return 0
