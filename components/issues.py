"""A list of things to look at, worst first: what, why, since when, and where to go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dash import html

from components.panel import moment
from components.status import mark
from components.theme import Status


@dataclass(frozen=True, slots=True)
class Issue:
    """One line: a status, what is wrong, why we say so, and the page that says more."""

    status: Status
    what: str
    why: str = ""
    word: str | None = None
    since_ms: float | None = None
    href: str | None = None


def issue_list(issues: Sequence[Issue]) -> html.Ul:
    """Return the issues in the order given."""
    return html.Ul([_line(issue) for issue in issues], className="issue-list")


def _line(issue: Issue) -> html.Li:
    what = html.A(issue.what, href=issue.href) if issue.href else issue.what
    return html.Li(
        [
            mark(issue.status, issue.word),
            html.Span(what, className="issue-what"),
            html.Span(
                moment(issue.since_ms) if issue.since_ms is not None else None,
                className="issue-when",
            ),
            html.Span(issue.why, className="issue-why") if issue.why else None,
        ]
    )
