"""The document around a printed page: cover, filters, body, definitions, numbers, page numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from components.printed import Printed
from components.theme import COLOURS
from i18n import current, date_time, direction, t

_ASSETS = Path(__file__).parents[1] / "assets"


@dataclass(frozen=True, slots=True)
class Cover:
    """What the first page and every footer say."""

    title: str
    purpose: str
    facts: Mapping[str, str]  # name -> value: window, filters, when, by whom
    footer: str
    keywords: str  # the filters as a program reads them


def document(cover: Cover, printed: Printed, contents: Sequence[str] = ()) -> str:
    """Return the report as one HTML document; its styles and fonts are files of the hub."""
    styles = f"<style>{_variables()}{_page_words(cover)}</style>"
    head = (
        f'<!DOCTYPE html><html lang="{current()}" dir="{direction()}"><head><meta charset="utf-8">'
        f"<title>{escape(cover.title)} · AIOBS</title>"
        f'<meta name="author" content="AIOBS"><meta name="description" content="'
        f'{escape(cover.footer)}"><meta name="keywords" content="{escape(cover.keywords)}">'
        f'<link rel="stylesheet" href="report.css">'
        f"{styles}</head><body>"
    )
    parts = [head, _cover(cover, contents), f"<main>{printed.html}</main>"]
    parts.append(_marks(printed))
    parts.append(_definitions(printed))
    parts.append(_numbers(printed))
    return "".join([*parts, "</body></html>"])


def assets() -> Path:
    """Return the folder that the document's relative addresses start from."""
    return _ASSETS


def _variables() -> str:
    names = "".join(f"--c-{name}:{value};" for name, value in COLOURS["light"].items())
    return f":root{{{names}}}"


def _page_words(cover: Cover) -> str:
    page = t("report.page_of", page="\x00", pages="\x01")
    pieces = []
    for part in page.replace("\x00", "|\x00|").replace("\x01", "|\x01|").split("|"):
        if part:
            counter = {"\x00": "counter(page)", "\x01": "counter(pages)"}.get(part)
            pieces.append(counter or _css_text(part))
    outer, inner = ("left", "right") if direction() == "rtl" else ("right", "left")
    return (
        f"@page{{@bottom-{inner}{{content:{_css_text(cover.footer)}}}"
        f"@bottom-{outer}{{content:{' '.join(pieces)}}}}}"
    )


def _css_text(words: str) -> str:
    safe = words.replace("\\", "\\\\").replace('"', '\\"').replace("<", "\\3c ")
    return '"' + " ".join(safe.split("\n")) + '"'


def _cover(cover: Cover, contents: Sequence[str]) -> str:
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td><bdi>{escape(value)}</bdi></td></tr>"
        for name, value in cover.facts.items()
    )
    listed = "".join(f"<li>{escape(title)}</li>" for title in contents)
    inside = f"<h2>{escape(t('report.contents'))}</h2><ul class='contents'>{listed}</ul>"
    return (
        f"<section class='cover'><p class='brand'>AIOBS</p><h1>{escape(cover.title)}</h1>"
        f"<p class='purpose'>{escape(cover.purpose)}</p>"
        f"<h2>{escape(t('report.filters'))}</h2><table class='facts'>{rows}</table>"
        f"{inside if listed else ''}</section>"
    )


def _marks(printed: Printed) -> str:
    """Return what the dotted lines on the charts are; each once, for all charts."""
    if not printed.marks:
        return ""
    rows = "".join(
        f"<tr><td><bdi>{escape(date_time(at))} UTC</bdi></td>"
        f"<td><bdi>{escape(words)}</bdi></td></tr>"
        for at, words in sorted(printed.marks)
    )
    table = f"<table class='plain-table'>{rows}</table>"
    return f"<section class='appendix'><h2>{escape(t('report.marks'))}</h2>{table}</section>"


def _definitions(printed: Printed) -> str:
    if not printed.definitions:
        return ""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(words)}</dd>"
        for name, words in printed.definitions.items()
    )
    title = escape(t("report.definitions"))
    return f"<section class='appendix'><h2>{title}</h2><dl>{rows}</dl></section>"


def _numbers(printed: Printed) -> str:
    names = ("series", "steps", "smallest", "median", "largest", "last")
    head = "".join(f"<th>{escape(t(f'report.{name}'))}</th>" for name in names)
    body = []
    for title, rows in printed.charts:
        if rows:
            body.append(f"<tr class='group'><th colspan='6'>{escape(title)}</th></tr>")
        body += [
            f"<tr><td><bdi>{escape(row[0] or title)}</bdi></td>"
            + "".join(f'<td class="is-number"><bdi dir="ltr">{cell}</bdi></td>' for cell in row[1:])
            + "</tr>"
            for row in rows
        ]
    if not body:
        return ""
    return (
        f"<section class='appendix'><h2>{escape(t('report.numbers'))}</h2>"
        f"<p>{escape(t('report.numbers_hint'))}</p>"
        f"<table class='plain-table'><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(body)}</tbody></table></section>"
    )
