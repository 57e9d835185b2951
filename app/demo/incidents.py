"""Scripted incidents: what breaks, when, and the ground truth that each leaves behind."""

from __future__ import annotations

from dataclasses import dataclass, replace

MINUTE_S = 60


@dataclass(frozen=True, slots=True)
class Script:
    """One kind of incident: what it does to whom."""

    name: str
    title: str
    model_id: str
    service: str
    minutes: int
    change: str = ""  # a config_change or data_change event shortly before


SCRIPTS: tuple[Script, ...] = (
    Script("sensor_fault", "A sensor reports zero", "tumour-screening", "feature-store", 12,
           "Sensor firmware 4.2 rolled out"),
    Script("covariate_shift", "Another population arrives", "visit-risk", "inference-api", 15,
           "Campaign opened for older customers"),
    Script("label_delay", "The labelling queue stands still", "wine-grader", "billing", 75),
    Script("slow_dependency", "The feature store answers slowly", "digits-reader",
           "feature-store", 12, "Feature store connection pool cut from 32 to 4"),
    Script("cost_spike", "Summaries grow six times longer", "ticket-summary", "inference-api", 25,
           "Prompt template of ticket-summary changed"),
    Script("retrieval_outage", "The vector index is unreachable", "support-assistant",
           "vector-index", 12, "Vector index moved to another host"),
)  # fmt: skip
BY_NAME = {script.name: script for script in SCRIPTS}


@dataclass(frozen=True, slots=True)
class Incident:
    """A script at a time; seconds since the epoch."""

    script: Script
    start_s: float
    end_s: float

    def is_active(self, at_s: float) -> bool:
        """Whether the incident is on at a moment."""
        return self.start_s <= at_s < self.end_s


@dataclass(frozen=True, slots=True)
class Weather:
    """What is wrong at one moment, as the fleet's parts ask for it."""

    dead_sensor: bool = False
    shifted_population: bool = False
    labels_held: bool = False
    feature_store_ms: float = 0.0
    feature_store_timeouts: float = 0.0
    token_factor: int = 1
    retrieval_down: bool = False


_EFFECTS: dict[str, dict[str, object]] = {
    "sensor_fault": {"dead_sensor": True},
    "covariate_shift": {"shifted_population": True},
    "label_delay": {"labels_held": True},
    "slow_dependency": {"feature_store_ms": 180.0, "feature_store_timeouts": 0.12},
    "cost_spike": {"token_factor": 6},
    "retrieval_outage": {"retrieval_down": True},
}


def weather(incidents: list[Incident], at_s: float) -> Weather:
    """Return everything that is wrong at a moment."""
    now = Weather()
    for incident in incidents:
        if incident.is_active(at_s):
            now = replace(now, **_EFFECTS[incident.script.name])  # type: ignore[arg-type]
    return now


def start(name: str, at_s: float) -> Incident:
    """Return the incident of a script that begins at a moment."""
    script = BY_NAME[name]
    return Incident(script, at_s, at_s + script.minutes * MINUTE_S)


_HISTORY_HOURS = (
    (20.5, "slow_dependency"), (17.0, "sensor_fault"), (13.5, "cost_spike"),
    (10.0, "retrieval_outage"), (6.5, "covariate_shift"),
)  # fmt: skip


def past(now_s: float, hours: float) -> list[Incident]:
    """Return the incidents of the back-filled history; its last two hours are quiet."""
    return [
        start(name, now_s - before * 3_600) for before, name in _HISTORY_HOURS if before < hours
    ]


FIRST_AFTER_S = 10 * MINUTE_S
EVERY_S = 40 * MINUTE_S


def scheduled(live_since_s: float, at_s: float) -> Incident | None:
    """Return the incident that the clock starts by `at_s`, the newest one."""
    passed = at_s - live_since_s - FIRST_AFTER_S
    if passed < 0:
        return None
    number = int(passed // EVERY_S)
    begun = live_since_s + FIRST_AFTER_S + number * EVERY_S
    return start(SCRIPTS[number % len(SCRIPTS)].name, begun)


def events_of(incident: Incident) -> list[dict[str, object]]:
    """Return the change that came before and the ground truth, as the ingest route takes them."""
    script, key = incident.script, f"{incident.script.name}-{int(incident.start_s)}"
    events: list[dict[str, object]] = []
    kind = "data_change" if script.name == "covariate_shift" else "config_change"
    if script.change:
        events.append(
            {
                "event_id": f"change-{key}",
                "timestamp": incident.start_s - 20,
                "title": script.change,
                "event_type": kind,
                "service": script.service,
                "model_id": script.model_id,
                "sample": "true",
            }
        )
    events.append(
        {
            "event_id": f"truth-{key}",
            "timestamp": incident.start_s,
            "end": incident.end_s,
            "title": f"Sample incident: {script.title}",
            "event_type": "ground_truth",
            "service": script.service,
            "model_id": script.model_id,
            "incident": script.name,
            "sample": "true",
        }
    )
    return events
