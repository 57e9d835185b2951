"""The definition of a number: a button beside its title, and the sentence it shows."""

from __future__ import annotations

from dash import html

from components.attributes import attrs
from components.icons import icon
from i18n import t


def definition(text: str, owner_id: str) -> html.Div:
    """Return an info button whose tooltip says what the number of `owner_id` means."""
    tip_id = f"{owner_id}-definition"
    return html.Div(
        [
            html.Button(
                [
                    icon("info-circle"),
                    html.Span(t("panel.definition"), className="visually-hidden"),
                ],
                className="icon-button definition-button",
                **attrs(aria_describedby=tip_id),
            ),
            html.Div(text, id=tip_id, role="tooltip", className="definition"),
        ],
        className="definition-holder",
    )
