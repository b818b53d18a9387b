"""What a victim has, and what of it is still there: processes, directories, containers, networks."""

from __future__ import annotations

from pathlib import Path

import psutil

from services import leftovers
from services.engine import Engine
from services.network import LABEL


class Belongings:
    """A process with its family, the directories in its own `scratch`, and what its wardens would remove."""

    def __init__(self, process: psutil.Process, backend: str, scratch: Path) -> None:
        self.family = [process, *process.children(recursive=True)]
        self.backend, self.scratch = backend, scratch
        self.things = self._things()

    def left(self) -> list[str]:
        """Whatever is still there."""
        alive = [f"process {one.pid} {named(one)}" for one in self.family if runs(one)]
        return [*alive, *sorted(self.things & self._things())]

    def _things(self) -> set[str]:
        """Directories, and in containers also containers and networks."""
        directories = {str(path) for path in self.scratch.iterdir()}
        if self.backend == "native":
            return directories
        wardens = {str(one.pid) for one in self.family}
        found = _ask("/containers/json?all=1") + _ask("/networks")
        return directories | {one["Id"] for one in found if (one["Labels"] or {}).get(LABEL) in wardens}


def runs(process: psutil.Process) -> bool:
    """False for a dead process that its parent has not collected yet, when its last thread has ended, too."""
    return process.is_running() and leftovers.runs(process.pid)


def named(process: psutil.Process) -> str:
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return "gone meanwhile"


def _ask(path: str) -> list[dict]:
    status, said = Engine.connect().ask("GET", path)
    assert status == 200, said
    return list(said)
