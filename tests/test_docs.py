"""Every route, setting and dependency is in docs/, and nothing else is."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from app.api import ROUTERS
from app.settings import Settings

ROOT = Path(__file__).parents[1]


def read(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_docs_name_every_route_and_no_other() -> None:
    documented = set(re.findall(r"`(GET|POST|PUT|DELETE) (/[^` ]*)`", read("docs/api.md")))
    real = {
        (route.method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route.path))
        for router in ROUTERS
        for route in router.routes
    }
    assert documented == real


def test_docs_name_every_setting_with_its_default() -> None:
    rows = dict(re.findall(r"\| `(AIOBS_\w+)` \| `?([^|`]*)`? \|", read("docs/settings.md")))
    real = {f"AIOBS_{f.name.upper()}": f for f in fields(Settings)}
    assert set(rows) == set(real)
    for name, default in rows.items():
        value = real[name].default
        shown = {True: "true", False: "false", "": "empty"}.get(value, str(value))
        assert default.strip() == shown, name


def test_every_dependency_is_pinned_and_explained() -> None:
    explained = read("docs/architecture.md").lower()
    for line in read("requirements.txt").splitlines():
        if line and not line.startswith("#"):
            name, _, version = line.partition("==")
            assert version, line
            assert name.split("[")[0].lower() in explained, name


def test_text_speaks_of_the_product_alone() -> None:
    words = re.compile(r"/(root|home|Users)/\w")
    guilty = [
        str(path.relative_to(ROOT))
        for folder in ("app", "pages", "services", "components", "engines", "connectors", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".md") and words.search(path.read_text("utf-8"))
    ]
    assert guilty == []


def test_every_methods_page_is_linked_from_the_index() -> None:
    index = read("docs/methods.md")
    pages = {path.name for path in (ROOT / "docs/methods").glob("*.md")}
    assert {name for name in pages if f"methods/{name}" not in index} == set()
