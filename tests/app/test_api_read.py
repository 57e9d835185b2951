"""Reading through the API: one envelope, windows, ids with slashes, paging, and never a 500."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from app.api import ROUTERS
from app.api.metrics import split_selectors
from tests.conftest import NOW_MS

SLASHED = "org/name:v2"
TIMES = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def send(client: FlaskClient, model_id: str = "m", count: int = 60) -> None:
    rows = [
        {"inference_id": f"{model_id}-{n}", "model_id": model_id, "latency_ms": 10 + n,
         "timestamp": NOW_MS / 1_000 - 20 * n - 1, "prediction": n % 2, "score": 0.5,
         "features": {"x": float(n)}}
        for n in range(count)
    ]  # fmt: skip
    answer = client.post("/api/ingest/inferences", json={"inferences": rows})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/api/models/none", 404, "NOT_FOUND"),
        ("/api/models/none/drift", 404, "NOT_FOUND"),
        ("/api/metrics/trust/none", 404, "NOT_FOUND"),
        ("/api/incidents/none", 404, "NOT_FOUND"),
        ("/api/nowhere", 404, "NOT_FOUND"),
        ("/api/metrics/timeseries", 400, "MALFORMED"),
        ("/api/metrics/timeseries?metrics=a&granularity=year", 400, "MALFORMED"),
        ("/api/metrics/timeseries?metrics=a%7B", 400, "MALFORMED"),
        ("/api/dashboard/overview?hours=-1", 400, "MALFORMED"),
        ("/api/dashboard/overview?hours=nan", 400, "MALFORMED"),
        ("/api/dashboard/overview?hours=1e9", 400, "MALFORMED"),
        ("/api/dashboard/overview?start=yesterday", 400, "MALFORMED"),
        ("/api/dashboard/overview?start=2026-01-01T00:00:00", 400, "MALFORMED"),
        ("/api/dashboard/overview?end=9999-12-31T00:00:00Z", 400, "MALFORMED"),
        ("/api/dashboard/overview?nonsense=1", 400, "MALFORMED"),
        ("/api/explore/inferences?limit=0", 400, "MALFORMED"),
        ("/api/explore/log-counts?step_s=18446744073709551616", 400, "MALFORMED"),
        ("/api/explore/inferences?cursor=junk", 400, "MALFORMED"),
        ("/api/incidents?state=asleep", 400, "MALFORMED"),
    ],
)
def test_a_bad_question_gets_the_failure_envelope(
    client: FlaskClient, path: str, status: int, code: str
) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.mimetype) == (status, "application/json")
    assert answer.json is not None
    assert (answer.json["success"], answer.json["code"]) == (False, code)
    assert answer.json["error"]


def test_an_id_with_a_slash_is_one_segment(client: FlaskClient) -> None:
    send(client, SLASHED)
    for form in (quote(SLASHED, safe=""), quote(quote(SLASHED, safe=""), safe="")):
        for rest in ("", "/drift", "/reliability", "/degradation"):
            answer = client.get(f"/api/models/{form}{rest}")
            assert answer.status_code == 200, (form, rest)
    found = client.get(f"/api/metrics/cognitive/{quote(SLASHED, safe='')}").json
    assert found is not None and found["data"]["model_id"] == SLASHED


def test_pages_lead_through_every_row_once(client: FlaskClient) -> None:
    send(client)
    seen: list[str] = []
    cursor = ""
    while True:
        path = "/api/explore/inferences?hours=2&limit=25" + (f"&cursor={cursor}" if cursor else "")
        data = client.get(path).json["data"]  # type: ignore[index]
        seen += [row["inference_id"] for row in data["rows"]]
        if not data["cursor"]:
            break
        cursor = quote(data["cursor"], safe="")
    assert len(seen) == len(set(seen)) == 60


def test_a_window_by_start_and_end_is_half_open(client: FlaskClient) -> None:
    body = {"metrics": [{"name": "x", "value": v, "timestamp": NOW_MS / 1_000 - 120 + 60 * v}
                        for v in range(2)]}  # fmt: skip
    assert client.post("/api/ingest/metrics", json=body).status_code == 202
    path = "/api/metrics/timeseries?metrics=x&granularity=raw"
    window = "&start=2026-01-01T09:58:00Z&end=2026-01-01T09:59:00Z"
    found = client.get(path + window).json["data"][0]  # type: ignore[index]
    assert [point["value"] for point in found["points"]] == [0.0]
    assert all(TIMES.fullmatch(point["timestamp"]) for point in found["points"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('a{x="1,2"} , b', ['a{x="1,2"}', "b"]),
        (r'a{path="C:\\"},b', [r'a{path="C:\\"}', "b"]),
        (r'a{x="\",",y="}"},b', [r'a{x="\",",y="}"}', "b"]),
        ('a{x="1', ['a{x="1']),
        (" ,", []),
    ],
)
def test_selectors_are_split_outside_of_their_values(text: str, parts: list[str]) -> None:
    assert split_selectors(text) == parts


def test_an_unknown_metric_is_an_empty_series(client: FlaskClient) -> None:
    found = client.get("/api/metrics/timeseries?metrics=nobody").json
    assert found is not None and found["data"][0]["points"] == []


def test_thin_data_is_said_and_not_invented(client: FlaskClient) -> None:
    send(client, count=3)
    found = client.get("/api/metrics/trust/m").json
    assert found is not None
    assert (
        found["data"]["trust"]["status"] == "insufficient_data" and found["data"]["trust"]["reason"]
    )


def test_sentences_are_english_unless_a_language_is_asked_for(client: FlaskClient) -> None:
    send(client, count=3)
    headers = {"Accept-Language": "de"}
    plain, asked = (
        client.get(f"/api/models/m/drift{query}", headers=headers).json
        for query in ("", "?lang=ja")
    )
    assert plain is not None and asked is not None
    lacks = [answer["data"]["insufficient"] for answer in (plain, asked)]
    assert lacks[0]["reason"].startswith("drift needs 50 rows on each side")
    assert not lacks[1]["reason"].isascii()
    assert lacks[0]["reason_key"] == lacks[1]["reason_key"] == "reasons.few_drift_rows"
    assert lacks[0]["reason_values"]["needed"] == 50


@pytest.mark.parametrize("odd", ["%00", "%0A", "x" * 201, "..%2f..%2fetc", "%F0%9F%92%A9", "'--"])
def test_odd_ids_never_fail_the_hub(client: FlaskClient, odd: str) -> None:
    for route in (route for router in ROUTERS for route in router.routes if "<" in route.path):
        path = re.sub(r"<[^>]+>", odd, route.path)
        answer = client.open(path, method=route.method, data=b"{}", content_type="application/json")
        assert answer.status_code < 500, (route.method, path)
        expected = route.produces if answer.status_code < 300 else "application/json"
        assert answer.mimetype == expected, path


ODD_BODIES = (
    b"", b"[]", b"null", b"{", b"1", b'{"x":1}', b"\xff", b'{"\xff":1}', b'{"x":' + b"[" * 5_000,
)  # fmt: skip


@pytest.mark.parametrize("body", ODD_BODIES)
def test_odd_bodies_never_fail_the_hub(client: FlaskClient, body: bytes) -> None:
    for route in (route for router in ROUTERS for route in router.routes):
        if route.method == "GET":
            continue
        path = re.sub(r"<[^>]+>", "x", route.path)
        answer = client.open(path, method=route.method, data=body, content_type="application/json")
        assert answer.status_code < 500, (route.method, path)


def test_answers_hold_no_number_that_json_has_not(client: FlaskClient) -> None:
    send(client, count=250)
    for path in ("/api/models/m/drift", "/api/models/m/reliability", "/api/dashboard/overview"):
        text = client.get(path).get_data(as_text=True)
        assert re.search(r"[:\[,](NaN|-?Infinity)", text) is None, path
