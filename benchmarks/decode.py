"""What decoding costs, per CPU second and thread, beside a plain walk of protobuf objects.

``python -m benchmarks.decode`` prints the table and writes ``benchmarks/results/decode.json``.
Every figure is the best of five runs of at least 0.3 s of CPU: on a busy machine the best run is
the one least disturbed. Decoders are warm, as they are after a sender's first request.
"""

from __future__ import annotations

import json
import random
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cramjam
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from benchmarks.machine import facts
from connectors import json_ingest
from connectors.otlp_metrics import OtlpMetricsDecoder
from connectors.otlp_metrics_json import decode_metrics_json
from connectors.otlp_traces import decode_traces
from connectors.remote_write import RemoteWriteDecoder

NOW_MS = 1_790_000_000_000
NOW_NS = NOW_MS * 1_000_000
RESULTS = Path(__file__).parent / "results" / "decode.json"
POINT_LABELS = {"http.method": "GET", "http.status_code": "200", "net.host.name": "shop.internal"}


def rate(run: Callable[[], int]) -> float:
    """Return items per CPU second, the best of five."""
    run()
    best = 0.0
    for _ in range(5):
        started, n = time.process_time(), 0
        while time.process_time() - started < 0.3:
            n += run()
        best = max(best, n / (time.process_time() - started))
    return best


def varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    return bytes([*out, n])


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def write_body(n_series: int, n_samples: int, zeros: float = 0.0) -> bytes:
    """A remote write as Prometheus encodes it: seven labels, zero values left out."""
    rng = random.Random(0)
    series = []
    for i in range(n_series):
        labels = {
            "__name__": "http_requests_total", "instance": f"10.0.{i // 256}.{i % 256}:9100",
            "job": "api", "method": "GET", "path": f"/v1/item/{i % 50}", "pod": f"api-{i}",
            "region": "eu-west-1",
        }  # fmt: skip
        block = b"".join(field(1, field(1, k.encode()) + field(2, v.encode()))
                         for k, v in labels.items())  # fmt: skip
        for j in range(n_samples):
            value = 0.0 if rng.random() < zeros else rng.random() * 1e6
            double = b"\x09" + struct.pack("<d", value) if value else b""
            block += field(2, double + b"\x10" + varint(NOW_MS + 15_000 * j))
        series.append(field(1, block))
    return bytes(cramjam.snappy.compress_raw(b"".join(series)))


def metrics_request(n_metrics: int, n_points: int) -> ExportMetricsServiceRequest:
    """Gauges and cumulative sums in turn, four attributes a point, four of the resource."""
    rng = random.Random(0)
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    about = {"service.name": "shop", "service.version": "1.2", "host.name": "n17", "team": "x"}
    for key, value in about.items():
        resource.resource.attributes.add(key=key).value.string_value = value
    scope = resource.scope_metrics.add()
    for i in range(n_metrics):
        metric = scope.metrics.add(name=f"http.server.metric{i}", unit="s")
        data = metric.sum if i % 2 else metric.gauge
        if i % 2:
            data.aggregation_temporality = 2
        for j in range(n_points):
            point = data.data_points.add(time_unix_nano=NOW_NS, as_double=rng.random())
            if i % 2:
                point.start_time_unix_nano = NOW_NS - 10**12
            for key, value in {**POINT_LABELS, "http.route": f"/items/{j}"}.items():
                point.attributes.add(key=key).value.string_value = value
    return request


def plain_walk(body: bytes) -> int:
    """The comparison: every point of a parsed request to name, labels, time and value."""
    rows = []
    for resource in ExportMetricsServiceRequest.FromString(body).resource_metrics:
        common = {kv.key: kv.value.string_value for kv in resource.resource.attributes}
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                for point in getattr(metric, metric.WhichOneof("data")).data_points:
                    own = {kv.key: kv.value.string_value for kv in point.attributes}
                    value = getattr(point, point.WhichOneof("value"))
                    time_ms = point.time_unix_nano // 1_000_000
                    rows.append((metric.name, common | own, time_ms, value))
    return len(rows)


def model_spans(n: int, prefix: str = "gen_ai") -> bytes:
    """Spans of about 1.2 KB with messages; under another prefix they are no model calls."""
    rng = random.Random(0)
    request = ExportTraceServiceRequest()
    scope = request.resource_spans.add().scope_spans.add()
    for i in range(n):
        span = scope.spans.add(
            trace_id=rng.randbytes(16), span_id=rng.randbytes(8), name="chat gpt-5",
            start_time_unix_nano=NOW_NS, end_time_unix_nano=NOW_NS + 10**8,
        )  # fmt: skip
        asked = [{"role": "user", "parts": [{"type": "text", "content": f"{i} " + "why " * 75}]}]
        said = [{"role": "assistant", "parts": [{"type": "text", "content": "so " * 100}]}]
        texts = {
            "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-5", "gen_ai.response.model": "gpt-5-2026",
            "gen_ai.response.id": f"resp_{i}", "server.address": "api.openai.com",
            "gen_ai.input.messages": json.dumps(asked), "gen_ai.output.messages": json.dumps(said),
        }  # fmt: skip
        for key, value in texts.items():
            span.attributes.add(key=key.replace("gen_ai", prefix)).value.string_value = value
        for key in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
            span.attributes.add(key=key.replace("gen_ai", prefix)).value.int_value = rng.randrange(
                9_999
            )
    return bytes(request.SerializeToString())


def inference_body(n: int) -> bytes:
    rng = random.Random(0)
    rows = [
        {"inference_id": f"i{i}", "model_id": "credit", "timestamp": "2026-09-21T14:13:20.123Z",
         "features": {f"f{j}": rng.random() for j in range(10)}, "prediction": "yes",
         "score": rng.random(), "latency_ms": 12.5}
        for i in range(n)
    ]  # fmt: skip
    return json.dumps({"inferences": rows}).encode()


def measure() -> dict[str, float]:
    """Return items per CPU second by name."""
    writes, otlp = RemoteWriteDecoder(), OtlpMetricsDecoder()
    found: dict[str, float] = {}
    for n_series, n_samples, zeros in ((2_000, 1, 0.0), (2_000, 1, 0.3), (1_000, 10, 0.0)):
        body = write_body(n_series, n_samples, zeros)
        name = f"remote write {n_series} x {n_samples}" + (", 30 % zeros" if zeros else "")
        found[f"{name} (samples)"] = rate(lambda body=body: len(writes.decode(body).batch))  # type: ignore[misc]
    raw = bytes(cramjam.snappy.decompress_raw(write_body(2_000, 1)))
    found["remote write 2000 x 1, field by field (samples)"] = rate(
        lambda: len(writes._slow(raw).batch)
    )
    request = metrics_request(20, 50)
    body = request.SerializeToString()
    found["OTLP metrics, plain walk (points)"] = rate(lambda: plain_walk(body))
    found["OTLP metrics (points)"] = rate(lambda: len(otlp.decode(body).batch))
    as_json = _json(request)
    found["OTLP metrics JSON (points)"] = rate(lambda: len(decode_metrics_json(as_json).batch))
    spans = model_spans(500)
    found["OTLP model spans to spans and inferences (spans)"] = rate(
        lambda: len(decode_traces(spans, NOW_MS).inferences)
    )
    others = model_spans(500, prefix="custom")
    found["OTLP spans of the same size (spans)"] = rate(
        lambda: len(decode_traces(others, NOW_MS).spans)
    )
    records = inference_body(500)
    found["JSON inferences of 10 features (records)"] = rate(
        lambda: len(json_ingest.decode_inferences(records, NOW_MS).rows)
    )
    return found


def _json(request: Any) -> bytes:  # a protobuf message
    from google.protobuf.json_format import MessageToDict

    return json.dumps(MessageToDict(request)).encode()


def main() -> None:
    found = measure()
    ratio = found["OTLP metrics (points)"] / found["OTLP metrics, plain walk (points)"]
    per_500_ms = 500_000 / found["JSON inferences of 10 features (records)"]
    for name, per_s in found.items():
        print(f"{name:<55} {per_s / 1000:>9.0f} k per CPU second")
    print(f"OTLP metrics beside a plain walk: {ratio:.1f} times (at least 4 wanted)")
    print(f"500 inferences of 10 features: {per_500_ms:.1f} ms of CPU (at most 15 wanted)")
    RESULTS.parent.mkdir(exist_ok=True)
    report = {
        "machine": facts(),
        "per_cpu_second": {name: round(value) for name, value in found.items()},
        "otlp_times_plain_walk": round(ratio, 2),
        "json_500_inferences_ms": round(per_500_ms, 2),
    }
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
