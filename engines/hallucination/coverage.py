"""Which sentences of a context hold the content of a sentence, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass

from engines.hallucination.context import ParsedContext


@dataclass(frozen=True, slots=True)
class Coverage:
    """The best context sentences for a set of stems.

    Attributes
    ----------
    passages : tuple of int
        Up to three sentence indices, chosen greedily.
    best, best_three : float
        Share of the stems that the first, and the three together, hold (0..1).
    """

    passages: tuple[int, ...]
    best: float
    best_three: float


def cover(stems: frozenset[str], context: ParsedContext, *, max_postings: int = 500) -> Coverage:
    """Return the three sentences that together hold most of `stems`.

    Parameters
    ----------
    stems : frozenset of str
        Content stems of an output sentence.
    context : ParsedContext
    max_postings : int, default 500
        A stem found in more sentences than this does not vote: it tells none apart, and the
        work stays bounded.

    Returns
    -------
    Coverage
        Ties go to the shorter, then the earlier sentence.
    """
    left = set(stems)
    chosen: list[int] = []
    best = 0.0
    for _ in range(3):
        votes: dict[int, int] = {}
        for stem in left:
            found = context.stems.get(stem)
            if found is not None and len(found) <= max_postings:
                for sentence in found:
                    votes[sentence] = votes.get(sentence, 0) + 1
        if not votes:
            break
        most = max(votes.values())
        sizes = context.sentence_stems
        top = min((len(sizes[s]), s) for s, count in votes.items() if count == most)[1]
        chosen.append(top)
        left -= context.sentence_stems[top]
        if len(chosen) == 1:
            best = 1 - len(left) / len(stems)
    together = 1 - len(left) / len(stems) if stems else 0.0
    return Coverage(tuple(chosen), best, together)
