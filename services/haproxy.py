"""HAProxy: the lab's front and back ends between two lines of ours, ruled through its runtime API.

bind "$BIND"     the main port               bind "$ADMIN"     a further one, of HAProxy(ports=["admin"])
command("show stat") ──TCP, this machine only──▶ runtime API
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from services import binaries, ready
from services.server import Image, Native, Server

PROGRAMS = binaries.Programs(
    server="haproxy",
    variable="BACKLAB_HAPROXY",
    machine=("/opt/homebrew/opt/haproxy/bin", "/usr/local/opt/haproxy/bin", "/usr/sbin"),
    apt="haproxy",
    brew="haproxy",
    version_flag="-v",
)
OURS = """\
global
    stats socket "ipv4@$RUNTIME" level admin
    log stdout format raw daemon
    maxconn 4000
    nbthread 2
defaults
    mode http
    log global
    timeout connect 5s
    timeout client 60s
    timeout server 60s
"""
EMPTY = """\
frontend empty
    bind "$BIND"
    http-request return status 503 content-type text/plain string "HAProxy(config=...) names no server yet"
"""


class HAProxy(Server):
    """A dedicated HAProxy; `config` are sections of haproxy.cfg, `settings` further lines of its `defaults`.

    Natively it is the machine's own (Debian 12 has 2.6), in a container the long-term 3.0; labs keep to what
    both know. It shares this machine's network, since its servers listen on 127.0.0.1.
    """

    name = "haproxy"
    image = "haproxy:3.0"
    programs = PROGRAMS
    more_ports: tuple[str, ...] = ("runtime",)
    memory_mb = 256

    def __init__(
        self,
        *,
        config: str = EMPTY,
        ports: Sequence[str] = (),
        settings: Mapping[str, str] | None = None,
        backend: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.config = config
        self.settings = dict(settings or {})
        self.more_ports = (*HAProxy.more_ports, *ports)

    @property
    def url(self) -> str:
        """Address of the front end that binds to "$BIND"."""
        return f"http://{self.host}:{self.port}"

    def _files(self, place: str) -> dict[str, str]:
        lines = "".join(f"    {name} {value}\n" for name, value in self.settings.items())
        return {f"{place}backlab.cfg": OURS + lines, f"{place}lab.cfg": self.config}

    def _binds(self, port: int) -> dict[str, str]:
        more = {name.upper(): f"{self.host}:{self.port_of(name)}" for name in self.more_ports}
        return {"BIND": f"{self.host}:{port}", **more}

    def native(self, directory: Path, port: int) -> Native:
        program = binaries.directory(PROGRAMS) / "haproxy"
        argv = [str(program), "-W", "-db", "-f", "backlab.cfg", "-f", "lab.cfg"]
        return Native(argv, self._binds(port), files=self._files(""))

    def container(self) -> Image:
        place = "/usr/local/etc/haproxy/"
        command = ["haproxy", "-f", f"{place}backlab.cfg", "-f", f"{place}lab.cfg"]
        env = self._binds(self.port)
        return Image(self.image, self.port, command, env, on_host=True, files=self._files(place))

    def answer(self) -> str:
        found = re.search(r"^Version: (\S+?)-", self.command("show info"), re.MULTILINE)
        if not found:
            raise ready.Again("the runtime API does not know its version yet")
        return found[1]

    def command(self, line: str) -> str:
        """One command of the runtime API, such as "set server shop/one state drain", and its answer."""
        with socket.create_connection((self.host, self.port_of("runtime")), timeout=5) as link:
            link.sendall(f"{line}\n".encode())
            return b"".join(iter(lambda: link.recv(65536), b"")).decode()
