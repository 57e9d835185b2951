"""Charts of the gallery: every kind once, over time and side by side."""

from __future__ import annotations

import math
import random
import time
from typing import Any

from components import charts
from components.charts import Line, Mark, Threshold
from components.panel import Provenance, grid, panel

NOW = int(time.time() * 1000) - 90_000
HOUR = 3_600_000


def wave(n: int, seed: int, level: float, swing: float) -> list[float]:
    """A daily rhythm with noise: test data for the eyes."""
    chance = random.Random(seed)
    return [level + swing * math.sin(i / n * 12) + chance.gauss(0, swing / 5) for i in range(n)]


def time_charts() -> Any:
    n = 2880
    x = [NOW - 24 * HOUR + i * 24 * HOUR / n for i in range(n)]
    p50, p95, p99 = wave(n, 1, 80, 12), wave(n, 2, 160, 30), wave(n, 3, 260, 60)
    marks = [
        Mark(NOW - 17 * HOUR, "v2.3 to all regions"),
        Mark(NOW - 6 * HOUR, "Slow dependency: payments", "incident", NOW - 4.5 * HOUR),
    ]
    latency = charts.line(
        x,
        [Line("p50", p50), Line("p95", p95), Line("p99", p99)],
        unit="ms",
        zero=True,
        thresholds=[Threshold(250, "objective 250 ms")],
        marks=marks,
    )
    score = wave(96, 7, 0.85, 0.05)
    xs = [NOW - 24 * HOUR + i * HOUR / 4 for i in range(96)]
    trust = charts.line(
        xs,
        [Line("Trust", score, [v - 0.03 for v in score], [v + 0.03 for v in score])],
        unit="share",
        thresholds=[Threshold(0.8, "warning below 80%", "warn")],
    )
    parts = [Line(name, [abs(v) for v in wave(96, i, 30, 10)]) for i, name in enumerate("abcd")]
    volume = charts.area(xs, parts, unit="requests/s")
    source = Provenance("24 h", 48_211, 120_000, computed_at_ms=NOW, method="t-digest")
    return grid(
        panel(
            "Latency",
            charts.graph("g-lat", latency, label="Latency over 24 hours"),
            panel_id="lat",
            definition="Time from request to last byte; p95 means 95 % were faster.",
            unit="ms",
            source=source,
            span=8,
            href="/technical",
        ),
        panel(
            "Trust over time",
            charts.graph("g-trust", trust, label="Trust"),
            panel_id="trust",
            source=source,
            span=4,
        ),
        panel(
            "Traffic by model",
            charts.graph("g-area", volume, label="Traffic"),
            panel_id="area",
            source=source,
            span=6,
        ),
        panel(
            "Parts of cost",
            charts.graph(
                "g-stack",
                charts.stacked_bars(
                    ["Mon", "Tue", "Wed", "Thu", "Fri"],
                    [
                        Line("input tokens", [3, 4, 5, 4, 6]),
                        Line("output tokens", [6, 7, 6, 8, 9]),
                        Line("compute", [2, 2, 2, 3, 2]),
                    ],
                    unit="USD",
                ),
                label="Cost",
            ),
            panel_id="stack",
            source=source,
            span=6,
        ),
    )


def comparisons() -> Any:
    names = ["mean radius", "texture", "smoothness", "concavity", "symmetry", "fractal dimension"]
    drift = [0.42, 0.27, 0.18, 0.09, 0.05, 0.02]
    by_feature = charts.bars(
        names,
        drift,
        statuses=["bad", "bad", "warn", "good", "good", "good"],
        thresholds=[Threshold(0.1, "0.1", "warn"), Threshold(0.25, "0.25", "bad")],
    )
    edges = [6, 9, 12, 15, 18, 21, 24, 27]
    pair = charts.histogram_pair(
        edges,
        [0.05, 0.2, 0.34, 0.2, 0.12, 0.06, 0.03],
        [0.02, 0.1, 0.22, 0.27, 0.2, 0.12, 0.07],
        unit="mm",
    )
    p = [0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65, 0.75, 0.85, 0.95]
    o = [0.04, 0.12, 0.28, 0.31, 0.4, 0.47, 0.58, 0.66, 0.74, 0.88]
    calibration = charts.reliability_diagram(
        p,
        o,
        [120, 90, 70, 60, 40, 45, 50, 72, 110, 180],
        low=[v - 0.04 for v in o],
        high=[v + 0.05 for v in o],
    )
    services = ["gateway", "search", "ranker", "payments", "profile"]
    rng = random.Random(3)
    matrix = [
        [1.0 if i == j else round(rng.uniform(-0.9, 0.9), 2) for j in range(5)] for i in range(5)
    ]
    heat = charts.heat_map(services, services, matrix, diverging=True, limits=(-1, 1))
    fall = charts.waterfall(
        ["Traffic", "Cache", "Smaller model", "Retries"],
        [12, -9, -14, 3],
        start=("Last week", 60),
        end="This week",
        unit="USD",
    )
    box = charts.boxes(
        services,
        [
            (10, 20, 32, 44, 80),
            (5, 9, 12, 20, 41),
            (30, 44, 51, 60, 92),
            (80, 120, 150, 210, 300),
            (2, 4, 6, 8, 14),
        ],
        unit="ms",
    )
    dots = charts.strip(
        [(s, wave(30, i, 20 + 5 * i, 6)) for i, s in enumerate(services)], unit="ms"
    )
    bullet = charts.bullet(
        62, target=75, bands=[(50, "poor"), (75, "fair"), (100, "good")], unit="%", status="warn"
    )
    source = Provenance("24 h", 1_200, 5_000, NOW, "PSI, 10 equal-count bins")
    graph = charts.graph
    return grid(
        panel(
            "Drift by feature",
            graph("g-bars", by_feature, label="Drift"),
            panel_id="bars",
            definition="Population stability index.",
            source=source,
            span=4,
        ),
        panel(
            "Mean radius",
            graph("g-hist", pair, label="Histogram"),
            panel_id="hist",
            source=source,
            span=4,
        ),
        panel(
            "Calibration",
            graph("g-cal", calibration, label="Calibration"),
            panel_id="rel",
            source=source,
            span=4,
        ),
        panel(
            "Correlation",
            graph("g-heat", heat, label="Correlation"),
            panel_id="heat",
            source=source,
            span=4,
        ),
        panel(
            "Why cost changed",
            graph("g-fall", fall, label="Waterfall"),
            panel_id="fall",
            source=source,
            span=4,
        ),
        panel(
            "Latency by service",
            graph("g-box", box, label="Boxes"),
            panel_id="box",
            source=source,
            span=4,
        ),
        panel(
            "Each request",
            graph("g-strip", dots, label="Strip"),
            panel_id="strip",
            source=source,
            span=6,
        ),
        panel(
            "Against target",
            graph("g-bullet", bullet, label="Bullet", height=90),
            panel_id="bullet",
            source=source,
            span=6,
            height=90,
        ),
    )
