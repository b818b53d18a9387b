"""What a card of the panel shows, as plain data, and the same as a line of text.

server + what it last said (Seen) + what is being done to it -> Card -> fields for the form | text()
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from backlab.panel.vitals import Vitals
from services.server import Server

SILENT_S = 3.0  # a server that runs and has not answered for so long is said not to


@dataclass(frozen=True)
class Seen:
    """What the looks brought: `vitals` came `silent_s` ago; `trace` are the last numbers, a second apart."""

    vitals: Vitals = field(default_factory=Vitals)
    memory_mb: float | None = None
    silent_s: float = 0.0
    trace: tuple[float | None, ...] = ()


@dataclass(frozen=True)
class Card:
    """One server: `state` is a word, `number` has its unit beside it, `said` is the last deed's outcome."""

    name: str
    state: str  # running, silent, paused, down, or what is being done: "restarting"
    version: str
    facts: str
    number: str
    unit: str
    trace: tuple[float | None, ...] = ()
    said: str = ""
    wire: dict[str, Any] | None = None

    def as_json(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self)


def card(
    name: str,
    server: Server,
    seen: Seen,
    *,
    doing: str = "",
    said: str = "",
    wire: dict[str, Any] | None = None,
) -> Card:
    """The card of a server as it is now; never asks the server itself, which may be frozen."""
    state = doing or _state(server, seen)
    alive = state in ("running", "silent", "paused")
    facts = []
    if alive and seen.memory_mb is not None:
        facts.append(f"{seen.memory_mb:,.0f} MB")
    if alive and seen.vitals.connections is not None:
        many = seen.vitals.connections
        facts.append(f"{many} connection{'' if many == 1 else 's'}")
    current = state == "running" and seen.vitals.number is not None
    return Card(
        name=name,
        state=state,
        version=f"{server.version} ({server.backend})",
        facts=", ".join(facts),
        number=readable(seen.vitals.number) if current else "",
        unit=seen.vitals.unit,
        trace=seen.trace,
        said=said,
        wire=wire,
    )


def _state(server: Server, seen: Seen) -> str:
    if not server.running:
        return "down"
    if server.paused:
        return "paused"
    return "silent" if seen.silent_s > SILENT_S else "running"


def readable(number: float | None) -> str:
    """As a person says it: 1,192 and 37, but 0.4."""
    if number is None:
        return ""
    return f"{number:,.0f}" if number >= 10 or number == int(number) else f"{number:.1f}"


def text(cards: Sequence[Card]) -> str:
    """One line a server, in columns."""
    rows = [
        [one.name, one.state, one.version, one.facts, f"{one.number} {one.unit}" if one.number else one.said]
        for one in cards
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    return "\n".join(
        "  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
