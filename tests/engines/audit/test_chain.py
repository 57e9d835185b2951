"""Entries, notes and the check of a chain: every bit and every known way to cheat."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from engines.audit import (
    FIRST,
    Checkpoint,
    Frontier,
    Signer,
    check_chain,
    digest,
    entry,
    entry_hash,
    leaf_hash,
    open_note,
)
from engines.errors import EngineError

SIGNER = Signer("aiobs/audit/default", sha256(b"a secret").digest())


def chain(n: int, *, who: str = "k1") -> list[bytes]:
    made: list[bytes] = []
    for seq in range(n):
        made.append(
            entry(
                id=f"{seq:026}", seq=seq, timestamp=f"2026-01-01T10:00:{seq:02}.000000Z",
                tenant="default", actor={"id": who, "type": "api_key", "roles": ["sre"]},
                action="slo.updated", resource={"kind": "slo", "id": "checkout"}, outcome="ok",
                details={"revision": seq + 1, "changed": ["target"]},
                previous=entry_hash(made[-1]) if made else FIRST,
            )
        )  # fmt: skip
    return made


def root_of(entries: list[bytes]) -> bytes:
    edge = Frontier()
    for body in entries:
        edge.add(leaf_hash(body))
    return edge.root()


def faults(entries: list[bytes], size: int, root: bytes) -> list[tuple[int, str]]:
    return [(f.seq, f.fault) for f in check_chain(entries, "default", {size: root}).findings]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(1 - 2**53, 2**53 - 1)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.text(st.characters(max_codepoint=127), max_size=8), JSON, max_size=5))
def test_the_bytes_of_an_entry_are_canonical(details: dict[str, object]) -> None:
    made = entry(
        id="0" * 26, seq=0, timestamp="2026-01-01T10:00:00.000000Z", tenant="d",
        actor={"id": "é", "type": "local", "roles": []}, action="a.b",
        resource={"kind": "k", "id": "日"}, outcome="ok", details=details, previous=FIRST,
    )  # fmt: skip
    assert made == rfc8785.dumps(json.loads(made))
    assert json.loads(made)["details"] == details


@pytest.mark.parametrize("value", [0.5, 2**53, -(2**53), {"é": 1}, b"x", {1: 2}, "\ud800"])
def test_what_has_no_one_form_is_refused(value: object) -> None:
    with pytest.raises(EngineError):
        entry(
            id="0" * 26, seq=0, timestamp="", tenant="d", actor={}, action="a", resource={},
            outcome="ok", details={"x": value}, previous=FIRST,
        )  # fmt: skip


def test_digests_are_those_of_rfc_8785() -> None:
    """Section 3.2.2's own example of numbers and order of keys."""
    one = {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27], "literals": [None, True]}
    text = '{"literals":[null,true],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}'
    assert digest(one) == sha256(text.encode()).hexdigest()
    with pytest.raises(EngineError):
        digest({"x": float("nan")})


def test_a_chain_is_whole_and_may_have_grown_since() -> None:
    entries = chain(9)
    assert faults(entries, 7, root_of(entries[:7])) == []
    verdict = check_chain(entries, "default", {9: root_of(entries), 4: root_of(entries[:4])})
    assert (verdict.checked, verdict.root, verdict.is_whole) == (9, root_of(entries), True)


def test_every_bit_of_every_entry_counts() -> None:
    entries = chain(4)
    root = root_of(entries)
    for at, body in enumerate(entries):
        for bit in range(len(body) * 8):
            bent = bytearray(body)
            bent[bit // 8] ^= 1 << bit % 8
            found = faults([*entries[:at], bytes(bent), *entries[at + 1 :]], 4, root)
            assert (3, "root") in found
            assert min(seq for seq, _ in found) <= at + 1


def test_the_ways_to_cheat_are_named() -> None:
    entries = chain(6)
    root = root_of(entries)
    assert faults(entries[:3] + entries[4:], 6, root)[:2] == [(3, "order"), (3, "link")]
    assert (2, "link") in faults([*entries[:2], entries[3], entries[2], *entries[4:]], 6, root)
    assert faults(entries[:4], 6, root) == [(4, "missing")]
    assert faults([*entries[:2], entries[1], *entries[2:]], 6, root)[0] == (2, "order")
    # Whoever writes the whole chain anew makes sound links: the remembered root tells.
    assert faults(chain(6, who="k2"), 6, root) == [(5, "root")]
    foreign = [body.replace(b'"tenant":"default"', b'"tenant":"other"') for body in entries]
    assert faults(foreign, 6, root_of(foreign))[0] == (0, "tenant")
    assert faults([b"\xff", *entries[1:]], 6, root)[0] == (0, "unreadable")
    assert faults([b"{}", *entries[1:]], 6, root)[0] == (0, "schema")


def test_a_broken_chain_of_many_entries_is_told_in_few_words() -> None:
    assert len(faults([b"{}"] * 1_000, 1_000, bytes(32))) <= 101


def test_a_note_says_what_was_signed() -> None:
    point = Checkpoint("aiobs/audit/default", 3, root_of(chain(3)))
    note = SIGNER.sign(point)
    assert open_note(note, SIGNER.verifier) == point
    assert note.startswith(f"aiobs/audit/default\n3\n{base64.b64encode(point.root).decode()}\n\n— ")


def test_every_bit_of_a_note_counts() -> None:
    note = SIGNER.sign(Checkpoint("log", 3, bytes(32))).encode()
    for bit in range(len(note) * 8):
        bent = bytearray(note)
        bent[bit // 8] ^= 1 << bit % 8
        try:
            text = bytes(bent).decode()
        except UnicodeDecodeError:
            continue
        with pytest.raises(EngineError):
            open_note(text, SIGNER.verifier)


def test_another_key_does_not_speak_for_this_log() -> None:
    other = Signer("aiobs/audit/default", bytes(32))
    note = other.sign(Checkpoint("aiobs/audit/default", 0, bytes(32)))
    with pytest.raises(EngineError, match="not signed by"):
        open_note(note, SIGNER.verifier)


def test_a_witness_may_sign_beside_the_log() -> None:
    point = Checkpoint("log", 1, bytes(32))
    witness = Signer("witness.example", bytes(range(32)))
    cosigned = SIGNER.sign(point) + witness.sign(point).partition("\n\n")[2]
    assert open_note(cosigned, SIGNER.verifier) == open_note(cosigned, witness.verifier) == point


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n"])
def test_a_key_has_a_plain_name(name: str) -> None:
    with pytest.raises(EngineError):
        Signer(name, bytes(32))


@pytest.mark.parametrize("size", ["03", "-1", "x", "", "٣"])
def test_a_size_is_written_one_way(size: str) -> None:
    class Odd(Checkpoint):
        def text(self) -> str:
            return f"log\n{size}\n{base64.b64encode(bytes(32)).decode()}\n"

    with pytest.raises(EngineError):
        open_note(SIGNER.sign(Odd("log", 0, b"")), SIGNER.verifier)
