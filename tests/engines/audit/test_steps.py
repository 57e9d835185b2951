"""The steps that a page draws are those that a verifier takes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engines.audit import climb, node_hash, verify_inclusion
from tests.engines.audit import sample_log as sample


@given(st.integers(1, 80), st.data())
def test_the_steps_lead_to_the_root_of_the_definition(n: int, data: st.DataObject) -> None:
    leaves = [sample.sha(bytes([i])) for i in range(n)]
    at = data.draw(st.integers(0, n - 1))
    path = sample.inclusion(at, leaves)
    steps = climb(at, n, leaves[at], path)
    assert [step.sibling for step in steps] == path
    assert (steps[-1].value if steps else leaves[at]) == sample.root(leaves)
    assert verify_inclusion(leaves[at], at, n, path, sample.root(leaves))


def test_what_stands_before_goes_in_front() -> None:
    a, b, c = (sample.sha(bytes([i])) for i in range(3))
    first, second = climb(1, 3, b, [a, c])
    assert (first.is_left, first.value) == (True, node_hash(a, b))
    assert (second.is_left, second.value) == (False, node_hash(node_hash(a, b), c))


def test_a_path_that_is_too_long_ends_at_the_root() -> None:
    assert climb(0, 1, bytes(32), [bytes(32)]) == ()
