"""JupyterLab for one lab: loopback only, a fresh token, the next free port, the right notebook.

serve(lab) -> free port -> jupyter-lab (child) -> address printed, browser opened -> until it ends
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path

import click

from backlab import course
from backlab.course import Place
from services.errors import BacklabError

HOST, TRIES = "127.0.0.1", 50
# it ends with us however we end: by SIGKILL, for a SIGTERM may leave it waiting; its kernels see that and go
LAUNCH = (
    "from services.leftovers import parent_death_signal; parent_death_signal()(9); "
    "from jupyterlab.labapp import main; main()"
)


def serve(place: Place, port: int = 8888, browser: bool | None = None) -> int:
    """Run JupyterLab until it ends; its exit code. Without a display only the address is printed."""
    if not place.learner.exists():
        raise BacklabError(f"{place.relative} is not there", f"build it with `backlab build {place.id}`")
    chosen = free_port(port)
    if chosen != port:
        click.echo(f"port {port} is in use, taking {chosen}")
    token = secrets.token_urlsafe(24)
    tree = place.learner.relative_to(course.root().parent).as_posix()
    address = f"http://{HOST}:{chosen}/lab/tree/{tree}?token={token}"
    click.echo(f"lab {place.id}  {place.title}\n  {address}\n  Ctrl-C ends it")
    opens = has_display() if browser is None else browser
    # The token goes through the environment: command lines are readable by every user of a machine
    environment = {**os.environ, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": _config_path()}
    child = subprocess.Popen(command(chosen, tree, opens), env=environment)
    return _wait(child)


def command(port: int, tree: str, opens: bool) -> list[str]:
    """JupyterLab's command line: this interpreter, loopback only, no port but the chosen one."""
    return [
        sys.executable, "-c", LAUNCH,
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={course.root().parent}",
        f"--LabApp.default_url=/lab/tree/{tree}",
        f"--ServerApp.open_browser={opens}",
        "--ServerApp.allow_root=True",  # class room images and CI run as root; it listens on loopback only
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--log-level=WARN",
    ]  # fmt: skip


def _config_path() -> str:
    """Our settings for JupyterLab (no question about news over the first lab), then the learner's own."""
    ours = str(Path(__file__).parent / "jupyter_config")
    return os.pathsep.join(filter(None, [ours, os.environ.get("JUPYTER_CONFIG_PATH")]))


def free_port(wanted: int) -> int:
    """The first port from `wanted` on that nobody listens on."""
    for port in range(wanted, min(wanted + TRIES, 65_536)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise BacklabError(f"no port from {wanted} to {wanted + TRIES - 1} is free", "choose another with --port")


def has_display() -> bool:
    """Whether a browser window can open here."""
    if sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


def _wait(child: subprocess.Popen[bytes]) -> int:
    """Wait for JupyterLab; a Ctrl-C reaches it as well, and asks there, so it is ended for good here."""
    try:
        return child.wait()
    except KeyboardInterrupt:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(timeout=10)
        except subprocess.TimeoutExpired:
            child.kill()
        raise
