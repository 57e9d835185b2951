"""Files that never change are compressed once; everybody gets the same bytes as the first."""

from __future__ import annotations

import gzip

import brotli
import pytest
from flask.testing import FlaskClient

from app.compression import KeepingCompress
from app.ui import ASSETS

SCRIPT = "/assets/shell.js?v=1"


@pytest.mark.parametrize(
    ("accepted", "unpack"),
    [("br", brotli.decompress), ("gzip", gzip.decompress), ("identity", bytes)],
)
def test_the_first_and_the_second_answer_are_the_file(
    client: FlaskClient, accepted: str, unpack: type[bytes]
) -> None:
    file = (ASSETS / "shell.js").read_bytes()
    answers = [client.get(SCRIPT, headers={"Accept-Encoding": accepted}) for _ in range(2)]
    for answer in answers:
        assert unpack(answer.get_data()) == file
        assert answer.headers["Content-Length"] == str(len(answer.get_data()))
    kept = ("Content-Encoding", "ETag", "Cache-Control", "Content-Type", "Vary")
    first, second = ({name: answer.headers.get(name) for name in kept} for answer in answers)
    assert first == second
    assert "immutable" in str(first["Cache-Control"])


def test_a_file_is_compressed_once(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.get(SCRIPT, headers={"Accept-Encoding": "br"})
    monkeypatch.setattr(KeepingCompress.__base__, "after_request", None)
    assert client.get(SCRIPT, headers={"Accept-Encoding": "br"}).status_code == 200


def test_what_the_browser_has_is_not_sent_again(client: FlaskClient) -> None:
    tag = client.get(SCRIPT, headers={"Accept-Encoding": "br"}).headers["ETag"]
    again = client.get(SCRIPT, headers={"Accept-Encoding": "br", "If-None-Match": tag})
    assert (again.status_code, again.get_data()) == (304, b"")
