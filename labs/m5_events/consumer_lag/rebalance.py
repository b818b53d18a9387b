"""Experiment C and D: who owns which partition while members come and go, and who is too slow to stay.

log of a crew ──▶ spans (partition, member, from_s, to_s) ──▶ partition-seconds without owner; repeats
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pandas as pd

from backlab.plot import Card
from backlab.plot.card import COLOURS, INK
from labs.m5_events.consumer_lag.members import PROTOCOLS, Crew, Event
from services.kafka_topics import Topics

PARTITIONS, STEP_S = 6, 2.0
Span = tuple[int, str, float, float]


def come_and_go(bootstrap: str, protocol: str, suffix: str = "", step_s: float = STEP_S) -> Crew:
    """A and B work; after a step C comes; after another C leaves; everybody stops after a third."""
    topics = Topics(bootstrap)
    topic = topics.create(f"{protocol}{suffix}", PARTITIONS)
    topics.fill(topic, [b"x"] * 1800)
    crew = Crew(bootstrap, topic, protocol)
    for member in ("A", "B"):
        crew.join(member)
    _until(crew, step_s)
    crew.join("C")
    _until(crew, 2 * step_s)
    crew.leave("C")
    _until(crew, 3 * step_s)
    crew.stop()
    return crew


def _until(crew: Crew, t_s: float) -> None:
    time.sleep(max(0.0, t_s - crew.now_s()))


def all_protocols(bootstrap: str, suffix: str = "", step_s: float = STEP_S) -> dict[str, Crew]:
    """The same under each protocol, side by side."""
    with ThreadPoolExecutor(len(PROTOCOLS)) as pool:
        made = {
            protocol: pool.submit(come_and_go, bootstrap, protocol, suffix, step_s) for protocol in PROTOCOLS
        }
        return {protocol: crew.result() for protocol, crew in made.items()}


def spans(log: Sequence[Event], until_s: float) -> list[Span]:
    """Who owned which partition from when to when."""
    found: list[Span] = []
    owners: dict[tuple[int, str], float] = {}
    for event in sorted(log, key=lambda event: event.t_s):
        key = (event.partition, event.member)
        if event.what == "own":
            owners.setdefault(key, event.t_s)
        elif event.what == "lose" and key in owners:
            found.append((*key, owners.pop(key), event.t_s))
    return sorted(found + [(*key, began, until_s) for key, began in owners.items()])


def unowned_s(spans: Sequence[Span], from_s: float, to_s: float, partitions: int = PARTITIONS) -> float:
    """Partition-seconds without owner between two moments."""
    lost = 0.0
    for number in range(partitions):
        mine = sorted((a, b) for partition, _, a, b in spans if partition == number)
        at = from_s
        for began, ended in mine:
            lost += max(0.0, min(began, to_s) - at)
            at = max(at, min(ended, to_s))
        lost += max(0.0, to_s - at)
    return lost


def nobody_s(crew: Crew, step_s: float = STEP_S) -> float:
    """Partition-seconds without owner from C's coming to the end."""
    return unowned_s(spans(crew.log, 3 * step_s), step_s, 3 * step_s)


def repeats(log: Sequence[Event]) -> int:
    """Messages that were handled more than once, by partition and offset."""
    read = [(event.partition, event.offset) for event in log if event.what == "read"]
    return len(read) - len(set(read))


def costs(crews: Mapping[str, Crew], step_s: float = STEP_S) -> pd.DataFrame:
    """What coming and going cost under each protocol."""
    rows = {}
    for protocol, crew in crews.items():
        owned = spans(crew.log, 3 * step_s)
        moved = {p for e in crew.log if e.what == "lose" and e.t_s < 2 * step_s for p in [e.partition]}
        rows[protocol] = {
            "taken away when C came": len(moved),
            "without owner, C comes (s)": round(unowned_s(owned, step_s, 2 * step_s), 1),
            "without owner, C leaves (s)": round(unowned_s(owned, 2 * step_s, 3 * step_s), 1),
            "handled twice": repeats(crew.log),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def gantt(crews: Mapping[str, Crew], title: str, step_s: float = STEP_S) -> Card:
    """A row for each partition, a bar for its owner; white is nobody."""
    card = Card(title, height_in=3.1)
    card.colours = 32
    card.kind = "Gantt chart of partitions and their owners, one panel per protocol"
    colours = dict(zip("ABC", COLOURS, strict=False))
    panels = card.panels(2, 2, sharex=True, sharey=True)
    for ax, (protocol, crew) in zip(panels, crews.items(), strict=True):
        owned = spans(crew.log, 3 * step_s)
        for partition, member, began, ended in owned:
            ax.barh(partition, ended - began, left=began, height=0.82, color=colours[member], lw=0)
        for at, what in ((step_s, "C comes"), (2 * step_s, "C leaves")):
            ax.axvline(at, color=INK, lw=1, ls=":")
            ax.annotate(
                what, (at, -0.62), xytext=(2, 0), textcoords="offset points", fontsize=7.5, va="bottom"
            )
        ax.set_xlim(0, 3 * step_s)
        ax.set_ylim(PARTITIONS - 0.5, -1.4)
        ax.set_yticks(range(PARTITIONS))
        ax.grid(visible=False)
        said = f"{protocol}: {nobody_s(crew, step_s):.1f} s without owner"
        ax.set_title(said, loc="left", fontsize=9, fontweight="bold")
        card.facts.append(f"{said}, summed over partitions.")
    for ax in panels[2:]:
        ax.set_xlabel("seconds (owner: A blue, B orange, C green)")
    for ax in panels[::2]:
        ax.set_ylabel("partition")
    return card


def too_slow(bootstrap: str, suffix: str = "", seconds: float = 5.3) -> dict[str, Any]:
    """A handler that takes longer than `max.poll.interval.ms`: what the group sees, what the process."""
    topics = Topics(bootstrap)
    topic = topics.create(f"too-slow{suffix}")
    topics.fill(topic, [b"x"] * 50)
    more = {"max.poll.interval.ms": 1000, "session.timeout.ms": 1000}
    crew = Crew(bootstrap, topic, handle_s=1.6, more=more)
    crew.join("A")
    time.sleep(seconds)
    topics.fill(topic, [b"meanwhile"] * 10)
    up = crew.is_up("A")
    crew.stop()
    read = [event.offset for event in crew.log if event.what == "read"]
    return {
        "its process is up": up,
        "times put out of the group": sum(event.what == "kicked" for event in crew.log),
        "messages started": len(read),
        "different messages among them": len(set(read)),
        "lag at first": 50,
        "lag at the end": sum(topics.lag(topic, topic).values()),
    }
