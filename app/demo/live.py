"""The fleet's present: requests one by one, labels that come later, incidents on a clock."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from app.demo import incidents
from app.demo.first_token import first_tokens_of
from app.demo.history import RATE_S, TRACED_SHARE, logs_of
from app.demo.hub import Hub, HubError
from app.demo.incidents import BY_NAME, Incident, weather
from app.demo.labels import Labels
from app.demo.outcomes import outcomes_of
from app.demo.pathway import Tracers
from app.demo.serving import TEXT_MODELS, Desk, Served

SEND_EVERY_S = 2.0
ASK_EVERY_S = 5.0
GIVE_UP_S = 120.0
COMMAND = "sample_command"


@dataclass(slots=True)
class Live:
    """Runs until it is told to stop, or until the hub has been gone for two minutes."""

    hub: Hub
    tracers: Tracers
    desk: Desk
    clock: Callable[[], float] = time.time
    wait: Callable[[float], None] = time.sleep
    running: list[Incident] = field(default_factory=list)
    labels: Labels = field(default_factory=Labels)
    outbox: list[Served] = field(default_factory=list)
    _since: float = 0.0
    _asked: float = 0.0
    _last_sent: float = 0.0
    _obeyed: set[str] = field(default_factory=set)

    def run(self, stopped: Callable[[], bool]) -> None:
        """Serve requests until `stopped`."""
        self._since = self._asked = self._last_sent = self.clock()
        due = self._first_arrivals()
        while not stopped():
            at, model_id = heapq.heappop(due)
            pause = at - self.clock()
            if pause > 0:
                self.wait(min(pause, 1.0))
                if pause > 1.0:
                    heapq.heappush(due, (at, model_id))
                    self._housekeeping()
                    continue
            self._serve(model_id)
            gap = float(self.desk.rng.exponential(1 / self._rate(model_id)))
            heapq.heappush(due, (self.clock() + gap, model_id))
            self._housekeeping()

    def _first_arrivals(self) -> list[tuple[float, str]]:
        names = [p.model_id for p in self.desk.predictors] + list(TEXT_MODELS)
        now = self.clock()
        due = [(now + float(self.desk.rng.exponential(1 / self._rate(n))), n) for n in names]
        heapq.heapify(due)
        return due

    def _rate(self, model_id: str) -> float:
        return RATE_S / 3 if model_id in TEXT_MODELS else RATE_S

    def _serve(self, model_id: str) -> None:
        at = self.clock()
        now = weather(self.running, at)
        predictor = next((p for p in self.desk.predictors if p.model_id == model_id), None)
        if predictor is None:
            served = self.desk.write(model_id, at, now)
        else:
            served = self.desk.predict(predictor, np.array([at]), [now])[0]
        self.wait(served.hop.total_ms / 1_000)
        if self.desk.rng.random() < TRACED_SHARE:
            served.row["trace_id"] = self.tracers.record(served.hop, at)
        self.outbox.append(served)
        self.labels.hold([served])

    def _housekeeping(self) -> None:
        now = self.clock()
        if now - self._asked >= ASK_EVERY_S:
            self._asked = now
            self._follow_the_clock(now)
            self._try(self._follow_commands)
        if now - self._last_sent >= SEND_EVERY_S:
            self._try(self._send)

    def _try(self, work: Callable[[], None]) -> None:
        try:
            work()
        except HubError:
            if self.clock() - self._last_sent > GIVE_UP_S:
                raise

    def _send(self) -> None:
        now = self.clock()
        self.hub.send("inferences", [one.row for one in self.outbox])
        self.hub.send("logs", logs_of(self.outbox))
        self.hub.send("metrics", outcomes_of(self.desk.rng, self.outbox))
        self.hub.export_metrics(first_tokens_of(self.outbox))
        self.outbox.clear()
        if not weather(self.running, now).labels_held:
            self.labels.send_due(self.hub, now)
        self._last_sent = now

    def _follow_the_clock(self, now: float) -> None:
        self.running = [i for i in self.running if i.end_s > now]
        planned = incidents.scheduled(self._since, now)
        if planned is not None and planned.end_s > now:
            self._begin(planned)

    def _follow_commands(self) -> None:
        page = self.hub.get(f"/api/explore/events?hours=1&kind={COMMAND}&limit=20")
        for event in page["rows"]:
            name = event.get("attributes", {}).get("incident", "")
            is_new = event["event_id"] not in self._obeyed
            if is_new and event["timestamp_ms"] / 1_000 >= self._since and name in BY_NAME:
                self._begin(incidents.start(name, self.clock()))
            self._obeyed.add(event["event_id"])

    def _begin(self, incident: Incident) -> None:
        if any(known.script is incident.script for known in self.running):
            return
        self.running.append(incident)
        self.hub.send("events", incidents.events_of(incident))
