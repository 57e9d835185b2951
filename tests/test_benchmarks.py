"""What benchmarks write: a part measured anew keeps the rest of its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import study
from benchmarks.study import Row, run


def test_a_part_that_is_measured_anew_takes_its_place_and_the_rest_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "RESULTS", tmp_path)
    run("pages", "claim", lambda: [Row("a", 1.0), Row("b", 2.0)])
    run("pages", "claim", lambda: [Row("b", 3.0), Row("c", 4.0)], in_part=True)
    rows = json.loads((tmp_path / "pages.json").read_text())["rows"]
    assert [(row["case"], row["measured"]) for row in rows] == [("a", 1.0), ("b", 3.0), ("c", 4.0)]
