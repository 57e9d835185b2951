"""HTML to PDF with WeasyPrint: text shaped by Pango, so Arabic is joined and runs right to left."""

from __future__ import annotations

import logging
from functools import cache
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from connectors.errors import Unavailable


class NoWriter(Unavailable):
    """PDFs cannot be written here: a library of the system is missing."""


class ForeignFile(ValueError):
    """A document asked for something outside of its folder."""


def write_pdf(html: str, folder: Path) -> bytes:
    """Return the document as PDF; it may read files under `folder` and nothing else.

    Raises
    ------
    ForeignFile
        The document asked for anything else; nothing is written.
    NoWriter
        Pango is not installed (Debian: libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0).
    """
    weasyprint = _library()
    base = folder.resolve()

    class OwnFiles(weasyprint.urls.URLFetcher):  # type: ignore[misc,name-defined]  # ships no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            path = _own_file(url, base)
            kind = guess_type(path.name)[0] or "application/octet-stream"
            headers = {"Content-Type": kind}
            return weasyprint.urls.URLFetcherResponse(url, path.read_bytes(), headers)

    fetcher = OwnFiles(fail_on_errors=True)
    page = weasyprint.HTML(string=html, base_url=f"{base.as_uri()}/", url_fetcher=fetcher)
    try:
        content: bytes = page.write_pdf(font_config=_fonts())
    except weasyprint.urls.FatalURLFetchingError as error:  # not an Exception there
        raise ForeignFile(str(error)) from error
    return content


def is_available() -> bool:
    """Return whether PDFs can be written on this machine."""
    try:
        _library()
    except NoWriter:
        return False
    return True


@cache
def _library() -> Any:  # the module; it ships no types
    try:
        import weasyprint
        import weasyprint.urls
    except OSError as error:
        raise NoWriter(
            "PDF reports need Pango: apt-get install libpango-1.0-0 libpangoft2-1.0-0"
            " libharfbuzz-subset0"
        ) from error
    for name in ("fontTools", "weasyprint"):  # they tell every step and every property left out
        logging.getLogger(name).setLevel(logging.ERROR)
    return weasyprint


@cache
def _fonts() -> Any:  # weasyprint.text.fonts.FontConfiguration
    _library()
    from weasyprint.text.fonts import FontConfiguration

    return FontConfiguration()


def _own_file(url: str, base: Path) -> Path:
    """Return the file of an address under `base`; anything else is refused, hosts included."""
    parts = urlsplit(url)
    path = Path(unquote(parts.path)).resolve()
    if parts.scheme != "file" or not path.is_relative_to(base):
        raise ForeignFile(f"a report reads its own files alone, not {url[:120]!r}")
    return path
