"""What one client of a screen is, and what it needs to know of the stage."""

from __future__ import annotations

from typing import Protocol

PATIENCE_S = 1.0
TOPIC = "orders"
PRODUCTS = 50  # the ids that lookups ask for, in turn


class Addresses(Protocol):
    """What a caller needs to know of the stage."""

    def address(self, server: str) -> str:
        """The URL of a server, through its wire if it has one."""


class Caller(Protocol):
    """One client with its own connection."""

    def __call__(self) -> str:
        """Call once and say how it ended."""

    def close(self) -> None:
        """Give the connection back."""
