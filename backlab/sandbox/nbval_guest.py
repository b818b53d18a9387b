"""Inside a sandbox: nbval runs set-up, exercises and checks in a kernel that is forked instead of started.

<- {"notebook": "...", "patience_s": [60, 20, ...], "environment": {...}}
-> {"begin": 3} ... {"cell": 3, "outcome": "passed"} ... {"rows": [...]} | {"died": 3}
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import nbval.kernel
import nbval.plugin
import pytest
from ipykernel.kernelapp import IPKernelApp
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from backlab.authoring import listening
from backlab.sandbox import lent
from services import leftovers

ANSI = re.compile("\x1b\\[[0-9;]*m")
LOOK_S = 0.3
HEARD_S = 0.02
REPORT = "report.jsonl"  # where the checks say what they judged
REPORT_BYTES = 200_000


class ForkedKernel:
    """A kernel as a child of this process, with everything imported already; what nbval asks of a manager."""

    pid = 0

    def __init__(self, file: str) -> None:
        self.pid = os.fork()
        if self.pid == 0:
            try:
                IPKernelApp.launch_instance(
                    argv=["-f", file, "--log-level=ERROR", "--HistoryManager.enabled=False"]
                )
            finally:
                os._exit(0)
        ForkedKernel.pid = self.pid

    def is_alive(self) -> bool:
        """Whether it runs."""
        with contextlib.suppress(ChildProcessError):
            return os.waitpid(self.pid, os.WNOHANG)[0] == 0
        return False

    def interrupt_kernel(self) -> None:
        """What Ctrl-C does."""
        os.kill(self.pid, 2)

    def shutdown_kernel(self, now: bool = True) -> None:
        """End it; nobody need tell that it died."""
        ForkedKernel.pid = 0
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, 9)

    def restart_kernel(self, now: bool = True) -> None:
        """Never: a new kernel would have lost the set-up."""
        self.shutdown_kernel()


def forked_kernel(startup_timeout: float = 60, **_: Any) -> tuple[ForkedKernel, BlockingKernelClient]:
    """In place of nbval's `start_new_kernel`, which takes two seconds more.

    Without a heartbeat, since `Reporter` looks after the process. Until its outputs have a listener they are
    lost, so it is asked again until one is heard.
    """
    file, _info = write_connection_file(str(Path.cwd() / "kernel.json"), **listening.names())
    manager = ForkedKernel(file)
    client = BlockingKernelClient(connection_file=file)
    client.load_connection_file()
    client.start_channels(hb=False)
    heard = False
    while not heard:
        client.kernel_info()
        client.get_shell_msg(timeout=startup_timeout)
        with contextlib.suppress(queue.Empty):
            heard = bool(client.get_iopub_msg(timeout=HEARD_S))
    return manager, client


class Reporter:
    """Tells the grader what nbval does, and ends all of it when the kernel dies, where nbval would wait."""

    def __init__(self, line: socket.socket, patience_s: list[float]) -> None:
        self._line, self._patience_s = line, patience_s
        self._now = -1
        threading.Thread(target=self._watch, daemon=True).start()

    def tell(self, **row: Any) -> None:
        """One line of JSON."""
        self._line.sendall(json.dumps(row).encode() + b"\n")

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A cell begins."""
        self._now = int(nodeid.rpartition(" ")[2])
        self.tell(begin=self._now)

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """How long this cell may run, which nbval looks up anew for each."""
        item.config.option.nbval_cell_timeout = self._patience_s[self._now]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A cell has ended, or could not even begin."""
        if report.when == "call" or report.failed:
            self.tell(
                cell=self._now, outcome=report.outcome, took_s=report.duration,
                said=ANSI.sub("", str(report.longrepr or ""))[-2000:],
            )  # fmt: skip

    def _watch(self) -> None:
        while True:
            time.sleep(LOOK_S)
            if ForkedKernel.pid and not leftovers.runs(ForkedKernel.pid):
                self.tell(died=self._now)
                os._exit(0)


def main(line: socket.socket) -> None:
    """Run nbval on the notebook that the grader sends."""
    lent.give_back()
    request = json.loads(line.makefile("rb").readline())
    os.environ.update(request["environment"])
    os.environ["BACKLAB_REPORT"] = str(Path.cwd() / REPORT)
    Path("lab.ipynb").write_text(request["notebook"], encoding="utf-8")
    nbval.kernel.start_new_kernel = forked_kernel
    reporter = Reporter(line, request["patience_s"])
    pytest.main(
        ["-p", "nbval.plugin", "-p", "no:cacheprovider", "-q", "--nbval-lax", "--nbval-current-env",
         "-c", os.devnull, "--rootdir=.", f"--confcutdir={Path.cwd()}", "lab.ipynb"],
        plugins=[reporter],
    )  # fmt: skip
    report = Path(REPORT)
    text = report.read_text()[:REPORT_BYTES] if report.exists() else ""
    reporter.tell(rows=[json.loads(each) for each in text.splitlines()])
