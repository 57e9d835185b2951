"""Cut the word-relation file of the hallucination engine out of WordNet's database files.

Run: python -m benchmarks.grounding_lexicon DICT_FOLDER   (data.* and index.sense of WordNet 3.1)
"""

from __future__ import annotations

import gzip
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TARGET = Path(__file__).resolve().parents[1] / "engines" / "hallucination" / "lexicon.tsv.gz"
POS = {"noun": "1", "verb": "2", "adj": "3", "adv": "4"}
LETTER = {"n": "noun", "v": "verb", "a": "adj", "s": "adj", "r": "adv"}
MAX_SENSE = 4  # rarer senses link words that no reader would take for each other


@dataclass(frozen=True, slots=True)
class Synset:
    key: str
    words: list[str]
    pointers: list[tuple[str, str, int, int]]


def synsets(folder: Path) -> Iterator[Synset]:
    for name in POS:
        for line in (folder / f"data.{name}").read_text(encoding="latin-1").splitlines():
            if line.startswith(" "):
                continue
            parts = line.split("|")[0].split()
            n = int(parts[3], 16)
            words = [parts[4 + 2 * i].split("(")[0].lower() for i in range(n)]
            rest = parts[5 + 2 * n :]
            pointers = [
                (
                    rest[i],
                    LETTER[rest[i + 2]] + rest[i + 1],
                    int(rest[i + 3][:2], 16),
                    int(rest[i + 3][2:], 16),
                )
                for i in range(0, 4 * int(parts[4 + 2 * n]), 4)
            ]
            yield Synset(name + parts[0], words, pointers)


def senses(folder: Path) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Sense number per (lemma, synset), and how often each lemma was tagged in running text."""
    names = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
    number: dict[tuple[str, str], int] = {}
    tagged: dict[str, int] = defaultdict(int)
    for line in (folder / "index.sense").read_text(encoding="latin-1").splitlines():
        key, offset, sense, count = line.split()
        lemma, _, code = key.partition("%")
        number[lemma, names[code[0]] + offset] = int(sense)
        tagged[lemma] += int(count)
    return number, tagged


def keeps(word: str, tagged: dict[str, int]) -> bool:
    return word.isalpha() and len(word) > 2 and tagged[word] > 0


def main() -> None:
    folder = Path(sys.argv[1])
    everything = {synset.key: synset for synset in synsets(folder)}
    number, tagged = senses(folder)
    of: dict[str, list[tuple[int, str]]] = defaultdict(list)
    opposite: dict[str, set[str]] = defaultdict(set)
    derived: dict[str, set[str]] = defaultdict(set)
    for synset in everything.values():
        for word in synset.words:
            sense = number.get((word, synset.key), 9)
            if keeps(word, tagged) and sense <= MAX_SENSE:
                of[word].append((sense, synset.key))
        for symbol, target, source_word, target_word in synset.pointers:
            if symbol not in "!+" or not source_word:
                continue
            one = synset.words[source_word - 1]
            other = everything[target].words[target_word - 1]
            if keeps(one, tagged) and keeps(other, tagged):
                (opposite if symbol == "!" else derived)[one].add(other)
                if symbol == "!":
                    widen(opposite, everything, synset, other, tagged)
    write(of, opposite, derived, everything)


def widen(
    opposite: dict[str, set[str]],
    everything: dict[str, Synset],
    synset: Synset,
    other: str,
    tagged: dict[str, int],
) -> None:
    """Adjectives similar to one end of a pair oppose its other end."""
    for symbol, target, _, _ in synset.pointers:
        if symbol == "&":
            for word in everything[target].words:
                if keeps(word, tagged):
                    opposite[word].add(other)
                    opposite[other].add(word)


def write(
    of: dict[str, list[tuple[int, str]]],
    opposite: dict[str, set[str]],
    derived: dict[str, set[str]],
    everything: dict[str, Synset],
) -> None:
    used = sorted({key for keys in of.values() for _, key in keys})
    identity = {key: index for index, key in enumerate(used)}
    lines = []
    for word in sorted(of):
        ids = ",".join(str(identity[key]) for _, key in sorted(of[word]))
        lines.append(
            "\t".join(
                (word, ids, ",".join(sorted(opposite[word])), ",".join(sorted(derived[word])))
            )
        )
    for key in used:
        parents = [
            identity[target]
            for symbol, target, _, _ in everything[key].pointers
            if symbol in ("@", "@i") and target in identity
        ]
        if parents:
            lines.append(f"{identity[key]}\t{','.join(map(str, parents))}")
    TARGET.write_bytes(gzip.compress("\n".join(lines).encode(), mtime=0))
    print(f"{len(of)} words, {len(used)} synsets, {TARGET.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
