"""A worker of the shop as a server of the bench: start, kill, pause and restart it, let it die at a step.

Worker("relay", settings).crash("commit:3")    it has killed itself at its third commit
            .start()                       its successor
"""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

import psutil

from services import ready
from services.errors import BacklabError, ServerError
from services.machine import Image, Native
from services.server import Server
from services.shop.settings import Settings
from services.shop.workers.steps import CRASH
from services.user import User

WORKERS = ("relay", "invoicer", "projector")
WARM = tuple(f"services.shop.workers.{name}" for name in WORKERS)


class Worker(Server):
    """A process that listens on no port; ready when its readiness file is there, or when it is frozen."""

    name = "shop-worker"
    image = ""
    not_yet = (ready.Again,)

    def __init__(self, worker: str, settings: Settings) -> None:
        super().__init__(backend="native")
        self.worker, self.settings = worker, settings
        self.crash_at = ""  # <step>:<n> for the next start

    @property
    def url(self) -> str:
        raise BacklabError(f"the {self.worker} has no address", "look at what it writes")

    def runs_as(self) -> User:
        """Ourselves: it is our own code, in an environment that other users may not be able to read."""
        return User(None)

    def native(self, directory: Path, port: int) -> Native:
        self.ready_file.unlink(missing_ok=True)  # a killed predecessor's, before anybody looks
        argv = [sys.executable, "-m", "services.shop.workers", self.worker]
        env = {**self.settings.to_environment(), CRASH: self.crash_at}
        return Native([*argv, "--ready-file", str(self.ready_file)], env=env, warm=WARM)

    def container(self) -> Image:
        raise BacklabError("the shop's workers run as processes", "leave the back end to them")

    @property
    def ready_file(self) -> Path:
        """What it makes when it is ready."""
        return self.directory / "ready"

    @property
    def frozen(self) -> bool:
        """Whether its process is stopped, as by SIGSTOP; at its first step, that is as ready as it gets."""
        try:
            return self.running and psutil.Process(self.pid).status() == psutil.STATUS_STOPPED
        except psutil.NoSuchProcess:
            return False

    def answer(self) -> str:
        if not self.ready_file.exists() and not self.frozen:
            raise ready.Again(f"the {self.worker} is not ready")
        return self.worker

    def crash(self, at: str, within_s: float = 30.0) -> None:
        """Start it and return when it has killed itself at a step; `start()` then starts its successor.

        Raises `ServerError` if it lives on, because it never came to that step so often.
        """
        self.crash_at = at
        try:
            with contextlib.suppress(ServerError):  # it may come to the step before it says that it is ready
                self.start()
            if not ready.true(lambda: not self.running, within_s=within_s):
                self.stop()
                raise ServerError(
                    f"the {self.worker} did not come to {at}", "give it more to do", self.logs(12)
                )
        finally:
            self.crash_at = ""
