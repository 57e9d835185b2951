"""A retrieval assistant and a summary writer: real retrieval, extractive answers, honest
mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from app.demo.library import INVENTIONS, PASSAGES, QUESTIONS

TOP = 2
MISTAKE_SHARE = 0.06
"""Share of answers with a changed number or an invented sentence when nothing is wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer with what it was given."""

    prompt: str
    context: list[str]
    output: str
    is_supported: bool

    @property
    def input_tokens(self) -> int:
        """Tokens of prompt and passages, by the usual four characters a token."""
        return (len(self.prompt) + sum(map(len, self.context))) // 4 + 1

    @property
    def output_tokens(self) -> int:
        """Tokens of the answer."""
        return len(self.output) // 4 + 1


class Assistant:
    """Answers questions from the library with TF-IDF retrieval and copied sentences."""

    @cached_property
    def _index(self) -> tuple[Any, Any]:  # a fitted vectoriser and the passages' vectors
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectoriser = TfidfVectorizer(stop_words="english", ngram_range=(1, 2))
        return vectoriser, vectoriser.fit_transform([text for _, text in PASSAGES])

    def retrieve(self, question: str) -> list[str]:
        """Return the passages that are nearest to a question."""
        vectoriser, vectors = self._index
        scores = (vectors @ vectoriser.transform([question]).T).toarray().ravel()
        return [PASSAGES[i][1] for i in np.argsort(-scores, kind="stable")[:TOP]]

    def ask(
        self,
        rng: np.random.Generator,
        *,
        mistake_share: float = MISTAKE_SHARE,
        has_retrieval: bool = True,
    ) -> Answer:
        """Return the answer to a question that a customer asks."""
        question, _ = QUESTIONS[rng.integers(len(QUESTIONS))]
        context = self.retrieve(question) if has_retrieval else []
        if not context:
            guess = " ".join(rng.choice(np.array(INVENTIONS), size=2, replace=False))
            return Answer(question, [], guess, is_supported=False)
        output = " ".join(_sentences(context[0])[:2])
        if rng.random() < mistake_share:
            return Answer(question, context, _spoil(output, rng), is_supported=False)
        return Answer(question, context, output, is_supported=True)

    def summarise(
        self, rng: np.random.Generator, *, mistake_share: float = MISTAKE_SHARE
    ) -> Answer:
        """Return the summary of a text: its first sentence and its shortest."""
        _, text = PASSAGES[rng.integers(len(PASSAGES))]
        sentences = _sentences(text)
        chosen = [sentences[0], min(sentences[1:], key=len)]
        output = " ".join(chosen)
        is_supported = rng.random() >= mistake_share
        output = output if is_supported else _spoil(output, rng)
        return Answer("Summarise the text in two sentences.", [text], output, is_supported)


def _sentences(text: str) -> list[str]:
    return [s for s in re.split(r"(?<=[.])\s+(?=[A-Z0-9])", text) if s]


def _spoil(output: str, rng: np.random.Generator) -> str:
    """Change a number, or add a sentence that no passage holds."""
    number = re.search(r"\d+", output)
    if number and rng.random() < 0.5:
        other = str(int(number.group()) * 2 + int(rng.integers(1, 5)))
        return output[: number.start()] + other + output[number.end() :]
    return f"{output} {INVENTIONS[rng.integers(len(INVENTIONS))]}"
