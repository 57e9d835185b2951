"""OTLP metrics: real SDK bytes and a plain protobuf walk as oracle; junk is `Refused`."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np
import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest as Request,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource

from connectors import otlp_metrics_json
from connectors.decoded import Decoded
from connectors.errors import Refused
from connectors.otlp_metrics import OtlpMetricsDecoder
from connectors.otlp_metrics_json import decode_metrics_json
from connectors.telemetry import Series

NOW_NS = 1_790_000_000_123_456_789
NOW_MS = NOW_NS // 1_000_000


def unpack(decoded: Decoded) -> dict[tuple[Series, int], float]:
    batch = decoded.batch
    rows = zip(batch.index, batch.timestamps_ms, batch.values, strict=True)
    return {(batch.series[i], int(t)): float(v) for i, t, v in rows}


def by_name(decoded: Decoded) -> dict[str, float]:
    return {repr(series): value for (series, _), value in unpack(decoded).items()}


def text(value: Any) -> str:
    kind = value.WhichOneof("value")
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    return "" if kind is None else str(getattr(value, kind))


def walk(request: Request) -> dict[tuple[Series, int], float]:
    """The oracle: every point of every number metric, object by object."""
    found = {}
    for rm in request.resource_metrics:
        resource = {kv.key: text(kv.value) for kv in rm.resource.attributes}
        for sm in rm.scope_metrics:
            for metric in sm.metrics:
                data = getattr(metric, metric.WhichOneof("data") or "gauge")
                for point in data.data_points:
                    kind = point.WhichOneof("value")
                    if kind is None or point.flags & 1:
                        continue
                    labels = {**resource, **{kv.key: text(kv.value) for kv in point.attributes}}
                    value = float(getattr(point, kind))
                    if not math.isnan(value):
                        series = Series(metric.name, labels)
                        found[series, point.time_unix_nano // 1_000_000] = value
    return found


def sdk_request() -> Request:
    reader = InMemoryMetricReader()
    resource = Resource({"service.name": "api", "deployment.environment": "prod", "team": "x"})
    meter = MeterProvider([reader], resource=resource).get_meter("test")
    counter = meter.create_counter("http.requests", unit="1")
    counter.add(5, {"http.method": "GET", "ok": True})
    counter.add(1.5, {"http.method": "PUT"})
    meter.create_up_down_counter("queue").add(-3)
    meter.create_gauge("temp", unit="Cel").set(0, {"n": 1})
    histogram = meter.create_histogram("lat", explicit_bucket_boundaries_advisory=[0.005, 1, 10])
    for value in (0.001, 0.5, 5, 100):
        histogram.record(value, {"route": "/"})
    return encode_metrics(reader.get_metrics_data())  # type: ignore[arg-type]


def test_real_sdk_bytes_become_series_with_escaped_names() -> None:
    decoded = OtlpMetricsDecoder().decode(sdk_request().SerializeToString())
    common = 'environment="prod"'
    where = 'service="api",team="x"'
    found = {k.replace(f'instance="{_instance(k)}",', ""): v for k, v in by_name(decoded).items()}
    assert found == {
        f'http_requests{{{common},http_method="GET",ok="true",{where}}}': 5.0,
        f'http_requests{{{common},http_method="PUT",{where}}}': 1.5,
        f"queue{{{common},{where}}}": -3.0,
        f'temp{{{common},n="1",{where}}}': 0.0,
        f'lat_bucket{{{common},le="0.005",route="/",{where}}}': 1.0,
        f'lat_bucket{{{common},le="1",route="/",{where}}}': 2.0,
        f'lat_bucket{{{common},le="10",route="/",{where}}}': 3.0,
        f'lat_bucket{{{common},le="+Inf",route="/",{where}}}': 4.0,
        f'lat_sum{{{common},route="/",{where}}}': 105.501,
        f'lat_count{{{common},route="/",{where}}}': 4.0,
    }
    assert decoded.units == {"http_requests": "1", "temp": "Cel"}
    assert decoded.rejected == 0


def _instance(text: str) -> str:
    return text.split('instance="')[1].split('"')[0] if "instance" in text else "-"


def test_a_second_request_gives_the_same_series_objects() -> None:
    decoder, body = OtlpMetricsDecoder(), sdk_request().SerializeToString()
    first, second = decoder.decode(body), decoder.decode(body)
    assert unpack(first) == unpack(second)
    assert {id(s) for s in first.batch.series} == {id(s) for s in second.batch.series}


def to_json(request: Request) -> bytes:
    return json.dumps(MessageToDict(request)).encode()


def test_json_and_protobuf_say_the_same() -> None:
    request = sdk_request()
    as_json = decode_metrics_json(to_json(request))
    as_protobuf = OtlpMetricsDecoder().decode(request.SerializeToString())
    assert unpack(as_json) == unpack(as_protobuf)
    assert as_json.units == as_protobuf.units


names = st.sampled_from(["a", "b", "c_d", "k1"])
attribute_values = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
)


def set_attributes(target: Any, attributes: dict[str, Any]) -> None:
    for key, value in attributes.items():
        kv = target.add(key=key)
        if isinstance(value, bool):
            kv.value.bool_value = value
        elif isinstance(value, int):
            kv.value.int_value = value
        else:
            kv.value.string_value = value


@st.composite
def number_requests(draw: st.DrawFn) -> Request:
    request = Request()
    for k in range(draw(st.integers(0, 2))):
        rm = request.resource_metrics.add()
        set_attributes(rm.resource.attributes, draw(st.dictionaries(names, attribute_values)))
        scope = rm.scope_metrics.add()
        for name in draw(st.lists(st.sampled_from(["m", "n", "o_total"]), max_size=3, unique=True)):
            metric = scope.metrics.add(name=f"{name}{k}")
            is_sum = draw(st.booleans())
            data = metric.sum if is_sum else metric.gauge
            if is_sum:
                data.aggregation_temporality = 2
            for i in range(draw(st.integers(0, 4))):
                point = data.data_points.add(time_unix_nano=NOW_NS + i * 10**9)
                if draw(st.booleans()):
                    point.start_time_unix_nano = draw(st.integers(0, 2**64 - 1))
                kind = draw(st.sampled_from(["int", "double", "none"]))
                if kind == "int":
                    point.as_int = draw(st.integers(-(2**63), 2**63 - 1))
                elif kind == "double":
                    point.as_double = draw(st.floats())
                if draw(st.booleans()):
                    point.exemplars.add(as_double=1.0)
                point.flags = draw(st.sampled_from([0, 0, 0, 1]))
                set_attributes(point.attributes, draw(st.dictionaries(names, attribute_values)))
    return request


@settings(max_examples=80, deadline=None)
@given(st.lists(number_requests(), min_size=1, max_size=3))
def test_numbers_equal_a_plain_walk(requests: list[Request]) -> None:
    decoder = OtlpMetricsDecoder()
    for request in requests + requests:
        decoded = decoder.decode(request.SerializeToString())
        assert decoded.rejected == 0
        assert unpack(decoded) == walk(request)


@settings(max_examples=100, deadline=None)
@given(number_requests())
def test_json_equals_a_plain_walk(request_: Request) -> None:
    assert unpack(decode_metrics_json(to_json(request_))) == walk(request_)


def one_metric(**data: Any) -> Request:
    request = Request()
    metric = request.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    for name, points in data.items():
        part = getattr(metric, name)
        for point in points:
            part.data_points.add(**point)
    return request


BOTH = [
    lambda r: OtlpMetricsDecoder().decode(r.SerializeToString()),
    lambda r: decode_metrics_json(to_json(r)),
]


@pytest.mark.parametrize("decode", BOTH)
@pytest.mark.parametrize("kind", ["exponential_histogram", "summary"])
def test_what_is_not_stored_is_counted_with_a_reason(decode: Any, kind: str) -> None:
    decoded = decode(one_metric(**{kind: [{"count": 1}, {"count": 2}]}))
    assert (len(decoded.batch), decoded.rejected) == (0, 2)
    assert "not stored" in decoded.reason


@pytest.mark.parametrize("decode", BOTH)
def test_delta_points_are_labelled(decode: Any) -> None:
    request = one_metric(sum=[{"time_unix_nano": NOW_NS, "as_int": 3}])
    request.resource_metrics[0].scope_metrics[0].metrics[0].sum.aggregation_temporality = 1
    assert unpack(decode(request)) == {(Series("m", {"temporality": "delta"}), NOW_MS): 3.0}


@pytest.mark.parametrize("decode", BOTH)
def test_histograms_that_contradict_themselves_are_rejected_alone(decode: Any) -> None:
    good = {"time_unix_nano": NOW_NS, "count": 3, "bucket_counts": [1, 2], "explicit_bounds": [5.0]}
    bad = {"time_unix_nano": NOW_NS, "count": 3, "bucket_counts": [1], "explicit_bounds": [5.0]}
    decoded = decode(one_metric(histogram=[bad, good]))
    assert decoded.rejected == 1
    assert "buckets" in decoded.reason
    assert by_name(decoded) == {'m_bucket{le="5"}': 1, 'm_bucket{le="+Inf"}': 3, "m_count{}": 3}


@pytest.mark.parametrize("decode", BOTH)
def test_a_histogram_without_buckets_keeps_count_and_sum(decode: Any) -> None:
    decoded = decode(one_metric(histogram=[{"time_unix_nano": NOW_NS, "count": 3, "sum": 2.5}]))
    assert by_name(decoded) == {'m_bucket{le="+Inf"}': 3, "m_count{}": 3, "m_sum{}": 2.5}


@pytest.mark.parametrize("decode", BOTH)
def test_a_series_with_too_many_labels_is_rejected_alone(decode: Any) -> None:
    request = one_metric(gauge=[{"time_unix_nano": NOW_NS, "as_int": i} for i in (1, 2)])
    points = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points
    set_attributes(points[0].attributes, {f"l{i}": "x" for i in range(200)})
    decoded = decode(request)
    assert by_name(decoded) == {"m{}": 2.0}
    assert (decoded.rejected, "labels" in decoded.reason) == (1, True)


def test_sender_machinery_does_not_become_labels() -> None:
    request = one_metric(gauge=[{"time_unix_nano": NOW_NS, "as_int": 1}])
    set_attributes(
        request.resource_metrics[0].resource.attributes,
        {"telemetry.sdk.name": "x", "process.pid": 5, "service.name": "api", "host.name": "h"},
    )
    decoded = OtlpMetricsDecoder().decode(request.SerializeToString())
    assert by_name(decoded) == {'m{host="h",service="api"}': 1.0}


def test_a_field_that_comes_twice_counts_with_its_last_value() -> None:
    request = one_metric(gauge=[{"time_unix_nano": NOW_NS, "as_double": 1.0}])
    point = request.resource_metrics[0].scope_metrics[0].metrics[0].gauge.data_points[0]
    tail = b"\x21" + struct.pack("<d", 2.0)
    twice = point.SerializeToString() + tail
    field = [lambda b, tag=tag: bytes([tag, len(b)]) + b for tag in (0x0A, 0x2A, 0x12, 0x12, 0x0A)]
    inner = field[1](field[0](twice))
    body = field[4](field[3](field[2](b"\x0a\x01m" + inner)))
    decoder = OtlpMetricsDecoder()
    for _ in range(2):
        assert by_name(decoder.decode(body)) == {"m{}": 2.0}


def test_known_series_stay_bounded() -> None:
    decoder = OtlpMetricsDecoder(max_known_bytes=200_000)
    for i in range(300):
        request = one_metric(gauge=[{"time_unix_nano": NOW_NS, "as_int": 1}])
        set_attributes(request.resource_metrics[0].resource.attributes, {"i": f"{i:04}" * 500})
        decoder.decode(request.SerializeToString())
        assert sum(len(resource) for resource, _, _ in decoder._metrics) <= 200_000


def test_long_labels_of_json_are_read_and_not_remembered() -> None:
    before = dict(otlp_metrics_json._known)
    point = {"asInt": 1, "timeUnixNano": str(NOW_NS), "attributes": [
        {"key": f"k{i}", "value": {"stringValue": "x" * 1_000}} for i in range(9)
    ]}  # fmt: skip
    metric = {"name": "long", "gauge": {"dataPoints": [point]}}
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]}
    assert len(decode_metrics_json(json.dumps(body).encode()).batch) == 1
    assert otlp_metrics_json._known == before


BODY = sdk_request().SerializeToString()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_garbage_is_refused_never_another_error(data: bytes) -> None:
    for decode in (OtlpMetricsDecoder().decode, decode_metrics_json):
        try:
            decode(data)
        except Refused:
            continue


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(BODY) - 1), st.binary(max_size=3))
def test_damaged_bytes_never_raise_another_error(at: int, junk: bytes) -> None:
    decoder = OtlpMetricsDecoder()
    decoder.decode(BODY)
    for body in (BODY[:at], BODY[:at] + junk + BODY[at + len(junk) :]):
        try:
            decoded = decoder.decode(body)
        except Refused:
            continue
        assert len(decoded.batch.index) == len(decoded.batch.values)
        assert not np.isnan(decoded.batch.values).any()


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'{"resourceMetrics":5}', b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":'
     b'[{"name":5}]}]}]}', b"{" * 100_000, b'{"resourceMetrics":[{"resource":{"attributes":[{"key":'
     b'"a","value":{"intValue":"x"}}]}}]}'],
)  # fmt: skip
def test_json_of_another_shape_is_refused(body: bytes) -> None:
    with pytest.raises(Refused):
        decode_metrics_json(body)


@pytest.mark.parametrize("value", ["12x", "9" * 5000, "99999999999999999999"])
def test_a_json_integer_out_of_range_rejects_its_point(value: str) -> None:
    body = {"resourceMetrics": [{"scopeMetrics": [{"metrics": [{"name": "m", "gauge": {
        "dataPoints": [{"asInt": value, "timeUnixNano": str(NOW_NS)},
                       {"asInt": 5, "timeUnixNano": str(NOW_NS)}]}}]}]}]}  # fmt: skip
    decoded = decode_metrics_json(json.dumps(body).encode())
    assert (by_name(decoded), decoded.rejected) == ({"m{}": 5.0}, 1)
