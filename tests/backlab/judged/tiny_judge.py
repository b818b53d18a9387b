"""The judge of lab 9.1, outside the sandbox: a sum that nobody has seen."""

from __future__ import annotations

from typing import Any

from backlab.check import Verdict
from backlab.grading.hidden import Draw
from backlab.grading.room import Room


def hidden(draw: Draw) -> dict[str, Any]:
    """Other sizes."""
    return {"SIZES": [draw.integer("size", 20, 90)]}


def scene(room: Room) -> None:
    """No server: the guest is asked at once."""
    room.start()


def few_steps(verdict: Verdict, room: Room, scene: None) -> None:
    """9.1.a: the guest counts them itself, which no real judge would believe."""
    verdict.at_most(room.call("total", n=room.hidden["SIZES"][0])[1], 1, "steps")


def same_sum(verdict: Verdict, room: Room, scene: None) -> None:
    """9.1.b: the sum of a size that is drawn for each learner."""
    size = room.hidden["SIZES"][0]
    verdict.equals(room.call("total", n=size)[0], sum(range(size + 1)), "the sum")


CHECKS = {"9.1.a": few_steps, "9.1.b": same_sum}
