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


def align(text: str, passages: list[int], context: ParsedContext, encoder: Encoder) -> Alignment:
    """Return how well `text` aligns with the passages.

    Parameters
    ----------
    text : str
        One output sentence.
    passages : list of int
        At least one sentence index of the context.
    context : ParsedContext
    encoder : Encoder

    Returns
    -------
    Alignment

    Notes
    -----
    Greedy token alignment as in BERTScore recall, but the three worst tokens instead of the mean:
    one unsupported word makes a sentence unsupported.

    References
    ----------
    Zhang et al. (2020), BERTScore: Evaluating Text Generation with BERT, ICLR.
    """
    texts = [text, *(context.text[slice(*context.sentences[p])][:600] for p in passages)]
    states = encoder.token_states(texts, max_tokens=80)
    means = np.stack([state.mean(0) for state in states])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    cosines = means[1:] @ means[0]
    # [CLS] and [SEP] stand for no word.
    here = _unit(states[0][1:-1])
    there = _unit(np.concatenate([state[1:-1] for state in states[1:]]))
    best = np.sort((here @ there.T).max(axis=1))
    place = int(cosines.argmax())
    return Alignment(1 - float(best[:3].mean()), passages[place], float(cosines[place]))


def _unit(states: Floats) -> Floats:
    return np.asarray(states / np.linalg.norm(states, axis=1, keepdims=True))
