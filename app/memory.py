"""Keeps the resident memory of a long-running hub near what it uses.

A hub has many threads, and glibc gives each a heap of its own: what one thread freed, another does
not reuse. Two heaps are enough beside the interpreter's lock; what is free is given back now and
then. Elsewhere (musl, macOS) both calls do nothing.
"""

from __future__ import annotations

import ctypes
import gc

_M_ARENA_MAX = -8  # of <malloc.h>
HEAPS = 2


def limit_heaps() -> bool:
    """Let threads share a few heaps; whether the C library can. Call before threads start."""
    libc = _glibc()
    return libc is not None and libc.mallopt(_M_ARENA_MAX, HEAPS) == 1


def give_back() -> bool:
    """Return free memory to the system; whether there was any."""
    libc = _glibc()
    return libc is not None and libc.malloc_trim(0) == 1


def settle() -> None:
    """Leave what lives by now out of later garbage collections; rarely, in the first minutes.

    Modules, the series dictionary and the layouts stay for ever, yet a full collection walks them
    all: 155 ms with a thousand models, in the midst of an answer.
    """
    gc.collect()
    gc.freeze()


def _glibc() -> ctypes.CDLL | None:
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "mallopt") and hasattr(libc, "malloc_trim") else None
