"""What every outage is made of: it begins, it ends, however its holder ends, and it leaves a receipt.

    Outage.start() ──▶ broken ──▶ stop()                ──▶ Receipt: how much of what, for how long
                                  the holder dies       ──▶ the warden, or the kernel, undoes it within 2 s

A subclass is one file that says how to break, how to mend, and what was touched. The same verbs as a fault of
the proxy (`chaos.client.Fault`), so that an experiment need not know which it holds.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Receipt:
    """What an outage has touched: `count` of `of`, such as 3 "sessions that waited"; how long, how ended."""

    count: int
    of: str
    active_ms: float
    ended: str | None

    @property
    def touched(self) -> bool:
        """An outage that nobody felt proves nothing."""
        return self.count > 0


class Outage(ABC):
    """Something broken while the block runs; afterwards its receipt."""

    def __init__(self) -> None:
        self._began_s: float | None = None
        self._active_ms = 0.0
        self._ended: str | None = None

    @abstractmethod
    def break_it(self) -> None:
        """Begin; nothing may be left broken where this raises."""

    @abstractmethod
    def mend(self) -> None:
        """End; called once."""

    @abstractmethod
    def touched(self) -> tuple[int, str]:
        """How much of what it has touched so far."""

    def start(self) -> Self:
        """Begin."""
        self.break_it()
        self._began_s = time.monotonic()
        return self

    def stop(self) -> Receipt:
        """End, if it has not ended yet."""
        if self._began_s is not None and self._ended is None:
            self._active_ms = (time.monotonic() - self._began_s) * 1e3
            self._ended = "stopped"
            self.mend()
        return self.receipt()

    def receipt(self) -> Receipt:
        """What it has touched so far."""
        count, of = self.touched()
        over = self._ended is not None or self._began_s is None
        active_ms = self._active_ms if over else (time.monotonic() - (self._began_s or 0.0)) * 1e3
        return Receipt(count, of, active_ms, self._ended)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
