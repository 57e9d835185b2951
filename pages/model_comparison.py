"""The form in which a reader says what a model's present is compared with."""

from __future__ import annotations

from typing import Any, cast

from dash import Input, Output, State, html, no_update

from components import forms
from components import scope as scopes
from components.icons import icon
from components.panel import panel
from i18n import t
from pages.sources import done
from services.comparison import AGAINST, Against, Comparison, get_comparison, set_comparison
from services.errors import Invalid
from services.models import list_models
from services.workspace import current_workspace

SEGMENTS = ("none", "user_segment", "region", "both")
_FIELDS = (
    "against", "present-hours", "present-rows", "reference-hours", "reference-rows", "weeks",
    "start", "end", "segments",
)  # fmt: skip


def words(name: str, **values: str) -> str:
    """Return a text of the comparison."""
    return t(f"comparison.{name}", **values)


def form() -> html.Div:
    """Return the form; it stays hidden until a model is chosen."""
    against: dict[str, str] = {name: words(f"against_{name}") for name in AGAINST}
    segments = {name: words(f"segments_{name}") for name in SEGMENTS}
    body = html.Div(
        [
            forms.choices("comparison-against", words("against"), against, "automatic"),
            forms.text("comparison-present-hours", words("present_hours")),
            forms.text("comparison-present-rows", words("present_rows")),
            forms.text("comparison-reference-hours", words("reference_hours")),
            forms.text("comparison-reference-rows", words("reference_rows")),
            forms.text("comparison-weeks", words("weeks")),
            forms.text("comparison-start", words("start")),
            forms.text("comparison-end", words("end")),
            forms.choices("comparison-segments", words("segments"), segments, "user_segment"),
            html.Button(
                [icon("check2"), html.Span(t("settings.save"))], id="comparison-save",
                className="btn-strong",
            ),
        ],
        className="form form-columns",
    )  # fmt: skip
    made = panel(
        words("title"), body, panel_id="models-comparison", span=12, height=120, menu=False,
        definition=words("definition"),
    )  # fmt: skip
    return html.Div(html.Div(made, className="grid"), id="comparison-part", hidden=True)


def register(dash_app: Any) -> None:  # a dash.Dash
    """Fill the form in for the chosen model, and keep what was chosen."""

    @dash_app.callback(  # type: ignore[untyped-decorator]
        *[Output(f"comparison-{name}", "value") for name in _FIELDS],
        Output("comparison-part", "hidden"), Input("scope", "data"),
    )  # fmt: skip
    def _prefill(data: dict[str, Any] | None) -> tuple[Any, ...]:
        ws, model_id = current_workspace(), scopes.parse(data).model
        is_known = any(model.model_id == model_id for model in list_models(ws))
        chosen = get_comparison(ws, model_id) if is_known else Comparison()
        return (*_shown(chosen), not is_known)

    @dash_app.callback(  # type: ignore[untyped-decorator]
        Output("comparison-save", "title"), Input("comparison-save", "n_clicks"),
        *[State(f"comparison-{name}", "value") for name in _FIELDS],
        State("scope", "data"), prevent_initial_call=True,
    )  # fmt: skip
    def _save(n: int | None, *given: Any) -> Any:
        if not n:
            return no_update
        *values, data = given
        ws = current_workspace()
        set_comparison(ws, scopes.parse(data).model, _read(values))
        done(ws, data, words("saved"))
        return words("saved")


def _shown(chosen: Comparison) -> tuple[str, ...]:
    kept = tuple(sorted(chosen.segments))
    segments = {(): "none", ("region", "user_segment"): "both"}.get(kept, kept[0] if kept else "")
    numbers = (
        chosen.current_hours, chosen.current_rows, chosen.reference_hours, chosen.reference_rows,
        chosen.weeks,
    )  # fmt: skip
    texts = ("" if value is None else f"{value:g}" for value in numbers)
    return chosen.against, *texts, chosen.start or "", chosen.end or "", segments


def _read(values: list[Any]) -> Comparison:  # what the fields hold
    against, hours, rows, past_hours, past_rows, weeks, start, end, segments = values
    both = ("user_segment", "region")
    return Comparison(
        against=cast(Against, against),
        current_hours=_number(hours),
        current_rows=_whole(rows),
        reference_hours=_number(past_hours) or 24.0,
        reference_rows=_whole(past_rows),
        weeks=_whole(weeks) or 3,
        start=(start or "").strip() or None,
        end=(end or "").strip() or None,
        segments={"none": (), "both": both}.get(segments, (str(segments),)),
    )


def _number(text: str | None) -> float | None:
    try:
        return forms.read_number(text)
    except ValueError:
        raise Invalid(words("bad_number")) from None


def _whole(text: str | None) -> int | None:
    number = _number(text)
    return None if number is None else round(number)
