"""Tier 2: how well an encoder aligns the words of a sentence with the context."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engines.hallucination.context import ParsedContext
from engines.hallucination.encoder import Encoder, Floats
from engines.hallucination.features import Evidence


@dataclass(frozen=True, slots=True)
class Alignment:
    """What the encoder found for one sentence.

    Attributes
    ----------
    distance : float
        0..2, higher is worse: one minus the mean cosine of the three least aligned tokens.
    passage : int
        Context sentence with the highest cosine to the whole sentence.
    cosine : float
        That cosine, -1..1.
    """

    distance: float
    passage: int
    cosine: float


def candidates(item: Evidence, context: ParsedContext, *, n: int = 5) -> list[int]:
    """Return up to `n` context sentences to compare with, most shared stems first."""
    votes: dict[int, int] = {}
    for stem in sorted(item.claim.content):
        found = context.stems.get(stem, ())
        if len(found) <= 500:  # a stem in more sentences tells none apart
            for sentence in found:
                votes[sentence] = votes.get(sentence, 0) + 1
    ranked = sorted(votes, key=lambda sentence: (-votes[sentence], sentence))
    chosen = list(dict.fromkeys([*item.claim.coverage.passages, *ranked]))[:n]
    return chosen or list(range(min(n, len(context.sentences))))


def align(
    texts: list[str], passages: list[list[int]], context: ParsedContext, encoder: Encoder
) -> list[Alignment]:
    """Return how well each text aligns with its passages.

    Parameters
    ----------
    texts : list of str
        Output sentences.
    passages : list of list of int
        Per text at least one sentence index of the context; a passage is encoded once.
    context : ParsedContext
    encoder : Encoder

    Returns
    -------
    list of Alignment

    Notes
    -----
    Greedy token alignment as in BERTScore recall, but the three worst tokens instead of the mean:
    one unsupported word makes a sentence unsupported.

    References
    ----------
    Zhang et al. (2020), BERTScore: Evaluating Text Generation with BERT, ICLR.
    """
    distinct = sorted({p for group in passages for p in group})
    sources = [context.text[slice(*context.sentences[p])][:600] for p in distinct]
    states = encoder.token_states([*texts, *sources], max_tokens=80)
    means = _unit(np.stack([state.mean(0) for state in states]))
    # [CLS] and [SEP] stand for no word.
    tokens = [_unit(state[1:-1]) for state in states]
    place_of = {p: len(texts) + i for i, p in enumerate(distinct)}
    found = []
    for index, group in enumerate(passages):
        places = [place_of[p] for p in group]
        cosines = means[places] @ means[index]
        there = np.concatenate([tokens[place] for place in places])
        worst = np.sort((tokens[index] @ there.T).max(axis=1))[:3]
        best = int(cosines.argmax())
        found.append(Alignment(1 - float(worst.mean()), group[best], float(cosines[best])))
    return found


def _unit(states: Floats) -> Floats:
    return np.asarray(states / np.linalg.norm(states, axis=1, keepdims=True))
