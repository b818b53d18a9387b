"""A server that starts again with another environment: a wrong clock, or armed to die at a step.

    start()  stop politely ──▶ start with more environment variables, same data, same port
    stop()   the same without them

Both need a native process, since a container keeps the environment that it was made with.
"""

from __future__ import annotations

import sys
from abc import abstractmethod
from pathlib import Path

from chaos.outages.outage import Outage
from services import ready
from services.errors import BacklabError, ServerError
from services.server import Server
from services.shop.worker_server import Worker
from services.shop.workers.steps import CRASH, PAUSE

LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")
HOMEBREW = ("opt/homebrew/lib/faketime/libfaketime.1.dylib", "usr/local/lib/faketime/libfaketime.1.dylib")
INSTALL = "install it (`apt install faketime`, `brew install libfaketime`)"


class Rearmed(Outage):
    """A server with more environment variables than it has by itself."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self.server = server

    @abstractmethod
    def environment(self) -> dict[str, str]:
        """What it gets."""

    def break_it(self) -> None:
        if self.server.backend != "native":
            raise BacklabError(
                f"{self.server.name} runs in a container, which keeps the environment it was made with",
                "use BACKLAB_BACKEND=native for this experiment",
            )
        self.server.more_env.update(self.environment())
        try:
            self.restart()
        except BaseException:
            self.mend()
            raise

    def restart(self) -> None:
        """Start it again with what it got."""
        self.server.restart()

    def mend(self) -> None:
        for name in self.environment():
            self.server.more_env.pop(name, None)
        self.server.restart()


class SkewedClock(Rearmed):
    """The server's clock is `skew_s` seconds ahead (behind, if negative); the machine's clock is untouched.

    libfaketime answers the process's questions for the time, so this works for processes that we start, from
    their restart on. Durations (the monotonic clock) stay right.
    """

    def __init__(self, server: Server, skew_s: float) -> None:
        super().__init__(server)
        self.skew_s = skew_s
        self._library = faketime()

    def environment(self) -> dict[str, str]:
        preload = "LD_PRELOAD" if sys.platform == "linux" else "DYLD_INSERT_LIBRARIES"
        return {
            preload: str(self._library),
            "FAKETIME": f"{self.skew_s:+f}",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",  # its name before libfaketime 0.9.9
        }

    def touched(self) -> tuple[int, str]:
        pid = self.server.pid if self.server.running else None
        maps = Path(f"/proc/{pid}/maps")
        if not maps.exists():
            return int(self._began_s is not None), "server restarted under another clock"
        return int(self._ended is not None or "libfaketime" in maps.read_text()), "server under another clock"


class CrashAt(Rearmed):
    """A worker ends, as by SIGKILL, when it comes to `step` for the `nth` time; `CRASH_AT=<step>:<nth>`."""

    def __init__(self, server: Server, step: str, nth: int = 1) -> None:
        super().__init__(server)
        self.step, self.nth = step, nth
        self._crashed = 0

    def environment(self) -> dict[str, str]:
        return {CRASH: f"{self.step}:{self.nth}"}

    def restart(self) -> None:
        try:
            super().restart()
        except ServerError as failed:  # it may come to the step before it says that it is ready
            if self.server.running or "names no step" in str(failed):
                raise
            self._crashed = 1

    def mend(self) -> None:
        if self._began_s is not None:
            self._crashed |= int(not self.server.running)
        super().mend()

    def touched(self) -> tuple[int, str]:
        if self._began_s is not None and not self._ended and not self.server.running:
            self._crashed = 1
        return self._crashed, f"crashes at {self.step}"

    def wait(self, within_s: float) -> bool:
        """Wait until it has crashed; False when it does not in time."""
        return ready.true(lambda: not self.server.running, within_s=within_s, every_s=0.02)


class PauseAt(Rearmed):
    """A worker freezes, as by SIGSTOP, when it comes to `step` for the `nth` time; `PAUSE_AT=<step>:<nth>`.

    `stop()` lets it go on where it was, then replaces it by one that does not freeze.
    """

    server: Worker

    def __init__(self, server: Worker, step: str, nth: int = 1) -> None:
        super().__init__(server)
        self.step, self.nth = step, nth
        self._frozen = 0

    def environment(self) -> dict[str, str]:
        return {PAUSE: f"{self.step}:{self.nth}"}

    def mend(self) -> None:
        if self._began_s is not None:
            self.touched()
        if self.server.running:
            self.server.resume()
        super().mend()

    def touched(self) -> tuple[int, str]:
        self._frozen |= int(self._began_s is not None and self.server.frozen)
        return self._frozen, f"frozen at {self.step}"

    def wait(self, within_s: float) -> bool:
        """Wait until it has frozen; False when it does not in time."""
        return ready.true(lambda: self.server.frozen, within_s=within_s, every_s=0.02)


def faketime() -> Path:
    """The library that fakes the time; raises `BacklabError` where it is not installed."""
    patterns = LIBRARIES if sys.platform == "linux" else HOMEBREW
    for pattern in patterns:
        for found in Path("/").glob(pattern.lstrip("/")):
            return found
    raise BacklabError("a clock can only be skewed with libfaketime, which is not here", INSTALL)
