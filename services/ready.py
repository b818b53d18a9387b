"""Wait until something answers: the only polling loop in the house, on a monotonic clock.

until(probe)  ──every few ms──▶  probe() returns       ▶ its value
                                 raises a "not yet"    ▶ again, until within_s is over  ▶ NotReady
                                 alive() says no       ▶ Died at once
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class NotReady(TimeoutError):
    """The probe did not succeed in time; `last` is what it raised at the end."""

    def __init__(self, within_s: float, last: BaseException | None) -> None:
        super().__init__(f"not ready within {within_s:g} s ({last})")
        self.last = last


class Died(RuntimeError):
    """What was waited for is no longer running."""


class Again(Exception):
    """Raised by a probe that wants to be asked again."""


def until(
    probe: Callable[[], T],
    *,
    within_s: float = 15.0,
    every_s: float = 0.005,
    not_yet: tuple[type[BaseException], ...] = (OSError,),
    alive: Callable[[], bool] | None = None,
) -> T:
    """Call `probe` every `every_s` until it returns; its value is ours.

    Who has waited long is asked less often: a wait takes at most 2 % longer, and not a core of its own.
    `Again` and the types in `not_yet` mean "ask again", any other exception is passed on. `alive`, asked
    after each refusal, ends the wait early. Raises `NotReady` after `within_s`, `Died` when `alive` says no.
    """
    refusals: tuple[type[BaseException], ...] = (Again, *not_yet)
    began = time.monotonic()
    deadline = began + within_s
    while True:
        try:
            return probe()
        except refusals as refusal:
            if alive is not None and not alive():
                raise Died(str(refusal)) from refusal
            if time.monotonic() >= deadline:
                raise NotReady(within_s, refusal) from refusal
        time.sleep(max(every_s, (time.monotonic() - began) / 50))


def true(condition: Callable[[], bool], *, within_s: float = 15.0, every_s: float = 0.005) -> bool:
    """Wait until `condition()` holds; False when it does not within `within_s`."""

    def probe() -> None:
        if not condition():
            raise Again("not yet true")

    try:
        until(probe, within_s=within_s, every_s=every_s, not_yet=())
    except NotReady:
        return False
    return True
