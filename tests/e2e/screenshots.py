"""Pictures of every page for the documentation: `python tests/e2e/screenshots.py URL [FOLDER]`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
sys.path.insert(0, str(Path(__file__).parent))

from browser import browser  # noqa: E402

import pages  # noqa: E402

THEMES = ("light", "dark")
LANGUAGES = ("en", "ar")
MODEL = dict.fromkeys(("models", "technical", "data_health"), "visit-risk")


def main(url: str, folder: Path) -> None:
    """Write one picture per page, theme and language."""
    folder.mkdir(parents=True, exist_ok=True)
    with browser() as chromium:
        for theme in THEMES:
            context = chromium.new_context(
                viewport={"width": 1440, "height": 1000}, color_scheme=theme
            )
            view = context.new_page()
            for page in pages.PAGES:
                for language in LANGUAGES:
                    query = f"?lang={language}&theme={theme}&model={MODEL.get(page.name, '')}"
                    view.goto(f"{url}{page.module.PATH}{query}", wait_until="load")
                    view.wait_for_timeout(3_500)
                    target = folder / f"{page.name}-{theme}-{language}.jpg"
                    view.screenshot(path=target, full_page=True, type="jpeg", quality=60)
                    print(target.name)
            context.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2] if len(sys.argv) > 2 else ROOT / "docs/images"))
