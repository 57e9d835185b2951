"""Tables: a plain accessible one for what fits on a screen, AG Grid for what does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import dash_ag_grid  # at the top: Dash must know its scripts before the first page
from dash import html

from components.attributes import attrs
from components.element import element
from components.paging import Part, Sorting, pages
from i18n import direction, quantity, t

MAX_PLAIN_ROWS = 200
WRITTEN = "_written"
"""Ends the key under which a row of a grid keeps a number as text."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its key in the rows, its heading, and how its values are written.

    `kind` is `text`, `number` (with `unit`) or `node` (the value is a Dash component). A grid gives
    a column its `width` in px where there is room, and never less than `least`.
    """

    key: str
    title: str
    kind: Literal["text", "number", "node"] = "text"
    unit: str = ""
    width: int | None = None
    least: int | None = None


def table(
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],  # cell values of every kind
    *,
    caption: str,
    limit: int = MAX_PLAIN_ROWS,
    total: int = 0,
    sorting: Sorting | None = None,
) -> html.Div:
    """Return a plain table; the first column names its row, `caption` is read aloud.

    Rows beyond `limit` are counted, not shown; `total` counts those that `rows` does not hold.
    """
    head = html.Tr([_head(c, sorting) for c in columns])
    body = [
        element(
            html.Tr,
            [
                element(html.Th, _cell(c, row.get(c.key)), scope="row", className=_class(c))
                if i == 0
                else element(html.Td, _cell(c, row.get(c.key)), className=_class(c))
                for i, c in enumerate(columns)
            ],
        )
        for row in rows[:limit]
    ]
    parts: list[Any] = [
        html.Table(
            [
                html.Caption(caption, className="visually-hidden"),
                html.Thead(head),
                html.Tbody(body),
            ],
            className="plain-table",
        )
    ]
    rest = max(len(rows), total) - min(len(rows), limit)
    if rest > 0:
        parts.append(html.P(t("panel.show_more", n=rest), className="table-more"))
    # A region that scrolls must be reachable by keyboard.
    return html.Div(
        parts, className="table-scroll", tabIndex=0, role="region", **attrs(aria_label=caption)
    )


def paged(
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],  # cell values of every kind
    *,
    caption: str,
    part: Part,
    address: Callable[[int], str],
    sorting: Sorting | None = None,
) -> html.Div:
    """Return the table of one part of a list, and the way to its other pages."""
    listed = table(columns, rows, caption=caption, sorting=sorting)
    return html.Div([listed, pages(part, address)])


def grid(
    grid_id: str,
    columns: Sequence[Column],
    rows: Sequence[dict[str, Any]],  # plain JSON values
    *,
    height: int = 420,
    page_size: int = 50,
    row_id: str | None = None,
    select: bool = False,
) -> Any:  # dash_ag_grid.AgGrid
    """Return a sortable, filterable, paged grid; values must be plain, not components.

    Numbers stay numbers for sorting, filters and files; beside each goes how a reader writes it.
    """
    numbers = [c for c in columns if c.kind == "number"]
    options: dict[str, Any] = {
        "enableRtl": direction() == "rtl",
        "pagination": True,
        "paginationPageSize": page_size,
        "paginationPageSizeSelector": False,
        "animateRows": False,
        "tooltipShowDelay": 300,
        "suppressCellFocus": False,
        # Arrows walk the cells; Tab leaves the grid instead of passing every cell of every row.
        "tabToNextCell": {"function": "false"},
        "tabToNextHeader": {"function": "false"},
        "localeText": {name: t(f"grid.{key}") for name, key in _GRID_WORDS.items()},
    }
    if select:
        options["rowSelection"] = {"mode": "singleRow", "enableClickSelection": True}
    more = {"getRowId": f"params.data.{row_id}"} if row_id else {}
    return dash_ag_grid.AgGrid(
        id=grid_id,
        columnDefs=[_grid_column(c) for c in columns],
        rowData=[
            {**row, **{c.key + WRITTEN: quantity(row.get(c.key), c.unit) for c in numbers}}
            for row in rows
        ],
        defaultColDef={"sortable": True, "resizable": True, "filter": True, "minWidth": 90},
        columnSize="responsiveSizeToFit",
        dashGridOptions=options,
        className="grid-table",
        style={"height": f"{height}px"},
        **more,
    )


_GRID_WORDS = {
    "page": "page", "to": "to", "of": "of", "firstPage": "first_page",
    "previousPage": "previous_page", "nextPage": "next_page", "lastPage": "last_page",
    "noRowsToShow": "no_rows", "filterOoo": "filter",
    "contains": "contains", "notContains": "not_contains", "equals": "equals",
    "notEqual": "not_equal", "startsWith": "starts_with", "endsWith": "ends_with",
    "blank": "blank", "notBlank": "not_blank", "greaterThan": "greater",
    "greaterThanOrEqual": "greater_equal", "lessThan": "less", "lessThanOrEqual": "less_equal",
    "inRange": "between", "inRangeStart": "greater_equal", "inRangeEnd": "less_equal",
    "andCondition": "and", "orCondition": "or", "ariaMenuColumn": "open_filter",
    "ariaLabelColumnFilter": "open_filter", "ariaFilterColumn": "open_filter",
    "ariaSortableColumn": "press_sort", "ariaRowToggleSelection": "press_choose",
    "ariaChecked": "chosen", "ariaUnchecked": "not_chosen", "loadingOoo": "loading",
    "ariaFilterValue": "filter_value", "ariaFilterInput": "filter_value",
    "ariaFilteringOperator": "filter_operator", "ariaFilterFromValue": "filter_value",
    "ariaFilterToValue": "filter_value", "ariaPageSizeSelectorLabel": "page_size",
    "pageSizeSelectorLabel": "page_size",
}  # fmt: skip
"""AG Grid's word -> key of the catalogue `grid`."""


def meter(
    label: str,
    share: float | None,
    text: str,
    *,
    status: str = "",
    interval: tuple[float, float] | None = None,
) -> list[Any]:
    """Return the three cells of one row of `meters`: name, bar from 0 to 1, value in words."""
    parts: list[Any] = []
    if share is not None:
        width = f"{max(0.0, min(1.0, share)):.1%}"
        parts.append(html.Div(className=f"meter-fill is-{status}", style={"width": width}))
    if interval is not None:
        low, high = (max(0.0, min(1.0, edge)) for edge in interval)
        place = {"insetInlineStart": f"{low:.1%}", "width": f"{max(0.004, high - low):.1%}"}
        parts.append(html.Div(className="meter-span", style=place))
    bar = html.Div(parts, className="meter-bar", **attrs(aria_hidden="true"))
    return [html.Dt(label), html.Dd(bar), html.Dd(html.Bdi(text, dir="ltr"))]


def meters(rows: Sequence[list[Any]]) -> html.Dl:
    """Return parts of a score one under the other; each row comes from `meter`."""
    return html.Dl([cell for row in rows for cell in row], className="meter")


def _head(column: Column, sorting: Sorting | None) -> html.Th:
    words, more = sorting.head(column.key, column.title) if sorting else (column.title, {})
    return html.Th(words, scope="col", className=_class(column), **more)


def _class(column: Column) -> str:
    return "is-number" if column.kind == "number" else ""


def _cell(column: Column, value: Any) -> Any:
    if column.kind == "number":
        return element(html.Bdi, quantity(value, column.unit), dir="ltr")
    if value is None:
        return "–"
    return element(html.Bdi, value) if isinstance(value, str) else value


def _grid_column(column: Column) -> dict[str, Any]:
    made: dict[str, Any] = {"field": column.key, "headerName": column.title}
    if column.kind == "number":
        made |= {"type": "numericColumn", "filter": "agNumberColumnFilter"}
        made["valueFormatter"] = {"function": f"params.data.{column.key}{WRITTEN}"}
    else:
        made["tooltipField"] = column.key
    if column.width:
        made["width"] = column.width
    if column.least:
        made["minWidth"] = column.least
    return made
