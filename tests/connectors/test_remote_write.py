"""Remote write: both paths against a plain encoder, and nothing but `Refused` for junk."""

from __future__ import annotations

import math
import struct

import cramjam
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.decoded import Decoded, within_time
from connectors.errors import Refused, TooMuch
from connectors.remote_write import RemoteWriteDecoder
from connectors.telemetry import Series

NOW = 1_790_000_000_000
STALE = struct.unpack("<d", struct.pack("<Q", 0x7FF0000000000002))[0]

Row = tuple[dict[str, str], list[tuple[int, float]]]


def varint(n: int) -> bytes:
    n &= 0xFFFF_FFFF_FFFF_FFFF
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def sample(time_ms: int, value: float) -> bytes:
    # As the Go encoder of Prometheus: a zero field is left out.
    written = b"" if value == 0 and not math.copysign(1, value) < 0 else b"\x09"
    double = struct.pack("<d", value) if written else b""
    return written + double + (b"\x10" + varint(time_ms) if time_ms else b"")


def time_series(labels: dict[str, str], samples: list[tuple[int, float]]) -> bytes:
    names = sorted(labels)
    head = b"".join(field(1, field(1, n.encode()) + field(2, labels[n].encode())) for n in names)
    return head + b"".join(field(2, sample(*one)) for one in samples)


def write(rows: list[Row]) -> bytes:
    return snap(b"".join(field(1, time_series(*row)) for row in rows))


def snap(raw: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(raw))


def unpack(decoded: Decoded) -> list[tuple[Series, int, float]]:
    batch = decoded.batch
    return [
        (batch.series[i], int(t), float(v))
        for i, t, v in zip(batch.index, batch.timestamps_ms, batch.values, strict=True)
    ]


def expected(rows: list[Row]) -> list[tuple[Series, int, float]]:
    return [
        (Series(labels["__name__"], {k: v for k, v in labels.items() if k != "__name__"}), t, v)
        for labels, samples in rows
        for t, v in samples
    ]


names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
label_sets = st.dictionaries(names.filter(lambda n: n != "__name__"), names, max_size=4)
numbers = st.floats(allow_nan=False) | st.just(0.0)
# Now-ish times have six-byte varints; the others leave the fast path.
times = st.integers(NOW - 10**9, NOW + 10**9) | st.integers(-(2**63), 2**63 - 1)
steady_times = st.integers(NOW - 10**9, NOW + 10**9)


def rows_of(times: st.SearchStrategy[int]) -> st.SearchStrategy[list[Row]]:
    samples = st.lists(st.tuples(times, numbers), min_size=1, max_size=5)
    named = st.builds(lambda n, labels: {"__name__": n, **labels}, names, label_sets)
    return st.lists(st.tuples(named, samples), max_size=5)


@settings(max_examples=200, deadline=None)
@given(rows_of(times) | rows_of(steady_times))
def test_what_was_encoded_comes_back(rows: list[Row]) -> None:
    decoder = RemoteWriteDecoder()
    for _ in range(2):  # cold, then with known heads
        assert unpack(decoder.decode(write(rows))) == expected(rows)


@settings(max_examples=100, deadline=None)
@given(st.lists(rows_of(steady_times), min_size=2, max_size=4))
def test_one_decoder_serves_different_senders(bodies: list[list[Row]]) -> None:
    decoder = RemoteWriteDecoder()
    for rows in bodies + bodies:
        assert unpack(decoder.decode(write(rows))) == expected(rows)


@settings(max_examples=100, deadline=None)
@given(rows_of(steady_times))
def test_both_paths_read_the_same(rows: list[Row]) -> None:
    raw = bytes(cramjam.snappy.decompress_raw(write(rows)))
    decoder = RemoteWriteDecoder()
    fast = decoder._fast(raw)
    if fast is not None:
        assert unpack(fast) == unpack(decoder._slow(raw))
    # Bytes of a label may look like a sample; words as people write them do not.
    texts = [text for labels, _ in rows for pair in labels.items() for text in pair]
    if rows and all(text.isascii() and text.isprintable() for text in texts):
        assert fast is not None, "current timestamps take the fast path"


def test_sample_frames_inside_label_text_do_not_confuse() -> None:
    frame = b"\x12\x10\x09" + b"abcdefgh" + b"\x10" + b"\x0a\x0b\x0c\x0d\x0e\x0f"
    rows: list[Row] = [({"__name__": "m", "x": frame.decode()}, [(NOW, 1.0)])]
    decoder = RemoteWriteDecoder()
    for _ in range(2):
        assert unpack(decoder.decode(write(rows))) == expected(rows)


def test_the_bytes_of_a_value_may_look_like_a_frame() -> None:
    (tricky,) = struct.unpack("<d", b"\x12\x07\x10\x0a\x12\x10\x09\x10")
    rows: list[Row] = [({"__name__": "m"}, [(NOW, tricky), (NOW + 1, 0.0), (NOW + 2, tricky)])]
    decoder = RemoteWriteDecoder()
    for _ in range(2):
        assert unpack(decoder.decode(write(rows))) == expected(rows)


def test_series_are_the_same_object_in_every_request() -> None:
    decoder = RemoteWriteDecoder()
    one = decoder.decode(write([({"__name__": "m", "a": "b"}, [(NOW, 1.0)])]))
    two = decoder.decode(write([({"__name__": "m", "a": "b"}, [(NOW + 1, 0.0), (NOW + 2, 3.0)])]))
    assert one.batch.series[0] is two.batch.series[0]


def test_stale_markers_and_nan_are_absent_infinity_is_kept() -> None:
    rows: list[Row] = [
        ({"__name__": "m"}, [(NOW, STALE), (NOW + 1, 1.0), (NOW + 2, math.nan)]),
        ({"__name__": "n"}, [(NOW, math.inf)]),
    ]
    decoded = RemoteWriteDecoder().decode(write(rows))
    assert [(s.name, v) for s, _, v in unpack(decoded)] == [("m", 1.0), ("n", math.inf)]
    assert (decoded.absent, decoded.rejected) == (2, 0)


def test_metadata_and_exemplars_are_skipped() -> None:
    exemplar = field(3, b"\x11" + struct.pack("<d", 1.0))
    with_exemplar = time_series({"__name__": "m"}, [(NOW, 1.0)]) + exemplar
    raw = field(3, b"\x08\x01" + field(2, b"m")) + field(1, with_exemplar)
    assert unpack(RemoteWriteDecoder().decode(snap(raw))) == [(Series("m"), NOW, 1.0)]
    assert len(RemoteWriteDecoder().decode(snap(field(3, field(2, b"m")))).batch) == 0
    assert len(RemoteWriteDecoder().decode(snap(b"")).batch) == 0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (time_series({"x": "y"}, [(NOW, 1.0)]), "no __name__"),
        (time_series({"__name__": "m", "": "y"}, [(NOW, 1.0)]), "characters"),
        (time_series({"__name__": "a"}, []) + time_series({"__name__": "b"}, [(NOW, 1)]), "twice"),
        (time_series({"__name__": "m", "x": "y" * 5000}, [(NOW, 1.0)]), "characters"),
        (time_series({"__name__": "m"}, []) + field(4, b""), "native histograms"),
        (time_series({f"l{i}": "v" for i in range(200)}, [(NOW, 1.0)]), "labels"),
    ],
)  # fmt: skip
def test_a_bad_series_is_counted_and_the_one_beside_it_kept(bad: bytes, reason: str) -> None:
    raw = field(1, bad) + field(1, time_series({"__name__": "good"}, [(NOW, 2.0)]))
    decoded = RemoteWriteDecoder().decode(snap(raw))
    assert unpack(decoded) == [(Series("good"), NOW, 2.0)]
    assert decoded.rejected == 1
    assert reason in decoded.reason


def test_times_out_of_bounds_are_rejected() -> None:
    day = 86_400_000
    samples = [(1_790_000_000, 1.0), (NOW, 2.0), (NOW + 2 * day, 3.0)]
    decoded = RemoteWriteDecoder().decode(write([({"__name__": "m"}, samples)]))
    checked = within_time(decoded, NOW)
    assert [v for _, _, v in unpack(checked)] == [2.0]
    assert checked.rejected == 2
    assert within_time(checked, NOW) is checked


def test_a_decompression_bomb_is_refused_before_it_unfolds() -> None:
    bomb = snap(b"\x00" * 10_000_000)
    assert len(bomb) < 500_000
    with pytest.raises(TooMuch):
        RemoteWriteDecoder(max_bytes=1_000_000).decode(bomb)
    with pytest.raises(TooMuch):
        RemoteWriteDecoder().decode(b"\xff\xff\xff\xff\x0f" + bomb)


def test_known_heads_stay_bounded() -> None:
    decoder = RemoteWriteDecoder(max_known_bytes=50_000)
    for i in range(500):
        decoder.decode(write([({"__name__": "m", "i": str(i)}, [(NOW, 1.0)])]))
    assert len(decoder._known) < 200


BODY = write([({"__name__": "m", "a": "b"}, [(NOW + j, float(j)) for j in range(3)])] * 3)
RAW = bytes(cramjam.snappy.decompress_raw(BODY))


@pytest.mark.parametrize("cut", range(1, len(RAW)))
def test_truncated_bodies_are_refused_or_whole_series(cut: int) -> None:
    decoder = RemoteWriteDecoder()
    decoder.decode(BODY)
    try:
        decoded = decoder.decode(snap(RAW[:cut]))
    except Refused:
        return
    assert cut % (len(RAW) // 3) == 0
    assert len(decoded.batch) == 3 * (cut // (len(RAW) // 3))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_garbage_is_refused_never_another_error(data: bytes) -> None:
    for body in (data, snap(data)):
        try:
            RemoteWriteDecoder().decode(body)
        except (Refused, TooMuch):
            continue


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(RAW) - 1), st.integers(0, 255))
def test_a_flipped_byte_never_raises_another_error(at: int, byte: int) -> None:
    decoder = RemoteWriteDecoder()
    decoder.decode(BODY)
    try:
        decoded = decoder.decode(snap(RAW[:at] + bytes([byte]) + RAW[at + 1 :]))
    except (Refused, TooMuch):
        return
    assert np.isfinite(decoded.batch.timestamps_ms).all()
