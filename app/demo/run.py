"""Starts the sample fleet: train, back-fill what is missing, then live."""

from __future__ import annotations

import signal
import sys
import threading
import time

import numpy as np

from app.demo.hub import Hub, HubError
from app.demo.incidents import BY_NAME

REGISTRATIONS: dict[str, dict[str, object]] = {
    "tumour-screening": {"model_type": "classification", "owner": "Radiology", "risk_class": "high",
                         "purpose": "Second opinion on cell images", "positive_class": "benign"},
    "visit-risk": {"model_type": "classification", "owner": "Care planning",
                   "risk_class": "limited", "purpose": "Plan capacity", "positive_class": "visit"},
    "diabetes-progression": {"model_type": "regression", "owner": "Care planning",
                             "risk_class": "high", "purpose": "Progression after one year"},
    "support-assistant": {"model_type": "rag", "owner": "Customer service",
                          "risk_class": "limited", "purpose": "Answer questions of customers"},
    "ticket-summary": {"model_type": "rag", "owner": "Customer service",
                       "risk_class": "minimal", "purpose": "Summaries for agents"},
}  # fmt: skip
"""Three models stay unregistered on purpose: a hub must show those too."""


def run(
    url: str, *, key: str = "", hours: float = 24.0, incident: str = "", only_if_empty: bool = False
) -> int:
    """Run the fleet against a hub; 0 when told to stop, 1 when the hub is gone or refuses."""
    hub = Hub(url, key)
    try:
        if incident:
            return _command(hub, incident)
        hub.wait_until_ready()
        if only_if_empty and _has_other_models(hub):
            return 0
        return _fleet(hub, hours)
    except HubError as error:
        print(f"sample fleet: {error}", file=sys.stderr)
        return 1


def _command(hub: Hub, name: str) -> int:
    """Ask the running fleet to start an incident: an event that it reads like anybody could."""
    if name not in BY_NAME:
        print(f"unknown incident {name!r}; choose one of {', '.join(BY_NAME)}", file=sys.stderr)
        return 2
    event = {"title": f"Start {name}", "event_type": "sample_command", "incident": name,
             "sample": "true"}  # fmt: skip
    hub.send("events", [event])
    print(f"asked the sample fleet for {name}; it starts within seconds")
    return 0


def _has_other_models(hub: Hub) -> bool:
    return any(not model["is_sample"] for model in hub.get("/api/models"))


def _fleet(hub: Hub, hours: float) -> int:
    from app.demo.history import backfill, show_progress
    from app.demo.labels import Labels
    from app.demo.live import Live
    from app.demo.outcomes import state_objectives, state_policies
    from app.demo.pathway import Tracers
    from app.demo.predictors import train_all
    from app.demo.registers import state_registers
    from app.demo.resume import read_past
    from app.demo.scans import send_scans
    from app.demo.serving import Desk

    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as SIGTERM: at once, nothing is held yet
    show_progress(0.0, "training models")
    desk = Desk(train_all(), np.random.default_rng())
    tracers = Tracers(hub.url, hub.headers)
    now = time.time()
    known = read_past(hub, now, hours)
    labels = Labels()
    labels.recover(hub, desk.predictors, known.newest)
    labels.send_due(hub, now)
    backfill(hub, tracers, desk, labels, now - hours * 3_600, now, known=known)
    for model_id, registration in REGISTRATIONS.items():
        hub.put(f"/api/models/{model_id}", registration)
    state_policies(hub)
    state_objectives(hub)
    send_scans(hub, time.time())
    state_registers(hub, now)
    live = Live(hub, tracers, desk, labels=labels)
    stopped = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stopped.set())
    live.run(stopped.is_set)
    tracers.close()
    return 0
