"""Names and signs of the ten languages for Plotly: one source, CLDR, for charts and for text.

`python -m components.charts.locales` writes `assets/plot-locales.js`; the words of Plotly's own
buttons stay those of the vendored `plotly-locales.js`.
"""

from __future__ import annotations

import json
from pathlib import Path

from i18n import LANGUAGES
from i18n.axes import plot_locale

TARGET = Path(__file__).parents[2] / "assets" / "plot-locales.js"


def script() -> str:
    """Return the script that registers the formats of every language."""
    known = [
        {"moduleType": "locale", "name": language.plotly, "format": plot_locale(code)}
        for code, language in LANGUAGES.items()
    ]
    return (
        "// Written by `python -m components.charts.locales`; edit i18n/axes.py.\n"
        f"Plotly.register({json.dumps(known, separators=(',', ':'), ensure_ascii=False)});\n"
    )


if __name__ == "__main__":
    TARGET.write_text(script(), "utf-8")
