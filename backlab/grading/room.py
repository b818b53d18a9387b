"""What a lab's judge works with: hidden values, servers, and calls into the sandbox.

judge --room.call("order_page", size=50)--> guest in the sandbox --room.admit(url)--> wire --> server
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from backlab.bench import Bench
from backlab.grading.contract import Contract
from backlab.grading.hidden import Draw
from backlab.grading.limits import Limits, Watch
from backlab.grading.pool import Pool
from backlab.grading.sandbox import Nursery, Sandbox

SET_UP = "set-up"
NAME = re.compile(r"[A-Za-z]{3,30}(?=:|;|$)")
LINE = re.compile(r"look at line (\d{1,4}) of the exercise$")


class GuestError(Exception):
    """The learner's code raised or broke a limit; the text is for its author."""


def public(said: Any) -> str:
    """The type and line of a guest's exception; its message could carry hidden values out to its author."""
    text = said if isinstance(said, str) else ""
    name = NAME.match(text)
    line = LINE.search(text)
    where = f", at line {line[1]} of the exercise" if line else ""
    return f"{name[0] if name else 'an exception'}{where}; run the check in your notebook to see its message"


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
        self._lost: dict[str, str] = {}  # call -> why it is not tried again
        self._sandbox: Sandbox | None = None
        self.heard: list[tuple[str, Any]] = []  # every call and its answer, for whoever wants to repeat them

    def up(self, *names: str, **options: Any) -> Bench:
        """A running bench as `backlab.up` takes it; others may use the same servers after us."""
        return self._pool.bench(*names, **options)

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
        for known in (SET_UP, name):
            if known in self._lost:
                raise GuestError(self._lost[known])
        if self._sandbox is None:
            self._enter()
        value = self._ask(name, {"call": name, "with": arguments})["value"]
        self.heard.append((name, value))
        return value

    def start(self) -> None:
        """Let the guest execute the exercise cells now; the first call tells what went wrong."""
        with contextlib.suppress(GuestError):
            self._enter()

    def _enter(self) -> None:
        self._sandbox = Sandbox(self._nursery, self.limits, self._ports).__enter__()
        self._watch = Watch(self._sandbox)
        self._line = self._sandbox.start("guest")
        self._lines = self._line.makefile("rb")
        self._ask(SET_UP, {
            "imports": self._contract.imports, "exercises": self._exercises,
            "module": self._contract.guest, "shared": self.shared,
        })  # fmt: skip

    def _ask(self, what: str, request: Mapping[str, Any]) -> Any:
        """One question and its answer, within the limits."""
        until = time.monotonic() + self.limits.seconds
        try:
            self._line.settimeout(self.limits.seconds)
            self._line.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(self._read_line(until))
            if not isinstance(answer, dict) or len(answer) != 1:
                raise ValueError("no answer")
        except (OSError, ValueError, RecursionError) as error:
            said = self._watch.said or self._why(error, what)
            self._leave()
            self._lost[what] = said
            raise GuestError(said) from None
        if "error" in answer:
            said = public(answer["error"])
            if what == SET_UP:
                self._lost[SET_UP] = said
            raise GuestError(said)
        return answer if "value" in answer else {"value": None}

    def _read_line(self, until: float) -> bytes:
        """The answer's bytes; at most so many, and all of them in time, however slowly they trickle."""
        pieces: list[bytes] = []
        size = 0
        while not pieces or not pieces[-1].endswith(b"\n"):
            left = until - time.monotonic()
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
        quoted = self.quoted()
        if isinstance(error, TimeoutError | socket.timeout):
            return f"{what} ran longer than {self.limits.seconds:g} s and was ended; the cell begins {quoted}"
        if isinstance(error, OSError):
            return f"{what} ended its process; the cell begins {quoted}"
        return f"{what} answered what is no value: {str(error)[:80]}"

    def quoted(self) -> str:
        """The first line of the learner's code, for whoever has to find the cell."""
        lines = [line.strip() for source in self._exercises for line in source.splitlines() if line.strip()]
        return repr(lines[0][:60]) if lines else "empty"

    def _leave(self) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None:
            self._watch.stop()
            self._line.close()
            self._lines.close()
            sandbox.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._leave()
        self.undo.close()


class Repeating(Room):
    """A room whose guest repeats what another one answered, as a hard-coded submission does."""

    def repeat(self, heard: list[tuple[str, Any]]) -> Self:
        """Take the answers, by call and in their order."""
        self._answers: dict[str, list[Any]] = {}
        for name, value in heard:
            self._answers.setdefault(name, []).append(value)
        return self

    def start(self) -> None:
        """There is nothing to start."""

    def call(self, name: str, /, **arguments: Any) -> Any:
        """The next answer of that name; the last one again when there are no more."""
        known = self._answers.get(name)
        if not known:
            raise GuestError(f"no answer to {name} was hard-coded")
        return known.pop(0) if len(known) > 1 else known[0]
