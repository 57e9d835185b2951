"""Free memory goes back to the system where the C library can do that, and nothing breaks else."""

from __future__ import annotations

import gc
import platform
import weakref

import numpy as np
import psutil
import pytest

from app import memory

needs_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc only")


@needs_glibc
def test_threads_share_a_few_heaps() -> None:
    assert memory.limit_heaps()


@needs_glibc
def test_what_was_freed_between_kept_blocks_is_given_back() -> None:
    blocks = [np.ones(8_000) for _ in range(2_000)]  # 64 kB each: on the heap, not mapped alone
    kept = blocks[::50]
    del blocks
    before = psutil.Process().memory_info().rss
    memory.give_back()
    assert psutil.Process().memory_info().rss < before - 20_000_000
    assert all(block.sum() == 8_000 for block in kept)


def test_a_library_without_heaps_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    assert not memory.limit_heaps()
    assert not memory.give_back()


def test_a_settled_hub_collects_less_and_frees_as_before() -> None:
    class Kept:
        pass

    kept, known = Kept(), gc.get_freeze_count()
    gone = weakref.ref(kept)
    try:
        memory.settle()
        assert gc.get_freeze_count() > known
        del kept
        assert gone() is None
    finally:
        gc.unfreeze()
