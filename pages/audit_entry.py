"""Audit: one entry with all it says, and the way of its hash to the signed root, drawn."""

from __future__ import annotations

from typing import Any

from dash import html

from components import states
from components.address import link
from components.icons import icon
from components.status import mark
from i18n import date_time, t
from pages import explore_parts as parts
from pages.audit_words import changes, noun, outcome, verb, words
from services.audit_entry import Entry
from services.audit_proof import DrawnProof, OpenedEntry
from services.times import parse_time

SHOWN = 12
"""Digits of a hash that are shown; the rest is in its tooltip and in the files."""


def entry(opened: OpenedEntry) -> html.Div:
    """Return an entry, how it was hashed, and its proof where it is signed already."""
    found, proof = opened.entry, opened.proof
    close = html.A(
        [icon("x-lg"), html.Span(t("shell.close"))], href=link("", detail=""),
        className="btn-quiet no-print",
    )  # fmt: skip
    head = html.P(
        [html.Strong(verb(found.action)), " · ", noun(found.action), " ",
         html.Bdi(found.resource["id"], className="notranslate"), " · ", outcome(found.outcome)]
    )  # fmt: skip
    return html.Div(
        [
            head,
            parts.pairs(_facts(found)),
            html.Details(
                [
                    html.Summary(words("raw")),
                    html.Pre(opened.raw, dir="ltr", className="log-full notranslate",
                             tabIndex=0),
                ]
            ),
            html.H4(words("proof"), className="section-title"),
            _proof(proof),
            html.Div([_download(found, proof), close], className="button-row"),
        ],
        className="audit-one",
    )  # fmt: skip


def _facts(found: Entry) -> dict[str, Any]:
    facts = {
        words("col_when"): f"{date_time(parse_time(found.timestamp), seconds=True)} UTC",
        words("col_who"): found.actor["id"],
        words("access"): found.actor["type"],
        words("roles"): ", ".join(found.actor["roles"]),
        words("changed"): changes(found.details),
        words("hash"): found.hash,
        words("previous"): found.previous_hash,
    }
    return {name: value for name, value in facts.items() if value}


def _proof(proof: DrawnProof | None) -> html.Div:
    if proof is None:
        return states.empty(words("proof_waits"))
    holds = proof.holds
    said = mark("good" if holds else "bad", words("proof_holds" if holds else "proof_breaks"))
    return html.Div([_ladder(proof), html.P(said, role="status")])


def _ladder(proof: DrawnProof) -> html.Ol:
    """Return the path from the leaf to the root: at each step what is joined on which side."""
    own = proof.leaf_hash
    rungs = [_rung(words("proof_leaf"), [_hash(own, "is-own")])]
    for at, step in enumerate(proof.steps, 1):
        pair = [_hash(step.sibling, "is-given"), _hash(own, "is-own")]
        side = words("proof_left" if step.is_left else "proof_right")
        is_root = at == len(proof.steps)
        first, second = pair if step.is_left else reversed(pair)
        own = step.value
        rungs.append(
            _rung(
                words("proof_root", n=proof.size) if is_root else side,
                [first, html.Span("+"), second, icon("arrow-right"), _hash(own, "is-own")],
            )
        )
    return html.Ol(rungs, className="proof")


def _rung(label: str, hashes: list[Any]) -> html.Li:
    return html.Li(
        [
            html.Span(label, className="proof-label"),
            html.Span(hashes, className="proof-hashes", dir="ltr"),
        ]
    )


def _hash(value: str, kind: str) -> html.Code:
    return html.Code(f"{value[:SHOWN]}…", title=value, className=f"proof-hash {kind}")


def _download(found: Entry, proof: DrawnProof | None) -> html.A | None:
    if proof is None:
        return None
    return html.A(
        [icon("download"), html.Span(words("take_proof"))],
        href=f"/api/audit/entries/{found.seq}/proof.tlog", className="btn-quiet no-print",
        download=f"{found.seq}.tlog-proof",
    )  # fmt: skip
