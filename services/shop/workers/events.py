"""Events as they travel: an envelope that every reader understands, and data that depends on the type.

{"id": "…", "type": "order.paid", "key": 7, "sequence": 2, "occurred_at": "…Z", "schema_version": 1, …}

The id is the event's for ever, so a reader can tell a second delivery from a second event. The key is the
order, and the message's key too, so one order's events stay in order; the sequence counts them without gaps.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

ORDERS, INVOICES = "orders", "invoices"  # topics


class Event(BaseModel):
    """One event; unknown fields of a later version are left alone."""

    id: UUID
    type: str
    key: int
    sequence: int
    occurred_at: datetime
    schema_version: int
    data: dict[str, Any]

    def message(self) -> dict[str, Any]:
        """Key, value and headers, as Kafka's producer takes them."""
        return {
            "key": str(self.key).encode(),
            "value": self.model_dump_json().encode(),
            "headers": {"id": str(self.id), "type": self.type},
        }


class Unreadable(ValueError):
    """A message that is no event; it stays in the log under its offset, and readers go on after it."""


def read(value: bytes | None) -> Event:
    """The event in a message; raises `Unreadable` for anything else, a tombstone too."""
    if value is None:
        raise Unreadable("a tombstone")
    try:
        return Event.model_validate_json(value)
    except ValueError as error:
        raise Unreadable(str(error).splitlines()[0]) from error
