"""The sentences behind a suspect: what speaks for it and what against it."""

from __future__ import annotations

from collections.abc import Sequence

from engines.causal.inputs import Event
from engines.causal.logs import LogSurprise
from engines.causal.result import Evidence
from engines.causal.scene import Scene
from engines.causal.score import Suspect
from engines.causal.settings import RootCauseSettings


def figure(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:.3g}"


def deviation(scene: Scene, suspect: Suspect) -> Evidence | None:
    """Say how far the suspect's metric moved."""
    if suspect.column is None or scene.z[suspect.column] <= 0:
        return None
    node, metric = scene.panel.keys[suspect.column]
    z = float(scene.z[suspect.column])
    usual = float(scene.normal.location[suspect.column])
    scale = float(scene.normal.scale[suspect.column])
    return Evidence(
        "deviation",
        (("node", node), ("metric", metric), ("z", z), ("usual", usual), ("scale", scale)),
        f"{metric} of {node} moved {figure(z)} robust standard deviations "
        f"(usual {figure(usual)}, one deviation is {figure(scale)}).",
    )


def driven(scene: Scene, column: int | None) -> Evidence | None:
    """Say which other metric of the same node moved and is known to drive it."""
    if column is None:
        return None
    node, metric = scene.panel.keys[column]
    z = float(scene.z[column])
    return Evidence(
        "driver",
        (("node", node), ("metric", metric), ("z", z)),
        f"On {node} {metric}, which drives it, moved {figure(z)} robust standard deviations.",
    )


def together(scene: Scene, others: Sequence[Suspect]) -> Evidence | None:
    """Say which other features of the model moved at the same moment."""
    names = [scene.panel.keys[s.column][1] for s in others if s.column is not None]
    if not names:
        return None
    return Evidence(
        "moved_together",
        (("metrics", "\n".join(names)),),
        f"With it moved {', '.join(names)}: one shift of the inputs.",
    )


def share(suspect: Suspect, method: str) -> Evidence | None:
    """Say how much of the effect the suspect explains by itself."""
    if suspect.share is None:
        return None
    pct = 100 * suspect.share
    if suspect.asked > 0:
        text = (
            f"Its requests ask for more of it: at the pace of before that makes "
            f"{figure(100 * suspect.asked)}% of the effect's rise."
        )
        return Evidence("asked_share", (("share", suspect.asked),), text)
    if method.startswith("mass_balance"):
        text = (
            f"Its own excess, after subtracting what it calls, is {figure(pct)}% of the effect's."
        )
        return Evidence("own_share", (("share", suspect.share),), text)
    text = (
        f"Following anomalous dependencies back from the effect ends here {figure(pct)}% of times."
    )
    return Evidence("walk_share", (("share", suspect.share),), text)


def wire(suspect: Suspect, settings: RootCauseSettings) -> Evidence | None:
    """Say that the calls of the suspect are slower between its ends than at them."""
    if suspect.wire <= settings.threshold / 2:
        return None
    return Evidence(
        "wire",
        (("node", suspect.unit[0]), ("score", suspect.wire)),
        f"Calls to and from {suspect.unit[0]} lose time between caller and callee "
        f"(mean log score {figure(suspect.wire)}): a network, proxy or queue, not its own work.",
    )


def messages(found: LogSurprise | None) -> Evidence | None:
    """Say which error message is new or more frequent."""
    if found is None:
        return None
    how = "is new" if found.is_new else f"rose from {figure(found.before)}"
    return Evidence(
        "log_template",
        (
            ("node", found.node),
            ("template", found.template),
            ("after", found.after),
            ("before", found.before),
        ),
        f'Error "{found.template}" on {found.node} {how}: {figure(found.after)} times since onset.',
    )


def trigger(event: Event | None, onset_s: float, step_s: float) -> Evidence | None:
    """Say which change came just before; the onset is known to one interval, so is the lead."""
    if event is None:
        return None
    lead = onset_s - event.time_s
    return Evidence(
        "event_before_onset",
        (
            ("event_id", event.event_id),
            ("kind", event.kind),
            ("title", event.title),
            ("node", event.target),
            ("lead_s", lead),
            ("step_s", step_s),
        ),
        f"{event.kind} {event.title or event.event_id} touched {event.target} "
        f"{known_lead(lead, step_s)} before it moved.",
    )


def known_lead(lead_s: float, step_s: float) -> str:
    """Return a lead to the interval that the onset is known to.

    Examples
    --------
    >>> known_lead(0.35, 60.0), known_lead(200.0, 60.0)
    ('less than 60 s', '180 s')
    """
    if lead_s < step_s:
        return f"less than {figure(step_s)} s"
    return f"{figure(step_s * round(lead_s / step_s))} s"


def order(cause_s: float | None, effect_s: float | None, step_s: float) -> Evidence | None:
    """Say whether the suspect moved before the effect.

    Either onset is known to one interval: what lies within one tells no order.
    """
    if cause_s is None or effect_s is None:
        return None
    lead = effect_s - cause_s
    values = (("lead_s", lead), ("step_s", step_s))
    if abs(lead) <= 1.01 * step_s:
        text = "It moved within one interval of the effect: which came first cannot be told."
        return Evidence("moved_with", values, text)
    if lead < 0:
        return Evidence("moved_later", values, f"It moved {figure(-lead)} s after the effect did.")
    return Evidence("moved_first", values, f"It moved {figure(lead)} s before the effect did.")


def weak(suspect: Suspect, z: float, settings: RootCauseSettings) -> Evidence | None:
    """Say that the suspect never left its normal range."""
    if max(z, suspect.wire) >= settings.threshold:
        return None
    return Evidence(
        "within_range",
        (("z", z), ("threshold", settings.threshold)),
        f"No metric of {suspect.unit[0]} left its normal range "
        f"(largest {figure(z)}, threshold {figure(settings.threshold)}).",
    )


def rival(score: float, best_other: float, name: str) -> Evidence | None:
    """Say that another suspect scores nearly as high."""
    if best_other < 0.7 * score or best_other <= 0:
        return None
    ratio = best_other / score if score > 0 else float("inf")
    return Evidence(
        "rival",
        (("node", name), ("ratio", ratio)),
        f"{name} scores {figure(ratio)} times as high.",
    )
