import re
import subprocess
import sys
from pathlib import Path

import pages

ROOT = Path(__file__).parents[1]


def test_rooms_import_only_rooms_below_them() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_only_the_factory_names_concrete_connectors() -> None:
    concrete = re.compile(
        r"(from|import) connectors\.(sqlite|records|memory|redis|victoria|openobserve)"
    )
    guilty = [
        str(path.relative_to(ROOT))
        for folder in ("app", "pages", "services", "components")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "factory.py" and concrete.search(path.read_text("utf-8"))
    ]
    assert guilty == []


def test_callers_do_not_import_one_another() -> None:
    names = "|".join(page.name for page in pages.PAGES)
    pattern = re.compile(rf"(from pages import .*\b({names})\b|pages\.({names})\b)")
    guilty = [
        path.name
        for path in (ROOT / "pages").glob("*.py")
        if path.name != "__init__.py" and pattern.search(path.read_text("utf-8"))
    ]
    assert guilty == []
