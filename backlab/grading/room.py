"""What a lab's judge works with: hidden values, servers, and calls into the sandbox.

judge --room.call("order_page", size=50)--> guest in the sandbox --room.admit(url)--> wire --> server
judge --room.another(ports, shared)--> one more guest with the same exercises, in a sandbox of its own
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

from backlab.bench import Bench
from backlab.grading.contract import Contract
from backlab.grading.hidden import Draw
from backlab.grading.pool import Pool
from backlab.sandbox.caller import Caller, GuestError, Parrot
from backlab.sandbox.limits import Limits
from backlab.sandbox.nursery import Nursery

__all__ = ["GuestError", "Repeating", "Room"]


class Room:
    """One submission of one lab with its judge; use it in a `with` block."""

    def __init__(self, contract: Contract, draw: Draw, pool: Pool, nursery: Nursery, exercises: list[str],
                 limits: Limits | None = None) -> None:  # fmt: skip
        self.draw, self.hidden = draw, contract.hidden(draw)
        self.shared: dict[str, Any] = {}  # what the guest file's `names` gets
        self.undo = contextlib.ExitStack()  # what the judge wants undone when the submission has been judged
        self.limits = limits or Limits()
        self._contract, self._pool, self._nursery, self._exercises = contract, pool, nursery, exercises
        self._ports: list[int] = []
        self._callers: list[Caller] = []
        self._first: Caller | None = None
        self.heard: list[tuple[str, Any]] = []  # every call and its answer, for whoever wants to repeat them

    def up(self, *names: str, **options: Any) -> Bench:
        """A running bench as `backlab.up` takes it; others may use the same servers after us."""
        return self._pool.bench(*names, **options)

    def wait(self) -> None:
        """Until guests can be started; raises `BacklabError` where their parent cannot."""
        self._nursery.wait()

    def admit(self, url: str) -> str:
        """Let the sandbox reach this address (a URL or "host:port") and return it; call it before `call`."""
        port = urlsplit(url).port if "://" in url else int(url.rpartition(":")[2])
        assert port is not None
        if port not in self._ports:
            self._ports.append(port)
        return url

    def call(self, name: str, /, **arguments: Any) -> Any:
        """Call a function of the lab's guest file in the sandbox; the answer is plain JSON.

        Raises `GuestError` where the learner's code raises, dies or takes too long.
        """
        value = self._guest().call(name, arguments)
        self.heard.append((name, value))
        return value

    def start(self) -> None:
        """Let the guest execute the exercise cells now; the first call tells what went wrong."""
        with contextlib.suppress(GuestError):
            self._guest().enter()

    def _guest(self) -> Caller:
        if self._first is None:
            self._first = self.another(self._ports, self.shared)
        return self._first

    @property
    def making_s(self) -> float:
        """Seconds that went into the sandboxes of its guests."""
        return sum(caller.making_s for caller in self._callers)

    def another(self, ports: Sequence[int], shared: Mapping[str, Any]) -> Caller:
        """A further guest, not started yet, with the same exercises, which shares nothing with the first.

        Whoever wants its answers repeated for another learner notes them in `heard`.
        """
        setting = {
            "imports": self._contract.imports, "exercises": self._exercises,
            "module": self._contract.guest, "shared": shared,
        }  # fmt: skip
        made = Caller(self._nursery, self.limits, ports, setting)
        self._callers.append(made)
        return made

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.undo:
            for caller in self._callers:
                caller.leave()


class Repeating(Room):
    """A room whose guests repeat what others answered, as a hard-coded submission does."""

    def repeat(self, heard: list[tuple[str, Any]]) -> Self:
        """Take the answers, by call and in their order."""
        self._answers: dict[str, list[Any]] = {}
        for name, value in heard:
            self._answers.setdefault(name, []).append(value)
        return self

    def another(self, ports: Sequence[int], shared: Mapping[str, Any]) -> Caller:
        """One more voice for the same answers."""
        made = Parrot(self._answers)
        self._callers.append(made)
        return made
