"""Chromium for the browser tests: one launch, no network beyond loopback, problems collected."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
PATIENCE_S = 90  # a busy machine is slow, not wrong
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--disable-default-apps", "--disable-sync", "--no-first-run",
    "--metrics-recording-only", "--disable-domain-reliability",
    "--disable-features=OptimizationHints,MediaRouter,Translate,DialMediaRouteProvider",
    "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]  # fmt: skip


@contextmanager
def browser() -> Iterator[Any]:
    """Yield a Chromium in which no name but loopback resolves."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield chromium
        finally:
            chromium.close()


@dataclass
class Visit:
    """An open page and everything that went wrong on it."""

    page: Any
    origin: str
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def wait_for_charts(self) -> None:
        """Wait until the page stands: a heading, drawn charts, and no request on its way."""
        self.page.wait_for_selector("#page h1", timeout=PATIENCE_S * 1000)
        self.page.wait_for_load_state("networkidle")
        self.wait_until(
            "[...document.querySelectorAll('.chart')].every(c => c.querySelector('.main-svg'))"
        )
        self.page.evaluate("document.fonts.ready")

    def wait_until(self, claim: str, timeout_s: float = PATIENCE_S) -> None:
        """Wait until an expression is true; polled from here, as the page allows no eval."""
        end = time.monotonic() + timeout_s
        while not self.page.evaluate(claim):
            if time.monotonic() > end:
                raise AssertionError(f"still not true: {claim}")
            self.page.wait_for_timeout(50)

    def axe(self) -> list[str]:
        """Return the WCAG 2 A and AA violations, one line each."""
        self.page.evaluate(AXE.read_text("utf-8"))
        found = self.page.evaluate(
            "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']})"
        )
        return [
            f"{v['id']}: {node['target']} {node['failureSummary'][:200]}"
            for v in found["violations"]
            for node in v["nodes"][:3]
        ]

    def overflow_px(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
        )


@contextmanager
def visit(
    chromium: Any, url: str, *, width: int = 1440, height: int = 900, lang: str = "en-US"
) -> Iterator[Visit]:
    """Open `url` in a fresh context; console errors and foreign requests are collected."""
    origin = "/".join(url.split("/")[:3])
    context = chromium.new_context(
        viewport={"width": width, "height": height}, locale=lang, accept_downloads=True
    )
    page = context.new_page()
    found = Visit(page, origin)
    page.on("console", lambda m: found.errors.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda e: found.errors.append(str(e)))
    page.on("requestfailed", lambda r: found.errors.append(f"{r.url} {r.failure}"))

    def check(request: Any) -> None:
        if not request.url.startswith((origin, "data:", "blob:")):
            found.outside.append(request.url)

    page.on("request", check)
    try:
        page.goto(url, wait_until="domcontentloaded")
        yield found
    finally:
        context.close()
