"""Settings: one frozen object, read from `AIOBS_*` once, by the factory alone."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal


class SettingsError(ValueError):
    """A setting is unknown or malformed; the message is a sentence that names it."""


def _setting(default: Any, meaning: str, *, unit: str = "", secret: bool = False) -> Any:
    return field(default=default, metadata={"meaning": meaning, "unit": unit, "secret": secret})


@dataclass(frozen=True, slots=True)
class Settings:
    """Every knob of the hub; `docs/settings.md` is checked against this class."""

    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8000, "port to listen on")
    data_dir: Path = _setting(Path("var"), "folder of the embedded stores")
    demo: Literal["auto", "on", "off"] = _setting(
        "auto", "sample fleet: `auto` starts it when the store is empty and the hub is local"
    )
    metrics_url: str = _setting("", "VictoriaMetrics base URL; empty keeps metrics embedded")
    events_url: str = _setting("", "reserved for OpenObserve; must be empty in this version")
    redis_url: str = _setting("", "Redis URL for cache, bus and locks", secret=True)
    database_url: str = _setting("", "SQLAlchemy URL for records, e.g. PostgreSQL", secret=True)
    auth: Literal["local", "keys"] = _setting(
        "local",
        "`keys` asks for an API key; `local` trusts loopback",
    )
    secret: str = _setting(
        "", "key for sessions and key hashes; empty keeps one in the data folder", secret=True
    )
    public_url: str = _setting("", "origin that browsers use, e.g. https://aiobs.example.com")
    retention_days: int = _setting(90, "days that telemetry is kept", unit="days")
    max_body_mb: int = _setting(32, "largest request body, after decompression", unit="MB")
    threads: int = _setting(64, "request threads, besides one per WebSocket client")
    websocket_clients: int = _setting(200, "WebSocket clients that one process accepts")
    scheduler: bool = _setting(True, "run the jobs in this process")
    judge_url: str = _setting(
        "", "base URL of an OpenAI-compatible API that judges undecided sentences; empty: no judge"
    )
    judge_key: str = _setting("", "key for that API; empty sends none", secret=True)
    judge_model: str = _setting("", "model to ask there; needed with the URL")
    judge_timeout_s: int = _setting(20, "longest wait for one judgement, retries in", unit="s")
    judge_daily_calls: int = _setting(200, "judgements that each tenant may ask for a day (UTC)")
    judge_daily_characters: int = _setting(
        1_000_000, "characters that each tenant may send to the judge a day (UTC)"
    )
    audit_witness_url: str = _setting(
        "", "base URL of a witness of the audit chains (deploy/witness.py); empty: none"
    )
    audit_witness_key: str = _setting("", "verifier key of that witness, as it prints it")
    log_level: Literal["debug", "info", "warning", "error"] = _setting("info", "least log level")

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the hub."""
        return self.host in ("127.0.0.1", "::1", "localhost")


def from_env(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings in `environ`; raise `SettingsError` for an unknown or malformed one."""
    env = os.environ if environ is None else environ
    known = {f"AIOBS_{f.name.upper()}": f for f in fields(Settings)}
    given: dict[str, Any] = {}
    for name, text in env.items():
        if not name.startswith("AIOBS_") or name in _FOR_TOOLS:
            continue
        if name not in known:
            raise SettingsError(f"{name} is not a setting of AIOBS; docs/settings.md lists them")
        given[known[name].name] = _convert(name, known[name].default, str(known[name].type), text)
    settings = Settings(**given)
    if settings.events_url:
        raise SettingsError(
            "AIOBS_EVENTS_URL is reserved: this version keeps events embedded, so leave it empty"
        )
    if bool(settings.judge_url) != bool(settings.judge_model):
        raise SettingsError("AIOBS_JUDGE_URL and AIOBS_JUDGE_MODEL are set together or not at all")
    if bool(settings.audit_witness_url) != bool(settings.audit_witness_key):
        raise SettingsError(
            "AIOBS_AUDIT_WITNESS_URL and AIOBS_AUDIT_WITNESS_KEY are set together or not at all"
        )
    if settings.auth != "keys" and not settings.is_loopback:
        raise SettingsError(
            f"AIOBS_HOST={settings.host} can be reached from outside and no authentication is "
            "configured: set AIOBS_AUTH=keys and create a key with "
            "`python -m app keys create --tenant default --role tenant_admin`"
        )
    return settings


_FOR_TOOLS = frozenset({"AIOBS_BENCH_DATA", "AIOBS_VECTORS", "AIOBS_API_KEY", "AIOBS_URL"})
"""Variables that tests, benchmarks and clients read; the hub itself does not."""


def _convert(name: str, default: object, annotation: str, text: str) -> Any:
    if annotation.startswith("Literal"):
        choices = [c.strip().strip("\"'") for c in annotation[8:-1].split(",")]
        if text not in choices:
            raise SettingsError(f"{name} must be one of {', '.join(choices)}, got {text!r}")
        return text
    if isinstance(default, bool):
        if text.lower() not in ("1", "0", "true", "false", "on", "off"):
            raise SettingsError(f"{name} must be true or false, got {text!r}")
        return text.lower() in ("1", "true", "on")
    if isinstance(default, int):
        if not text.isascii() or not text.isdigit() or int(text) == 0:
            raise SettingsError(f"{name} must be a whole number above 0, got {text!r}")
        return int(text)
    if isinstance(default, Path):
        return Path(text).expanduser()
    return text
