"""Sentences survive a record, and records without any are read as they are."""

from __future__ import annotations

import json

import msgspec

from engines.sentence import Sentence, say
from services.sentences import english, kept, recalled

ONE = say("reasons.first_version", "{version} is the first version: nothing to compare it with",
          version=say("words.part_drift", "drift"))  # fmt: skip


def test_a_sentence_comes_back_from_a_record_with_its_parts() -> None:
    body = {"evidence": [ONE, "an old text"], "n": 3}
    back = recalled(json.loads(json.dumps(msgspec.to_builtins(body, enc_hook=kept))))
    said = back["evidence"][0]
    assert back == {"evidence": [str(ONE), "an old text"], "n": 3}
    assert isinstance(said, Sentence) and said.key == ONE.key
    assert isinstance(said.values["version"], Sentence)


def test_messages_read_english() -> None:
    assert msgspec.json.encode({"reason": ONE}, enc_hook=english) == (
        b'{"reason":"drift is the first version: nothing to compare it with"}'
    )
