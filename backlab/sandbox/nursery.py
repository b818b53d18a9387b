"""The nursery, seen by the grader: a parent, started once for a lab, that has imported what guests will need.

Nursery(imports, guest) --socket--> python -m backlab.sandbox.nursery_process --fork--> guests in sandboxes
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from backlab.sandbox import lent
from backlab.sandbox.guest_end import HOME
from services.errors import BacklabError

ENDS_S = 5.0
REPLY_BYTES = 1 << 16
ROOT = Path(__file__).resolve().parents[2]


class Nursery:
    """The preloaded parent of guests, started once for each lab."""

    def __init__(self, imports: list[str], guest: str, answers: lent.Answers | None = None) -> None:
        self.answers = answers or {}
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "backlab.sandbox.nursery_process", str(theirs.fileno())],
                pass_fds=[theirs.fileno()], cwd=ROOT, env=environment(), start_new_session=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        self._answered = False
        self._send({"do": "preload", "imports": imports, "guest": guest, "without": self.answers})

    def wait(self) -> None:
        """Until it has imported everything; servers may start meanwhile."""
        if not self._answered:
            self._answer("preload", 1)

    def ask(self, request: dict[str, Any], give: int | None = None, sockets: int = 0) -> Any:
        """Have one thing done; returns the answer and the sockets that came with it."""
        self.wait()
        self._send(request, give)
        return self._answer(request["do"], sockets or 1)

    def _send(self, request: dict[str, Any], give: int | None = None) -> None:
        with contextlib.suppress(OSError):  # its answer will be that it has ended
            socket.send_fds(self._ours, [json.dumps(request).encode()], [] if give is None else [give])

    def _answer(self, task: str, sockets: int) -> tuple[Any, list[socket.socket]]:
        try:
            text, descriptors, _, _ = socket.recv_fds(self._ours, REPLY_BYTES, sockets)
        except OSError:
            text, descriptors = b"", []
        self._answered = True
        answer = json.loads(text) if text else {"error": "it has ended"}
        if "error" in answer:
            raise BacklabError(
                f"the sandbox's parent could not {task}: {answer['error']}", "run `backlab doctor`"
            )
        return answer, [socket.socket(fileno=each) for each in descriptors]

    def close(self) -> None:
        """Let it end its guests and itself, as it does when we are killed."""
        self._ours.close()
        if not self._answered:  # it may import for long, and has no guest yet
            self._process.kill()
        try:
            self._process.wait(ENDS_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def environment(home: str = HOME) -> dict[str, str]:
    """What a guest and its parent find in their environment: nothing of the grader's."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8", "HOME": home,
        "TMPDIR": home,
        "PYTHONDONTWRITEBYTECODE": "1", "OPENBLAS_NUM_THREADS": "1", "MPLBACKEND": "agg",
        "MPLCONFIGDIR": home,
        "BACKLAB_BACKEND": "native", "BACKLAB_CACHE": f"{home}/cache", "PYDEVD_DISABLE_FILE_VALIDATION": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "IPYTHONDIR": home, "JUPYTER_RUNTIME_DIR": home,
        **{name: os.environ[name] for name in ("BACKLAB_LABS",) if name in os.environ},
    }  # fmt: skip
