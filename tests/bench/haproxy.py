"""An anchor of the wire proxy: HAProxy in TCP mode with one thread, as our proxy has one."""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from services import ports, ready

COMMON = """\
global
  nbthread 1
  maxconn 1000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
"""
LISTEN = """\
listen {name}
  bind 127.0.0.1:{port}
  server {name} 127.0.0.1:{upstream}
"""


def program() -> str | None:
    """Where it is; Debian puts it where only root looks."""
    return shutil.which("haproxy") or shutil.which("/usr/sbin/haproxy")


@contextmanager
def haproxy(upstreams: Mapping[str, int]) -> Iterator[dict[str, int]]:
    """A port of its own for each upstream port, by the same name."""
    reserved = {name: ports.reserve() for name in upstreams}
    made = {name: reservation.lend() for name, reservation in reserved.items()}
    text = COMMON + "".join(
        LISTEN.format(name=name, port=made[name], upstream=upstream) for name, upstream in upstreams.items()
    )
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "haproxy.cfg"
        config.write_text(text)
        with subprocess.Popen([str(program()), "-db", "-q", "-f", str(config)]) as process:
            try:
                for port in made.values():
                    ready.until(lambda port=port: socket.create_connection(("127.0.0.1", port)).close())
                yield made
            finally:
                process.kill()
                for reservation in reserved.values():
                    reservation.close()
