"""The judge of lab 5.5, outside the sandbox: recordings in a form that nobody has seen, Kafka, promtool.

recording --another clock, other offsets--> room.call("time_lag") --judges.py--> right?
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from backlab.check import Verdict
from backlab.grading.hidden import Draw
from backlab.grading.room import GuestError, Room
from datasets.lag import Recording, recordings
from labs.m5_events import consumer_lag as lab
from labs.m5_events.consumer_lag import judges

NUMBERS = (int, float)
ACTS = ("retry", "skip", "dead letter")
ANSWERS = {
    "labs.m5_events.consumer_lag.capacity": ["drained_s", "fewest"],
    "labs.m5_events.consumer_lag.rules": ["over", "burrow", "RULES"],
    "services.shop.lag.age": ["ages_s", "_age_s", "arrived_s"],
}
SAME_FOR_ALL = {"5.5.e"}  # a file of rules is right or wrong for everybody: nothing in it is a parameter


@dataclass
class Scene:
    """Recordings in this learner's form, and the Kafka of the fourth check."""

    runs: list[Recording]
    bootstrap: str


def hidden(draw: Draw) -> dict[str, Any]:
    """Another seed for the moments, plans and series that the checks ask about."""
    return {"seed": draw.integer("seed", 1, 10**9)}


def scene(room: Room) -> Scene:
    """A Kafka that the guest cannot reach: it is asked what to do, and the judge does it."""
    kafka = room.up("kafka", settings={"kafka": lab.KAFKA}).kafka
    dice = room.draw.stream("recordings")
    room.start()
    return Scene([shifted(each, dice) for each in recordings()], kafka.bootstrap)


def shifted(recording: Recording, dice: random.Random) -> Recording:
    """The same run on a clock that began earlier, in a log that held something before."""
    later_s, more = round(dice.uniform(10, 90), 1), dice.randint(100, 900)
    groups = {name: _shifted(group, later_s, more) for name, group in recording.groups.items()}
    return Recording(recording.name, recording.made, groups)


def _shifted(group: Mapping[str, Any], later_s: float, more: int) -> dict[str, Any]:
    samples = [
        [t_s + later_s, [[None if offset is None else offset + more for offset in place] for place in places]]
        for t_s, places in group["samples"]
    ]
    came_ms = [
        [*[None] * more, *(None if ms is None else ms + later_s * 1000 for ms in partition)]
        for partition in group["came_ms"]
    ]
    since_s = group["case"].get("incident_from_s")
    case = {**group["case"], "incident_from_s": None if since_s is None else since_s + later_s}
    return {**group, "samples": samples, "came_ms": came_ms, "case": case}


def plain(room: Room, name: str, fits: Callable[[Any], bool], what: str, **arguments: Any) -> Any:
    """A call's answer, if it is what it should be; raises `GuestError` else."""
    said = room.call(name, **arguments)
    if not fits(said):
        raise GuestError(f"{name} answered no {what}")
    return said


def _ages(said: Any) -> bool:
    return type(said) is list and all(each is None or type(each) in NUMBERS for each in said)


def _intervals(said: Any) -> bool:
    return type(said) is list and all(_ages(each) and None not in each and len(each) == 2 for each in said)


def _act(said: Any) -> bool:
    return type(said) is dict and said.get("do") in ACTS and type(said.get("headers", {})) is dict


def time_lags(verdict: Verdict, room: Room, scene: Scene) -> None:
    """5.5.a: ages of recorded messages, from samples."""

    def ask(samples: list[dict[str, Any]]) -> Any:
        return plain(room, "time_lag", _ages, "list of numbers", samples=samples)

    judges.time_lags(verdict, ask, room.hidden["seed"], scene.runs)


def alerts(verdict: Verdict, room: Room, scene: Scene) -> None:
    """5.5.b: alarms on recordings."""

    def ask(series: Any) -> Any:
        return plain(room, "alert", _intervals, "list of intervals", series=series)

    judges.alerts(verdict, ask, room.hidden["seed"], scene.runs)


def capacities(verdict: Verdict, room: Room, scene: Scene) -> None:
    """5.5.c: plans."""

    def drain(**plan: Any) -> Any:
        return plain(room, "seconds_to_drain", lambda said: _ages([said]), "number", **plan)

    def needed(**plan: Any) -> Any:
        return plain(room, "consumers_needed", lambda said: _ages([said]), "number", **plan)

    judges.capacities(verdict, drain, needed, room.hidden["seed"])


def dead_letters(verdict: Verdict, room: Room, scene: Scene) -> None:
    """5.5.d: the loop and the topic are the judge's; the guest only says what to do."""

    def ask(message: dict[str, Any], error: dict[str, Any], attempt: int) -> Any:
        return plain(room, "handle_poison", _act, "decision", message=message, error=error, attempt=attempt)

    judges.dead_letters(verdict, ask, scene.bootstrap, room.hidden["seed"])


def promtool_agrees(verdict: Verdict, room: Room, scene: Scene) -> None:
    """5.5.e: promtool plays the judge's series to the guest's rules."""
    text = plain(room, "rules", lambda said: type(said) is str, "text")
    judges.rules_under_promtool(verdict, text, room.hidden["seed"])


CHECKS = {
    "5.5.a": time_lags, "5.5.b": alerts, "5.5.c": capacities, "5.5.d": dead_letters, "5.5.e": promtool_agrees,
}  # fmt: skip
