"""The judge's line to one guest in a sandbox of its own: calls go in, plain JSON comes out, within limits.

call = begin + answer; between the two a judge may do something else, such as watch the guest's round trips
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Mapping, Sequence
from typing import Any

from backlab.sandbox import lent
from backlab.sandbox.limits import Limits, Watch
from backlab.sandbox.nursery import Nursery
from backlab.sandbox.sandbox import Sandbox

SET_UP = "set-up"
NAME = re.compile(r"[A-Za-z]{3,30}(?=:|;|$)")
LINE = re.compile(r"look at line (\d{1,4}) of the exercise$")
BORROWED = "it takes from the course's own modules what an exercise asks you to write"


class GuestError(Exception):
    """The learner's code raised or broke a limit; the text is for its author."""


def public(said: Any) -> str:
    """The type and line of a guest's exception; its message could carry hidden values out to its author."""
    text = said if isinstance(said, str) else ""
    name = NAME.match(text)
    line = LINE.search(text)
    where = f", at line {line[1]} of the exercise" if line else ""
    if name and name[0] == lent.BorrowedFromTheLab.__name__:
        return f"{BORROWED}{where}"
    return f"{name[0] if name else 'an exception'}{where}; run the check in your notebook to see its message"


class Caller:
    """One guest; it is started by the first call, or by `enter`."""

    making_s = 0.0  # what its sandboxes took

    def __init__(self, nursery: Nursery, limits: Limits, ports: Sequence[int], setting: Mapping[str, Any]):
        self.limits = limits
        self._nursery, self._ports, self._setting = nursery, list(ports), setting
        self._lost: dict[str, str] = {}  # call -> why it is not tried again
        self._stack = contextlib.ExitStack()  # what there is of the guest, also when its start was broken off
        self._entered = False
        self._until = 0.0
        self._line: socket.socket
        self._watch: Watch

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """A function's answer, plain JSON; raises `GuestError` where it raises, dies or takes too long."""
        self._refuse(name)
        self.enter()
        self.begin(name, arguments)
        return self.answer(name)

    def enter(self) -> None:
        """Make the sandbox and have the exercise cells executed; does nothing where that was done."""
        if not self._entered:
            self.begin_to_enter()
            self.answer(SET_UP)

    def begin_to_enter(self) -> None:
        """Make the sandbox and send what is to be set up; its `answer` is that of "set-up"."""
        self._refuse(SET_UP)
        began = time.monotonic()
        sandbox = self._stack.enter_context(Sandbox(self._nursery, self.limits, self._ports))
        self._entered = True
        self._watch = Watch(sandbox)
        self._stack.callback(self._watch.stop)
        self._line = self._stack.enter_context(sandbox.start("guest"))
        self.making_s += time.monotonic() - began
        self._send(SET_UP, self._setting)

    def begin(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Have a function called; nothing else may be begun before its `answer` was taken."""
        self._refuse(name)
        self._send(name, {"call": name, "with": arguments})

    def _refuse(self, name: str) -> None:
        for known in (SET_UP, name):
            if known in self._lost:
                raise GuestError(self._lost[known])

    def _send(self, what: str, request: Mapping[str, Any]) -> None:
        self._until = time.monotonic() + self.limits.seconds
        try:
            self._line.settimeout(self.limits.seconds)
            self._line.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            self._end(what, error)

    def answer(self, what: str) -> Any:
        """What it answered to the call that was begun."""
        try:
            answer = json.loads(self._read_line())
            if not isinstance(answer, dict) or len(answer) != 1:
                raise ValueError("no answer")
        except (OSError, ValueError, RecursionError) as error:
            self._end(what, error)
        if "error" in answer:
            said = public(answer["error"])
            if what == SET_UP:
                self._lost[SET_UP] = said
            raise GuestError(said)
        return answer.get("value")

    def _end(self, what: str, error: Exception) -> None:
        """It has broken off: end its sandbox, and never try that call again."""
        said = self._watch.said or self._why(error, what)
        self.leave()
        self._lost[what] = said
        raise GuestError(said) from None

    def fileno(self) -> int:
        """The line's descriptor, readable once there is an answer; for a selector."""
        return self._line.fileno()

    def left_s(self) -> float:
        """Seconds that the running call has left; raises `GuestError` when there are none."""
        left = self._until - time.monotonic()
        if left <= 0:
            self._end("a call", TimeoutError())
        return left

    def _read_line(self) -> bytes:
        """The answer's bytes; at most so many, and all of them in time, however slowly they trickle."""
        pieces: list[bytes] = []
        size = 0
        while not pieces or not pieces[-1].endswith(b"\n"):
            left = self._until - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._line.settimeout(left)
            piece = self._line.recv(1 << 16)
            size += len(piece)
            if not piece:
                raise ConnectionError("end of file")
            if size > self.limits.answer_bytes:
                raise ValueError(f"an answer of more than {self.limits.answer_bytes >> 20} MB")
            pieces.append(piece)
        return b"".join(pieces)

    def _why(self, error: Exception, what: str) -> str:
        begins = self.quoted()
        if isinstance(error, TimeoutError | socket.timeout):
            return f"{what} ran longer than {self.limits.seconds:g} s and was ended; the cell begins {begins}"
        if isinstance(error, OSError):
            return f"{what} ended its process; the cell begins {begins}"
        return f"{what} answered what is no value: {str(error)[:80]}"

    def quoted(self) -> str:
        """The first line of the learner's code, for whoever has to find the cell."""
        sources = self._setting["exercises"]
        lines = [line.strip() for source in sources for line in source.splitlines() if line.strip()]
        return repr(lines[0][:60]) if lines else "empty"

    def leave(self) -> None:
        """End the sandbox and all that is in it; a later call makes another one. Safe to repeat."""
        self._entered = False
        self._stack.close()


class Parrot(Caller):
    """A guest that repeats what another one answered, as a hard-coded submission does."""

    def __init__(self, heard: Mapping[str, list[Any]]) -> None:
        self.limits = Limits()
        self._answers = heard
        self._next: Any = None
        self._ends = socket.socketpair()
        self._ends[1].send(b"\n")  # an answer is always there
        self._line = self._ends[0]

    def enter(self) -> None:
        """There is nothing to start."""

    def begin_to_enter(self) -> None:
        """Nor to set up."""

    def call(self, name: str, arguments: Mapping[str, Any]) -> Any:
        """The next answer of that name; the last one again when there are no more."""
        self.begin(name, arguments)
        return self.answer(name)

    def begin(self, name: str, arguments: Mapping[str, Any]) -> None:
        """Choose it."""
        known = self._answers.get(name)
        if not known:
            raise GuestError(f"no answer to {name} was hard-coded")
        self._next = known.pop(0) if len(known) > 1 else known[0]

    def answer(self, what: str) -> Any:
        """Say it."""
        return self._next

    def left_s(self) -> float:
        """It never takes long."""
        return self.limits.seconds

    def leave(self) -> None:
        """Give its sockets back."""
        for end in self._ends:
            end.close()
