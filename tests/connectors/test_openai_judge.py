"""The judge's transport against a real HTTP server that behaves well, badly and worse."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from connectors.errors import ConnectorError, Refused, TooMuch, Unavailable
from connectors.openai_judge import MAX_ANSWER_BYTES, OpenAIJudge
from tests.judge_endpoint import Endpoint, Play, open_endpoint, say, words

KEY = "sk-very-secret"


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with open_endpoint() as found:
        yield found


def judge(endpoint: Endpoint, *, timeout_s: float = 5.0, key: str = KEY) -> OpenAIJudge:
    return OpenAIJudge(endpoint.url, key, "m-1", timeout_s=timeout_s, sleep=lambda _: None)


def ask(endpoint: Endpoint, **options: Any) -> str:
    return judge(endpoint, **options).ask("be strict", "is it so?", max_output_tokens=99)


def test_the_request_is_a_chat_completion_in_json_mode(endpoint: Endpoint) -> None:
    endpoint.plays = [words("{}")]
    assert ask(endpoint) == "{}"
    path, headers, body = endpoint.seen[0]
    assert path == "/v1/chat/completions"
    assert headers["Authorization"] == f"Bearer {KEY}"
    assert body == {
        "model": "m-1",
        "temperature": 0,
        "max_tokens": 99,
        "messages": [
            {"role": "system", "content": "be strict"},
            {"role": "user", "content": "is it so?"},
        ],
        "response_format": {"type": "json_object"},
    }


def test_without_a_key_none_is_sent(endpoint: Endpoint) -> None:
    endpoint.plays = [words("{}")]
    ask(endpoint, key="")
    assert "Authorization" not in endpoint.seen[0][1]


def test_a_server_without_json_mode_is_asked_plainly_from_then_on(endpoint: Endpoint) -> None:
    endpoint.plays = [say(400, b"unknown field response_format"), words("{}")]
    asker = judge(endpoint)
    for _ in range(2):
        assert asker.ask("s", "u", max_output_tokens=9) == "{}"
    assert ["response_format" in body for _, _, body in endpoint.seen] == [True, False, False]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_passing_failure_is_tried_again(endpoint: Endpoint, status: int) -> None:
    endpoint.plays = [say(status, b""), words("yes")]
    assert ask(endpoint) == "yes"


@pytest.mark.parametrize("status", [429, 500])
def test_a_lasting_failure_ends_after_three_tries(endpoint: Endpoint, status: int) -> None:
    endpoint.plays = [say(status, KEY.encode())]
    with pytest.raises(Unavailable, match=str(status)):
        ask(endpoint)
    assert len(endpoint.seen) == 3


def test_a_wait_longer_than_the_deadline_is_not_waited_for(endpoint: Endpoint) -> None:
    endpoint.plays = [say(429, b"", Retry_After="3600")]
    with pytest.raises(Unavailable) as caught:
        ask(endpoint)
    assert len(endpoint.seen) == 1
    assert caught.value.retry_after_s == 3600


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": {}}]}', b"[" * 90_000]
)
def test_what_is_no_completion_is_refused_at_once(endpoint: Endpoint, body: bytes) -> None:
    endpoint.plays = [say(200, body)]
    with pytest.raises(Refused):
        ask(endpoint)
    assert len(endpoint.seen) == 1


def test_a_gigabyte_is_not_read(endpoint: Endpoint) -> None:
    sent = [0]

    def flood(request: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(10**9))
        request.end_headers()
        while sent[0] < 10**9:
            request.wfile.write(b" " * 100_000)
            sent[0] += 100_000

    endpoint.plays = [flood]
    with pytest.raises(TooMuch):
        ask(endpoint)
    assert sent[0] < 50 * MAX_ANSWER_BYTES


def test_a_body_that_drips_is_given_up(endpoint: Endpoint) -> None:
    stop = threading.Event()

    def drip(request: BaseHTTPRequestHandler, _: dict[str, Any]) -> None:
        request.send_response(200)
        request.send_header("Content-Length", "100000")
        request.end_headers()
        while not stop.wait(0.05):
            request.wfile.write(b" ")
            request.wfile.flush()

    endpoint.plays = [drip]
    with pytest.raises(Unavailable, match="in time"):
        ask(endpoint, timeout_s=0.4)
    stop.set()


def test_silence_is_given_up(endpoint: Endpoint) -> None:
    endpoint.plays = [lambda *_: time.sleep(1.0)]
    with pytest.raises(Unavailable, match="in time"):
        ask(endpoint, timeout_s=0.3)


def test_a_redirect_is_not_followed_with_the_key(endpoint: Endpoint) -> None:
    endpoint.plays = [say(307, b"", Location=endpoint.url + "/elsewhere")]
    with pytest.raises(Refused, match="307"):
        ask(endpoint)
    assert len(endpoint.seen) == 1


@pytest.mark.parametrize("answer", [say(401, KEY.encode()), say(500, KEY.encode()), words("")])
def test_no_error_or_log_line_holds_key_or_address(
    endpoint: Endpoint, answer: Play, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="aiobs")
    endpoint.plays = [answer]
    with pytest.raises(ConnectorError) as caught:
        ask(endpoint)
    assert caught.value.__cause__ is None
    for text in (str(caught.value), repr(caught.value), caplog.text):
        assert KEY not in text
        assert endpoint.url not in text


def test_nobody_listening_is_named_without_the_address() -> None:
    with pytest.raises(Unavailable) as caught:
        OpenAIJudge("http://127.0.0.1:1/v1", KEY, "m", sleep=lambda _: None).ask(
            "s", "u", max_output_tokens=1
        )
    assert caught.value.__context__ is None
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "key"),
    [("ftp://host/v1", ""), ("https://u:p@host/v1", ""), ("https://host/v1", "a\nHost: evil")],
)
def test_a_malformed_address_or_key_is_refused_unspoken(url: str, key: str) -> None:
    with pytest.raises(Refused) as caught:
        OpenAIJudge(url, key, "m")
    assert "evil" not in str(caught.value)
    assert "u:p" not in str(caught.value)
