"""A real JupyterLab on a copy of the course, with settings and workspaces of its own.

with jupyterlab(scratch) as jupyter: `backlab open` runs -> address, copy of labs/, kernels(), servers()
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from backlab import course
from services import ports, ready
from tests import house

BIN = Path(sys.executable).parent
ADDRESS = re.compile(r"(http://127\.0\.0\.1:\d+)/\S*?token=([\w-]+)")


@dataclass
class JupyterLab:
    """A running `backlab open`: where it answers, the copy of the course, where servers put their data."""

    process: psutil.Process
    host: str
    token: str
    labs: Path
    scratch: Path

    def url(self, notebook: Path) -> str:
        """The address of a notebook of this course."""
        inside = notebook.relative_to(self.labs.parent).as_posix()
        return f"{self.host}/lab/tree/{inside}?token={self.token}"

    def notebook(self, lab: str) -> Path:
        """The learner's notebook of a lab, such as "4.2", in the copy."""
        return self.labs / course.lab(lab).learner.relative_to(course.root())

    def states(self) -> list[str]:
        """What Jupyter's own server says of its kernels; nothing while one is just starting: it fails."""
        login = {"Authorization": f"token {self.token}"}
        said = httpx.get(f"{self.host}/api/kernels", headers=login)
        return [one["execution_state"] for one in said.json()] if said.is_success else []

    def kernels(self) -> list[psutil.Process]:
        """The kernels' processes."""
        return [one for one in self.process.children(recursive=True) if "ipykernel" in command(one)]

    def servers(self) -> list[str]:
        """What the labs' servers and proxies keep on disk while they run, one folder each."""
        return sorted(path.name for path in self.scratch.iterdir() if path.name.startswith("backlab-"))


def command(process: psutil.Process) -> str:
    """Its command line; empty when it has ended meanwhile."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


@contextmanager
def jupyterlab(scratch: Path, **environment: str) -> Iterator[JupyterLab]:
    """`backlab open` on a copy of the labs below `scratch`; ended afterwards with all that it started."""
    labs = scratch / "course" / "labs"
    shutil.copytree(house.ROOT / "labs", labs, ignore=shutil.ignore_patterns("__pycache__"))
    own = {"JUPYTERLAB_WORKSPACES_DIR": "workspaces", "JUPYTERLAB_SETTINGS_DIR": "settings"}
    own |= {"BACKLAB_DIARY": "diary.json"}
    env = {**os.environ, **{name: str(scratch / folder) for name, folder in own.items()}, **environment}
    env |= {"BACKLAB_SCRATCH": str(scratch), "BACKLAB_LABS": str(labs)}
    reservation = ports.reserve()
    reservation.close()
    argv = [str(BIN / "backlab"), "open", "4.2", "--no-browser", "--port", str(reservation.port)]
    with subprocess.Popen(argv, cwd=labs.parent, env=env, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            host, token = next(found.groups() for line in process.stdout if (found := ADDRESS.search(line)))
            answers = f"{host}/api/status?token={token}"
            ready.until(
                lambda: httpx.get(answers).raise_for_status(), within_s=60, not_yet=(httpx.HTTPError,)
            )
            yield JupyterLab(psutil.Process(process.pid), host, token, labs, scratch)
        finally:
            process.terminate()
