"""WordPiece tokens of an uncased BERT vocabulary."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters and digits hold together; everything else, and every Han character, stands alone.
_PIECE = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+|[^\w\s]|_")


class WordPiece:
    """Greedy longest-match tokenising.

    Parameters
    ----------
    vocabulary : dict of str to int
        Token to id; holds [CLS], [SEP] and [UNK].

    References
    ----------
    Devlin et al. (2019), BERT: Pre-training of Deep Bidirectional Transformers, NAACL.
    """

    def __init__(self, vocabulary: dict[str, int]) -> None:
        self.vocabulary = vocabulary
        self.cls, self.sep, self.unknown = (
            vocabulary[token] for token in ("[CLS]", "[SEP]", "[UNK]")
        )
        self._pieces = lru_cache(maxsize=65_536)(self._split)

    def encode(self, text: str, *, max_tokens: int = 128) -> list[int]:
        """Return the ids of `text` between [CLS] and [SEP], cut at `max_tokens`.

        Examples
        --------
        >>> words = ["[CLS]", "[SEP]", "[UNK]", "play", "##ing", "!"]
        >>> WordPiece({word: i for i, word in enumerate(words)}).encode("Playing!")
        [0, 3, 4, 5, 1]
        """
        ids = [self.cls]
        for match in _PIECE.finditer(_plain(text[: 16 * max_tokens])):
            ids.extend(self._pieces(match.group()))
            if len(ids) >= max_tokens:
                break
        return [*ids[: max_tokens - 1], self.sep]

    def _split(self, word: str) -> tuple[int, ...]:
        """Return the ids of one word; [UNK] when no pieces cover it or it is over 100 letters."""
        if len(word) > 100:
            return (self.unknown,)
        ids, start = [], 0
        while start < len(word):
            for end in range(len(word), start, -1):
                piece = word[start:end] if start == 0 else "##" + word[start:end]
                if piece in self.vocabulary:
                    ids.append(self.vocabulary[piece])
                    start = end
                    break
            else:
                return (self.unknown,)
        return tuple(ids)


def _plain(text: str) -> str:
    """Return the text lower-cased and without accents and control characters."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFD", text.lower())
    return "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Cf"))
