"""Desks: processes that grade one submission after the other, each with servers of its own.

thread --Work--> Desk --socket--> python -m backlab.cohort.desk_process --> sandbox, judge, servers
When whoever holds a desk dies, however it dies, the socket closes and the desk takes all of it down.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from backlab import course
from backlab.cohort.work import Tell, Work
from backlab.grading.hidden import KEY
from services.errors import BacklabError

ROOT = Path(__file__).resolve().parents[2]
TRIES = 2  # a process that was killed under a submission says nothing about it the first time
FAREWELL_S = 6.0


class Ended(Exception):
    """A desk's process has ended before it had a report."""


class Desk:
    """One such process."""

    def __init__(self) -> None:
        self._ours, theirs = socket.socketpair()
        environment = {name: value for name, value in os.environ.items() if name != KEY}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backlab.cohort.desk_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], cwd=ROOT, start_new_session=True,
                env={**environment, "BACKLAB_LABS": str(course.root())},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self._answers = self._ours.makefile("rb")

    @property
    def alive(self) -> bool:
        """Whether it can take a submission; one that had nothing to do for a while has gone home."""
        return self._process.poll() is None

    def grade(self, work: Work, tell: Tell) -> str:
        """The report as JSON; raises `Ended` when the process dies, `BacklabError` when it cannot grade."""
        try:
            self._ours.sendall(work.to_json().encode() + b"\n")
            for line in self._answers:
                answer = json.loads(line)
                if "report" in answer:
                    return str(answer["report"])
                if "error" in answer:
                    raise BacklabError(*answer["error"])
                tell(answer["stage"])
        except (OSError, ValueError):  # it died; or we were closed meanwhile
            pass
        raise Ended

    def hang_up(self) -> None:
        """Let it go: it stops what it does and takes its servers down; from any thread."""
        with contextlib.suppress(OSError):
            self._ours.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Wait until it has gone, and make it go if need be; its warden has the rest."""
        self.hang_up()
        try:
            self._process.wait(FAREWELL_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()
        self._ours.close()


class Desks:
    """As many desks as there are submissions at a time; `grade` may be called from any thread."""

    def __init__(self) -> None:
        self._free: list[Desk] = []
        self._all: set[Desk] = set()
        self._lock = threading.Lock()
        self._closed = False

    def grade(self, work: Work, tell: Tell = lambda words: None) -> str:
        """The report of a submission as JSON, from a desk that is free or new; there always is one."""
        for _ in range(TRIES):
            desk = self._take()
            try:
                text = desk.grade(work, tell)
            except Ended:
                self._drop(desk)
                continue
            except BacklabError as error:
                self._give_back(desk)
                return work.unclear(str(error))
            self._give_back(desk)
            return text
        return work.unclear(f"the process that graded it ended {TRIES} times; is there memory enough?")

    def _take(self) -> Desk:
        with self._lock:
            if self._closed:
                raise BacklabError("the grading was stopped", "run it again")
            while self._free:
                desk = self._free.pop()
                if desk.alive:
                    return desk
                self._all.discard(desk)
                desk.close()
            desk = Desk()
            self._all.add(desk)
            return desk

    def _give_back(self, desk: Desk) -> None:
        with self._lock:
            self._free.append(desk)

    def _drop(self, desk: Desk) -> None:
        with self._lock:
            self._all.discard(desk)
        desk.close()

    def close(self) -> None:
        """Let all of them go, at once, and wait for them."""
        with self._lock:
            self._closed, desks = True, list(self._all)
        for desk in desks:
            desk.hang_up()
        for desk in desks:
            desk.close()
