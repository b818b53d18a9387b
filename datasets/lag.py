"""Recordings of consumer groups on a real Kafka: what a monitor sampled, and when each message really came.

recordings/lag_*.json ──▶ Recording ──▶ rows(group), incident_from_s(group), true_ages_s(group, t_s)
(recordings/SOURCES.md says how they were made)
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"
FIELDS = ("start", "position", "next", "end")


@dataclass(frozen=True)
class Recording:
    """One run; `groups` holds by name: `case`, `samples`, `came_ms`.

    A sample is [t_s, [[start, position, next, end] for each partition]].
    `came_ms` has a list per partition: when the message of each offset came, in ms of the run's clock; None
    where an offset holds no message, such as a transaction's marker or what compaction took away.
    """

    name: str
    made: dict[str, Any]
    groups: dict[str, dict[str, Any]]

    def rows(self, group: str, samples: int | None = None) -> list[dict[str, Any]]:
        """t_s, partition, start, position, next, end: a row per partition of each of the first `samples`."""
        return [
            {"t_s": t_s, "partition": number, **dict(zip(FIELDS, place, strict=True))}
            for t_s, places in self.groups[group]["samples"][:samples]
            for number, place in enumerate(places)
        ]

    def incident_from_s(self, group: str) -> float | None:
        """Since when something is wrong with the group; None where all is well."""
        since: float | None = self.groups[group]["case"].get("incident_from_s")
        return since

    def true_ages_s(self, group: str, sample: int) -> list[float | None]:
        """By partition: the age of the oldest message not handled at that sample, from its own timestamp."""
        t_s, places = self.groups[group]["samples"][sample]
        return [
            _true_age_s(came, t_s, *place)
            for came, place in zip(self.groups[group]["came_ms"], places, strict=True)
        ]


def _true_age_s(
    came_ms: Sequence[int | None], t_s: float, start: int, position: int | None, _next: int | None, end: int
) -> float | None:
    if position is None:
        return None
    waiting = [came for came in came_ms[max(position, start) : end] if came is not None]
    return max(0.0, t_s - waiting[0] / 1000) if waiting else 0.0


@cache
def recordings() -> tuple[Recording, ...]:
    """All recordings, in the order of their names."""
    found = []
    for path in sorted(FOLDER.glob("lag_*.json")):
        held = json.loads(path.read_text(encoding="utf-8"))
        found.append(Recording(path.stem.removeprefix("lag_"), held["made"], held["groups"]))
    return tuple(found)


def recording(name: str) -> Recording:
    """One by its name, such as "six"; `KeyError` where there is none."""
    return {each.name: each for each in recordings()}[name]
