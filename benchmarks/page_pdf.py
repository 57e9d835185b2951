"""CPU seconds and size of a page's PDF report, on a hub with 30 models and a day of inferences.

`python -m benchmarks.page_pdf` prints a table and writes `results/page_pdf.json`. The target is
5 s from click to file.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.machine import facts

MODELS, ROWS = 30, 288
TARGET_S = 5.0
RUNS = 5


def rows(now_s: float) -> list[dict[str, object]]:
    """Inferences of every model, five minutes apart."""
    return [
        {
            "inference_id": f"m{m}-{i}", "model_id": f"model-{m:02d}", "model_version": "1",
            "timestamp": now_s - 300 * i, "features": {"x": (i * 7 + m) % 17, "y": i % 5},
            "prediction": i % 2, "score": (i % 10) / 10, "label": i % 2, "latency_ms": 5 + i % 9,
            "cost": 0.001, "currency": "USD",
        }
        for m in range(MODELS) for i in range(ROWS)
    ]  # fmt: skip


def main() -> None:
    """Measure the first report after a start of the writer, then the median of five."""
    from app import factory
    from app.scheduler import JOBS, Scheduler
    from app.settings import Settings

    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder), demo="off")
        backends = factory.open_backends(settings)
        app = factory.create_app(settings, backends=backends, scheduler=False)
        client = app.test_client()
        now_s = time.time()
        sent = rows(now_s)
        for start in range(0, len(sent), 2_000):
            body = {"inferences": sent[start : start + 2_000]}
            answer = client.post("/api/ingest/inferences", json=body)
            if answer.status_code != 202:
                raise RuntimeError(answer.text)
        scheduler = Scheduler(backends)
        for job in JOBS:
            scheduler.tick(job, now_s)
        found: dict[str, object] = {"machine": facts(), "models": MODELS, "rows": len(sent)}
        for page, query in (("unified", ""), ("technical", "&model=model-03")):
            for lang in ("en", "ar"):
                seconds, size = [], 0
                for run in range(RUNS + 1):
                    # Another range each time: a cached file would be measured otherwise.
                    started = time.process_time()
                    address = f"/api/reports/{page}.pdf?range={20 + run}h&lang={lang}{query}"
                    answer = client.get(address)
                    seconds.append(time.process_time() - started)
                    size = len(answer.data)
                    if answer.status_code != 200:
                        raise RuntimeError(answer.text)
                found[f"{page} {lang}"] = {
                    "first_cpu_s": round(seconds[0], 2),
                    "median_cpu_s": round(statistics.median(seconds[1:]), 2),
                    "kB": round(size / 1_000), "within_target": max(seconds) <= TARGET_S,
                }  # fmt: skip
        factory.close(app)
    text = json.dumps(found, indent=1)
    Path(__file__).with_name("results").joinpath("page_pdf.json").write_text(text + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
