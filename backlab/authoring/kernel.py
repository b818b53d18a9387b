"""Run a notebook's cells in a kernel of this very interpreter and tell what happens while it happens.

execute(notebook, ...) -> kernel -> messages -> listen(event) -> outputs in the notebook, seconds per cell
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from backlab.authoring import listening
from backlab.authoring.kernel_fork import Parent, Provisioner
from backlab.progress import MIME
from services.errors import BacklabError

CELL_LIMIT_S = 60
EXPECTED = {"BacklabError", "ServerError"}
# ipykernel looks for its parent once a second; this way the kernel goes at the moment when we are killed
LAUNCH = (
    "from services.leftovers import parent_death_signal; parent_death_signal()(9); "
    "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
)


@dataclass(frozen=True)
class Event:
    """Something that happened in a cell: "begin", "text", "progress", "figure" or "end"."""

    kind: str
    cell: Any
    index: int
    text: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


Listener = Callable[[Event], None]


class ThisInterpreter(KernelSpecManager):
    """One kernel spec, the running interpreter, whatever specs are installed on this machine."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        argv = [sys.executable, "-c", LAUNCH, "-f", "{connection_file}"]
        argv.append("--log-level=ERROR")  # or each kernel warns about its loopback sockets on stderr
        return KernelSpec(argv=argv, name="python3", display_name="Python 3", language="python")


def execute(
    notebook: Any,
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    listen: Listener | None = None,
    cell_limit_s: float = CELL_LIMIT_S,
    keep_going: bool = False,
    parent: Parent | None = None,
) -> list[float]:
    """Execute every code cell in `folder`, outputs into `notebook`; return seconds per cell.

    With `keep_going` an exception in a cell is an output like others; otherwise it ends the run with one
    sentence that names the cell. A cell that takes longer than `cell_limit_s` always ends it. When this
    process is interrupted or killed, the kernel goes with it, and its servers through the warden. The kernel
    is forked from `parent`, where there is one.
    """
    manager = AsyncKernelManager(
        kernel_spec_manager=ThisInterpreter(), kernel_name="python3", **listening.names()
    )
    if parent is not None:
        manager.provisioner = Provisioner(parent=manager, kernel_spec=manager.kernel_spec)
        manager.provisioner.kernels = parent
    client = _Client(notebook, km=manager, timeout=cell_limit_s, record_timing=False, coalesce_streams=True,
                     allow_errors=keep_going, shutdown_kernel="immediate", store_widget_state=False,
                     resources={"metadata": {"path": str(folder)}})  # fmt: skip
    client.listen = listen or (lambda event: None)
    seconds = [0.0] * len(notebook.cells)
    client.reset_execution_trackers()
    # frozen modules off would be said on stderr by the debugger in each kernel
    env = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1", **(environment or {})}
    try:
        with client.setup_kernel(env=env, cleanup_kc=True):
            code = [(i, cell) for i, cell in enumerate(notebook.cells) if cell.cell_type == "code"]
            for count, (index, cell) in enumerate(code, 1):
                seconds[index] = _run_one(client, cell, index, count, cell_limit_s)
    finally:
        if client.km is not None and client.km.has_kernel:  # interrupted while the kernel was starting
            client._cleanup_kernel()
    return seconds


def _run_one(client: _Client, cell: Any, index: int, count: int, limit_s: float) -> float:
    """One cell; what goes wrong in it becomes one sentence."""
    client.listen(Event("begin", cell, index))
    began = time.monotonic()
    first = cell.source.strip().splitlines()[0] if cell.source.strip() else ""
    where = f"cell {cell.get('id', index + 1)} ({first[:50]})"
    try:
        client.execute_cell(cell, index, execution_count=count)
    except CellTimeoutError as error:
        raise BacklabError(f"{where} ran longer than {limit_s:.0f} s", "make it smaller") from error
    except DeadKernelError as error:
        raise BacklabError(
            f"the kernel died in {where}", "look for a crash or for too much memory"
        ) from error
    except CellExecutionError as error:
        if error.ename in EXPECTED:  # one of ours: it already says what happened and what to do
            what, _, next_step = str(error.evalue).partition("; ")
            raise BacklabError(what, next_step) from error
        said = f"{error.ename}: {error.evalue}".splitlines()[0]
        raise BacklabError(f"{where} ended with {said}", "run it in JupyterLab to see where") from error
    took_s = time.monotonic() - began
    client.listen(Event("end", cell, index, facts={"seconds": took_s}))
    return took_s


class _Client(NotebookClient):
    """nbclient, which collects outputs; this tells them at once as well."""

    listen: Listener

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        content, kind = msg["content"], msg["msg_type"]
        if kind == "stream":
            self.listen(Event("text", cell, cell_index, content["text"], {"name": content["name"]}))
        elif kind in ("display_data", "update_display_data"):
            metadata, transient = content.get("metadata") or {}, content.get("transient") or {}
            if MIME in metadata:
                self.listen(Event("progress", cell, cell_index, facts=transient.get(MIME, {})))
            elif "image/png" in content.get("data", {}):
                facts = {"png": content["data"]["image/png"], **metadata.get("image/png", {})}
                facts["display"] = transient.get("display_id") or msg["header"]["msg_id"]
                self.listen(Event("figure", cell, cell_index, facts=facts))
        return super().process_message(msg, cell, cell_index)
