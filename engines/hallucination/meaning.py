"""What the words of a sentence that its context lacks mean, against what the context means."""

from __future__ import annotations

from engines.hallucination.context import ParsedContext
from engines.hallucination.lexicon import shipped_lexicon
from engines.hallucination.rules import Claim

MEANING_FEATURES = (
    "synonyms",
    "wider_words",
    "narrower_words",
    "sister_words",
    "unrelated_words",
    "far_words",
    "opposite_words",
    "novel_opposites",
    "n_unrelated",
    "n_sisters",
    "n_narrower",
    "far_names",
    "far_numbers",
)
_NOTHING: frozenset[str] = frozenset()


def meaning_values(claim: Claim, context: ParsedContext) -> tuple[float, ...]:
    """Return the values in the order of `MEANING_FEATURES`; zeros where the text is not English.

    Notes
    -----
    Shares are of the content words. "Far" is what the context holds, but outside the three best
    passages: a name or number attached to another statement.
    """
    if not claim.is_english:
        return (0.0,) * len(MEANING_FEATURES)
    near_stems = claim.near
    counts = dict.fromkeys(("synonym", "wider", "narrower", "sister", "none"), 0)
    opposites = shipped_lexicon().opposites
    far = opposite = novel_opposite = 0
    for stem in claim.content:
        against = stem not in near_stems and not opposites.get(stem, _NOTHING).isdisjoint(
            near_stems
        )
        opposite += against
        if stem in context.stems:
            far += stem not in near_stems
            continue
        novel_opposite += against
        counts[claim.relations[stem]] += 1
    n = max(1, sum(claim.words.is_content))
    passages = set(claim.coverage.passages)
    return (
        counts["synonym"] / n,
        counts["wider"] / n,
        counts["narrower"] / n,
        counts["sister"] / n,
        counts["none"] / n,
        far / n,
        float(opposite),
        float(novel_opposite),
        float(counts["none"]),
        float(counts["sister"]),
        float(counts["narrower"]),
        float(_far_names(claim, context, near_stems)),
        float(
            sum(
                q.value in context.values and context.values[q.value].isdisjoint(passages)
                for q in claim.quantities
            )
        ),
    )


def _far_names(claim: Claim, context: ParsedContext, near_stems: frozenset[str]) -> int:
    """Return how many names the context holds only outside the best passages."""
    far = 0
    for name in claim.names:
        stems = [
            claim.words.stems[i]
            for i in range(name.first, name.last + 1)
            if claim.words.is_content[i]
        ]
        known = all(stem in context.stems for stem in stems)
        far += known and not all(stem in near_stems for stem in stems)
    return far
