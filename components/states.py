"""What stands where a number would be: loading, nothing yet, too little, or an error."""

from __future__ import annotations

from typing import Any

from dash import html

from components.attributes import attrs
from components.icons import icon
from engines.result import Insufficient
from i18n import number, t, tell


def skeleton(height: int = 240, kind: str = "chart") -> html.Div:
    """Return a calm placeholder of the final height, so nothing jumps when data arrives."""
    bars = [html.Span(className="bone") for _ in range(4 if kind == "chart" else 6)]
    return html.Div(
        [html.Span(t("state.loading"), className="visually-hidden"), *bars],
        className=f"state skeleton skeleton-{kind}",
        style={"minHeight": f"{height}px"},
        role="status",
    )


def empty(sentence: str, *, command: str | None = None, hint: str | None = None) -> html.Div:
    """Return "nothing yet", with the command that would fill the place."""
    parts: list[Any] = [icon("inbox"), html.P(sentence, className="state-title")]
    if hint:
        parts.append(html.P(hint, className="state-hint"))
    if command:
        parts.append(
            html.Div(
                [
                    html.Code(command, dir="ltr"),
                    html.Button(
                        [icon("copy"), html.Span(t("panel.copy"), className="visually-hidden")],
                        className="icon-button",
                        title=t("panel.copy"),
                        **attrs(data_action="copy", data_copy=command),
                    ),
                ],
                className="state-command",
            )
        )
    return html.Div(parts, className="state state-empty")


def calm(sentence: str, hint: str) -> html.Div:
    """Return the good news that there is nothing to do."""
    return html.Div(
        [
            icon("check2-circle"),
            html.P(sentence, className="state-title"),
            html.P(hint, className="state-hint"),
        ],
        className="state state-calm",
    )


def thin(lack: Insufficient, *, hint: str | None = None) -> html.Div:
    """Return the reason why the data do not support a number, and how much is missing."""
    parts: list[Any] = [
        icon("hourglass-split"),
        html.P(t("state.insufficient"), className="state-title"),
        html.P(tell(lack.reason), className="state-hint", dir="auto"),
    ]
    if lack.needed and lack.got is not None:
        share = min(1.0, lack.got / lack.needed)
        text = t("state.progress", got=number(lack.got), needed=number(lack.needed))
        parts.append(
            html.Div(
                [
                    html.Div(
                        html.Div(style={"width": f"{share:.0%}"}),
                        className="state-progress",
                        **attrs(aria_hidden="true"),
                    ),
                    html.Span(text),
                ],
                className="state-count",
            )
        )
    if hint:
        parts.append(html.P(hint, className="state-hint"))
    return html.Div(parts, className="state state-thin")


def error(sentence: str | None = None, *, error_id: str | None = None) -> html.Div:
    """Return what went wrong, a way to try again, and the id that the log knows."""
    parts: list[Any] = [
        icon("exclamation-octagon"),
        html.P(t("state.failed"), className="state-title"),
        html.P(sentence or t("state.failed_hint"), className="state-hint"),
        html.Button(
            [icon("arrow-clockwise"), html.Span(t("state.retry"))],
            className="btn-quiet",
            **attrs(data_action="retry"),
        ),
    ]
    if error_id:
        parts.append(
            html.P(
                [t("state.error_id"), " ", html.Bdi(html.Code(error_id), dir="ltr")],
                className="state-id",
            )
        )
    return html.Div(parts, className="state state-error", role="alert")
