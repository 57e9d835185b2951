"""Colours: readable, told apart by colour-blind readers, one source for every consumer."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from components import theme
from components.theme import COLOURS, MODES, SERIES, Mode, contrast

ASSETS = Path(theme.__file__).parents[1] / "assets"
WORDS = ("text", "text-2", "text-3", "accent", "good", "warn", "bad", "none")
GROUNDS = ("page", "panel", "raised", "sunken")

# Machado, Oliveira, Fernandes (2009), severity 1.0, linear RGB.
BLINDNESS = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216),
                   (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413),
                     (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602),
                   (0.004733, 0.691367, 0.303900)),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("ground", GROUNDS)
def test_words_have_the_contrast_of_wcag_aa(mode: Mode, ground: str) -> None:
    c = COLOURS[mode]
    assert {w: r for w in WORDS if (r := contrast(c[w], c[ground])) < 4.5} == {}


@pytest.mark.parametrize("mode", MODES)
def test_status_words_are_readable_on_their_own_ground(mode: Mode) -> None:
    c = COLOURS[mode]
    weak = [s for s in ("good", "warn", "bad", "none") if contrast(c[s], c[f"{s}-soft"]) < 4.5]
    assert weak == []


@pytest.mark.parametrize("mode", MODES)
def test_series_and_borders_stand_out_from_the_panel(mode: Mode) -> None:
    c = COLOURS[mode]
    assert [n for n in (*SERIES, "line-strong") if contrast(c[n], c["panel"]) < 3] == []


def linear(value: str) -> list[float]:
    parts = [int(value[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]


def seen(value: str, kind: str) -> tuple[float, float, float]:
    """Return CIE Lab of a colour as a reader with `kind` sees it."""
    rgb = [
        min(1.0, max(0.0, sum(m * c for m, c in zip(row, linear(value), strict=True))))
        for row in BLINDNESS[kind]
    ]
    r, g, b = rgb
    xyz = (
        (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.9505,
        0.2126 * r + 0.7152 * g + 0.0722 * b,
        (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.089,
    )
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", BLINDNESS)
def test_the_first_four_series_differ_for_colour_blind_readers(mode: Mode, kind: str) -> None:
    lab = {name: seen(COLOURS[mode][name], kind) for name in SERIES[:4]}
    near = [
        (a, b)
        for a, b in combinations(lab, 2)
        if sum((p - q) ** 2 for p, q in zip(lab[a], lab[b], strict=True)) ** 0.5 < 10
    ]
    assert near == []


def test_both_modes_have_the_same_tokens() -> None:
    assert COLOURS["light"].keys() == COLOURS["dark"].keys()


def test_generated_assets_are_current() -> None:
    assert (ASSETS / "theme.css").read_text("utf-8") == theme.css()
    assert (ASSETS / "theme.js").read_text("utf-8") == theme.script()


def test_resolve_replaces_tokens_and_leaves_its_input() -> None:
    figure = {
        "data": [{"line": {"color": "token:bad/0.5"}, "y": [1.0, 2.0]}],
        "s": [[0, "token:good"]],
    }
    found = theme.resolve(figure, "light")
    assert found["data"][0]["line"]["color"] == "rgba(179,38,30,0.5)"
    assert found["s"] == [[0, COLOURS["light"]["good"]]]
    assert figure["s"] == [[0, "token:good"]]


def test_an_unknown_token_is_refused() -> None:
    with pytest.raises(KeyError, match="mauve"):
        theme.token("mauve")


def test_every_status_has_an_icon_in_the_vendored_font() -> None:
    css = (ASSETS / "vendor/bootstrap-icons.min.css").read_text("utf-8")
    assert [i for i in theme.STATUS_ICON.values() if f".bi-{i}::before" not in css] == []
