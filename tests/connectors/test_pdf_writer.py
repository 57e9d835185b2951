from __future__ import annotations

from pathlib import Path

import pytest

from connectors.pdf import ForeignFile, _own_file, is_available, write_pdf

needs_pango = pytest.mark.skipif(
    not is_available(), reason="Pango is not installed (Debian package libpangoft2-1.0-0)"
)


@needs_pango
def test_html_becomes_a_pdf(tmp_path: Path) -> None:
    assert write_pdf("<p>Hello</p>", tmp_path).startswith(b"%PDF-")


@needs_pango
@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/x.css", "file:///etc/passwd", "../../etc/passwd", "ftp://x/y"]
)
def test_a_document_that_asks_for_anything_else_is_not_written(
    tmp_path: Path, address: str
) -> None:
    with pytest.raises(ForeignFile):
        write_pdf(f'<link rel="stylesheet" href="{address}"><p>x</p>', tmp_path)


@pytest.mark.parametrize("url", ["https://example.com/a", "file:///etc/passwd", "data:text/css,a"])
def test_only_files_of_the_folder_are_read(tmp_path: Path, url: str) -> None:
    with pytest.raises(ForeignFile):
        _own_file(url, tmp_path)


def test_a_file_of_the_folder_is_found(tmp_path: Path) -> None:
    (tmp_path / "a b.css").write_text("p{}")
    assert _own_file((tmp_path / "a b.css").as_uri() + "?v=1", tmp_path).read_text() == "p{}"
