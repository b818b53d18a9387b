"""A fault on one proxy: its name, its direction, how long it may live, and what it has touched.

created ──▶ active ──▶ ended: deleted | reset | lease ended | holder gone
              │ renew() starts the lease anew; without a lease it lives until deleted, as in Toxiproxy
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chaos.faults import fault as faults
from chaos.proxy import errors

STREAMS = ("upstream", "downstream")


@dataclass(eq=False)
class Toxic:
    """An active fault, or one that has ended and is kept for its receipt."""

    name: str
    stream: str
    toxicity: float
    fault: faults.Fault
    lease_s: float | None = None
    holder: str | None = None
    receipt: faults.Receipt = field(default_factory=faults.Receipt)
    messages_before: dict[object, int] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    stopped: float | None = None
    ended: str | None = None
    renewed: float = field(default_factory=time.monotonic)

    def as_json(self) -> dict[str, Any]:
        """The toxic as Toxiproxy shows it."""
        return {
            "attributes": self.fault.attributes(),
            "name": self.name,
            "type": self.fault.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
        }

    def receipt_as_json(self) -> dict[str, Any]:
        """What it has touched, for how long it was active, and how it ended (null while it is active)."""
        lived_s = (self.stopped or time.monotonic()) - self.started
        so_far = sum(pipe.messages - before for pipe, before in self.messages_before.items())  # type: ignore[attr-defined]
        touched = dataclasses.asdict(self.receipt)
        touched["messages"] += so_far
        return {**self.as_json(), **touched, "active_ms": lived_s * 1000, "ended": self.ended}

    def expired(self, moment: float) -> bool:
        """Whether its lease is over at a moment of the monotonic clock."""
        return self.lease_s is not None and self.renewed + self.lease_s <= moment

    def change(self, body: Mapping[str, Any]) -> None:
        """Take over the toxicity and the attributes that are named."""
        attributes = body.get("attributes") or {}
        if not isinstance(attributes, Mapping):
            raise errors.bad_request_body("attributes must be an object")
        try:
            toxicity = _number(body, "toxicity", self.toxicity)
            self.fault.change(attributes)
        except TypeError as wrong:
            raise errors.bad_request_body(wrong) from wrong
        assert toxicity is not None
        self.toxicity = toxicity


def toxic_of(body: Mapping[str, Any]) -> Toxic:
    """The toxic that a request describes; `lease_s` and `holder` are ours, the rest is Toxiproxy's."""
    stream = body.get("stream", "downstream")
    if stream not in STREAMS:
        raise errors.invalid_stream()
    make = faults.known().get(str(body.get("type")))
    if make is None:
        raise errors.invalid_toxic_type()
    try:
        lease_s = _number(body, "lease_s", None)
    except TypeError as wrong:
        raise errors.bad_request_body(wrong) from wrong
    holder = body.get("holder")
    name = str(body.get("name") or f"{make.type}_{stream}")
    toxic = Toxic(name, stream, 1.0, make(), lease_s, str(holder) if holder else None)
    toxic.change(body)
    return toxic


def _number(body: Mapping[str, Any], name: str, default: float | None) -> float | None:
    value = body.get(name, default)
    if value is not None and (not isinstance(value, int | float) or isinstance(value, bool)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    return value
