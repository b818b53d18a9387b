"""Kernels that are forked from a parent which has imported everything, instead of started (Linux).

Parent(imports) --python -m ....kernel_parent--> preloaded process --fork--> kernel --fork--> kernel ...
When the parent goes, for whatever reason, its kernels go with it, and their servers through their wardens.
"""

from __future__ import annotations

import ast
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from backlab.authoring.source import SET_UP, Lab
from services.errors import BacklabError

ROOT = Path(__file__).resolve().parents[2]
REPLY_BYTES = 1 << 16
# as ipykernel would set it, were matplotlib not there already
INLINE = {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


class Parent:
    """The preloaded process; `fork` may be called from any thread."""

    def __init__(self, imports: str) -> None:
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = threading.Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backlab.authoring.kernel_parent", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], cwd=ROOT, start_new_session=True, env={**os.environ, **INLINE},
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self.pid = self._process.pid
        self.ask({"imports": imports})

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        """Have one thing done."""
        with self._lock:
            try:
                self._ours.sendall(json.dumps(request).encode())
                answer = json.loads(self._ours.recv(REPLY_BYTES) or b"{}")
            except OSError:
                answer = {}
        if not answer:
            raise BacklabError("the parent of the kernels has ended", "run it again")
        return dict(answer)

    def fork(self, file: str, folder: str, env: dict[str, str]) -> Forked:
        """A kernel that serves the connection file."""
        return Forked(int(self.ask({"file": file, "folder": folder, "env": env})["pid"]))

    def close(self) -> None:
        """End it and all its kernels."""
        self._process.kill()
        self._process.wait()
        self._ours.close()


class Forked:
    """A forked kernel as a process that jupyter_client can look after; it is no child of ours."""

    stdin = stdout = stderr = None

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._handle: int | None = None  # None once it has ended
        with contextlib.suppress(ProcessLookupError):
            self._handle = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """None while it runs; what it returned is its parent's to know."""
        if self._handle is not None and select.select([self._handle], [], [], 0)[0]:
            os.close(self._handle)
            self._handle = None
        self.returncode = -1 if self._handle is None else None
        return self.returncode

    def wait(self) -> int:
        """Until it has ended."""
        if self.poll() is None:
            assert self._handle is not None
            select.select([self._handle], [], [])
        return self.poll() or 0

    def send_signal(self, number: int) -> None:
        """To it alone."""
        if self.poll() is None:
            assert self._handle is not None
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


class Provisioner(LocalProvisioner):
    """Has the parent fork where jupyter_client would start."""

    kernels: Parent

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        file = cmd[cmd.index("-f") + 1]
        kernel: Any = self.kernels.fork(file, str(options["cwd"]), dict(options["env"]))
        self.process, self.pid = kernel, kernel.pid
        return self.connection_info


@contextlib.contextmanager
def parent_for(lab: Lab) -> Iterator[Parent | None]:
    """The parent of kernels for a lab; None where kernels must be started (a fork is only safe on Linux)."""
    parent = Parent(_imports(lab)) if sys.platform == "linux" else None
    try:
        yield parent
    finally:
        if parent is not None:
            parent.close()


def _imports(lab: Lab) -> str:
    """What the lab's set-up cells import, and what `backlab.up` imports for its servers."""
    found = [
        "from services import backends, container, kinds, process",
        "import chaos.client, services.shop.load",
    ]
    # which back end it will be is asked of the engine once
    found += [f"backends.choose(None, kinds.find({name!r}).image)" for name in lab.place.servers]
    for cell in lab.cells:
        if cell.role in SET_UP:
            with contextlib.suppress(SyntaxError):  # a magic
                nodes = ast.parse(cell.source).body
                found += [
                    ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)
                ]
    return "\n".join(found)
