"""python -m app: serve | demo | worker | edge | keys | verify."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from app.settings import Settings, SettingsError, from_env


def main(argv: list[str] | None = None) -> int:
    """Run one role; 2 when the command or a setting is wrong."""
    arguments = _parser().parse_args(argv)
    try:
        settings = from_env()
    except SettingsError as error:
        print(f"aiobs: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Analyses run beside requests: each takes one core, and OpenMP must not spin on the others.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    code: int = arguments.run(settings, arguments)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app",
        description="AIOBS, the AI Observability Hub. Settings: AIOBS_* (docs/settings.md).",
    )
    roles = parser.add_subparsers(dest="role", required=True, metavar="ROLE")
    serve = roles.add_parser("serve", help="the hub: pages, API, WebSocket and jobs")
    serve.set_defaults(run=_serve)
    worker = roles.add_parser("worker", help="jobs only, beside one or more hubs")
    worker.set_defaults(run=_worker)
    demo = roles.add_parser("demo", help="the sample fleet: a customer's process")
    demo.add_argument("--url", default="", help="hub to send to (default: this machine's)")
    demo.add_argument("--key", default="", help="API key (default: AIOBS_API_KEY, if set)")
    demo.add_argument("--hours", type=float, default=24.0, help="history to send first")
    demo.add_argument("--incident", default="", help="start one scripted incident now and exit")
    demo.add_argument("--if-empty", action="store_true", help="leave when others sent data already")
    demo.set_defaults(run=_demo)
    keys = roles.add_parser("keys", help="create, list and revoke API keys")
    keys.add_argument("action", choices=("create", "list", "revoke"))
    keys.add_argument("--tenant", default="default")
    keys.add_argument("--role", default="viewer")
    keys.add_argument("--name", default="")
    keys.add_argument("--id", default="", help="key to revoke")
    keys.set_defaults(run=_keys)
    return parser


def _serve(settings: Settings, _arguments: argparse.Namespace) -> int:
    from app.serving import serve

    return serve(settings)


def _worker(settings: Settings, _arguments: argparse.Namespace) -> int:
    from app.serving import work

    return work(settings)


def _demo(settings: Settings, arguments: argparse.Namespace) -> int:
    from app.demo import run

    url = arguments.url or f"http://{settings.host}:{settings.port}"
    return run(
        url,
        key=arguments.key or os.environ.get("AIOBS_API_KEY", ""),
        hours=arguments.hours,
        incident=arguments.incident,
        only_if_empty=arguments.if_empty,
    )


def _keys(settings: Settings, arguments: argparse.Namespace) -> int:
    from app.keys_command import run

    return run(settings, arguments)


if __name__ == "__main__":
    sys.exit(main())
