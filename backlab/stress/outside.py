"""Run a tool in a process of its own, show what it says while it works, and end it if we are interrupted.

run(argv) --warden--> process --log--> one line at a time --> progress bar
     stop button --> SIGINT --> it ends what it has begun and writes its record --> that is kept
Chaos Toolkit and Locust run so: Locust patches sockets and threads of whoever imports it.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from backlab import stop
from backlab.progress import activity, in_notebook, progress
from services import cache, ready, warden
from services.errors import BacklabError
from services.user import User

POLITE_S = 25.0  # for rollbacks, for users who end what they are at (15 s), for taking servers down


@dataclass(frozen=True)
class Ended:
    """How a tool ended: its return code, everything that it said, and whether we stopped it."""

    code: int
    log: str
    interrupted: bool = False


@contextmanager
def folder(name: str) -> Iterator[Path]:
    """A directory of ours for as long as the block lasts, and no longer, whatever ends it."""
    path = cache.scratch(name, User(None))
    try:
        yield path
    finally:
        cache.remove(path)


def script(name: str) -> str:
    """The program `name` that was installed beside the running Python."""
    found = Path(sys.executable).parent / name
    if not found.exists():
        raise BacklabError(f"the program {name} is not installed beside this Python", "run `make setup`")
    return str(found)


def run(
    argv: list[str],
    where: Path,
    label: str,
    env: Mapping[str, str],
    says: Callable[[str], str | None],
    meanwhile: Callable[[], None] = lambda: None,
    *,
    record: Path,
    stopped: str,
) -> Ended:
    """Run `argv` in `where` until it ends; `says` makes a few words of a line of its log, or None.

    `meanwhile` is called ten times a second or less often, for whoever wants to look at what it writes. A
    notebook's stop button ends the tool politely; where it has then written `record`, that is kept, and
    `stopped` says what is over. Elsewhere, and where there is no record, an interrupt goes on to the caller.
    """
    stop.refuse_more()
    log, interrupted = where / "log", False
    pid = warden.spawn(argv, cwd=where, log=log, env={**os.environ, **env}, farewell=signal.SIGINT)
    try:
        for _ in progress(_lines(pid, log, says, meanwhile), label, unit="step"):
            pass
        code = warden.poll(pid)
    except BaseException as why:
        code, interrupted = _end(pid, label), isinstance(why, KeyboardInterrupt)
        if not (interrupted and in_notebook() and code is not None and record.exists()):
            raise
        stop.kept(f": {stopped}, and what was measured is kept")
    finally:
        warden.forget(pid)
    said = log.read_text(encoding="utf-8", errors="replace")
    return Ended(-1 if code is None else code, said, interrupted)


def _end(pid: int, label: str) -> int | None:
    """Ask the tool to end, and wait; its return code, or None where it goes on."""
    warden.tell(pid, signal.SIGINT)
    with activity(f"{label}: ending what has begun"):
        ready.true(lambda: warden.poll(pid) is not None, within_s=POLITE_S, every_s=0.05)
    return warden.poll(pid)


def _lines(
    pid: int, log: Path, says: Callable[[str], str | None], meanwhile: Callable[[], None]
) -> Iterator[str]:
    """What the tool is doing, whenever it says something new, until it has ended."""
    with open(log, encoding="utf-8", errors="replace") as lines:
        while True:
            over = warden.poll(pid) is not None
            for line in lines:
                words = says(line)
                if words:
                    yield words
            if over:
                return
            meanwhile()
            ready.true(lambda: warden.poll(pid) is not None, within_s=0.1, every_s=0.02)
