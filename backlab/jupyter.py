"""JupyterLab for the course: loopback only, a fresh token, the next free port, the page to land on.

serve(lab) -> free port -> jupyter-lab (child) -> addresses printed, browser opened -> until it ends
"""

from __future__ import annotations

import getpass
import os
import secrets
import signal
import socket
import subprocess
import sys
import webbrowser
from pathlib import Path
from urllib.parse import quote

import click

from backlab import course
from backlab.carry import reading
from backlab.course import Place
from backlab.learning import diary, learner
from services.errors import BacklabError

HOST, TRIES, COURSE = "127.0.0.1", 50, "/backlab"
# it ends with us however we end: by SIGKILL, for a SIGTERM may leave it waiting; its kernels see that and go
LAUNCH = (
    "from services.leftovers import parent_death_signal; parent_death_signal()(9); "
    "from jupyterlab.labapp import main; main()"
)


def serve(place: Place | None, port: int = 8888, browser: bool | None = None) -> int:
    """Run JupyterLab until it ends, landing on a lab or on the course page; its exit code.

    Without a display only the addresses are printed.
    """
    if place and not place.learner.exists():
        raise BacklabError(f"{place.relative} is not there", f"`{place.remedy}` makes it")
    if place and (why := reading.trouble(place.learner)):
        raise BacklabError(
            f"{place.relative} is no notebook: {why}",
            f"`backlab update {place.id}` mends it and keeps the file",
        )
    chosen = free_port(port)
    if chosen != port:
        click.echo(f"port {port} is in use, taking {chosen}")
    token = secrets.token_urlsafe(24)
    for line in announcement(place, chosen, token):
        click.echo(line)
    for trouble in filter(None, [unsaveable(place), diary.unwritable()]):
        click.echo(f"  but {trouble}")
    opens = has_display() if browser is None else browser
    child = subprocess.Popen(command(chosen, _landing(place), opens), env=_environment(token))
    return _wait(child)


def announcement(place: Place | None, port: int, token: str) -> list[str]:
    """What is said before JupyterLab starts: where the lab and the course page are, and how it ends."""
    home = f"http://{HOST}:{port}{COURSE}?token={token}"
    lines = [f"the course page\n  {home}"]
    if place:
        lab = f"http://{HOST}:{port}{_landing(place)}?token={token}"
        lines = [f"lab {place.id}  {place.title}\n  {lab}", *lines]
    if tunnel := ssh(port):
        lines.append(f"to open it on the machine you sit at, run there\n  {tunnel}")
    return [*lines, "  Ctrl-C ends it"]


def ssh(port: int) -> str:
    """The command that brings a port here to the machine that somebody has logged in from, or nothing."""
    ends = os.environ.get("SSH_CONNECTION", "").split()
    if len(ends) != 4:
        return ""
    return f"ssh -N -L {port}:{HOST}:{port} {getpass.getuser()}@{ends[2]}"


def unsaveable(place: Place | None) -> BacklabError | None:
    """Why JupyterLab could not save a learner's work in this checkout, or None."""
    files = [place.learner] if place else [one.learner for one in course.labs() if one.learner.exists()]
    for path in files:
        if not os.access(path, os.W_OK) or not os.access(path.parent, os.W_OK):
            return BacklabError(
                f"{path.parent.name}/{path.name} cannot be written: labs run, but what you type is not saved",
                "copy the whole course to a folder of yours and open it there",
            )
    return None


def _landing(place: Place | None) -> str:
    """The path of the page that comes first."""
    if place is None:
        return COURSE
    return "/lab/tree/" + quote(place.learner.relative_to(course.root().parent).as_posix())


def _environment(token: str) -> dict[str, str]:
    """Ours for JupyterLab and its kernels, without what a tool that started us has said of itself.

    The token goes through it: command lines are readable by every user of a machine.
    """
    kept = {name: value for name, value in os.environ.items() if name not in (*learner.TOOLS, learner.OWNER)}
    return {**kept, "JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": _config_path()}


def command(port: int, landing: str, opens: bool) -> list[str]:
    """JupyterLab's command line: this interpreter, loopback only, no port but the chosen one."""
    return [
        sys.executable, "-c", LAUNCH,
        f"--ServerApp.ip={HOST}",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={course.root().parent}",
        f"--LabApp.default_url={landing}",
        f"--ServerApp.open_browser={opens}",
        "--ServerApp.allow_root=True",  # class room images and CI run as root; it listens on loopback only
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--log-level=WARN",
    ]  # fmt: skip


def _config_path() -> str:
    """Our settings for JupyterLab (course page, kernel, no question about news), then the learner's own."""
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
