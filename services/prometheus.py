"""Prometheus with promtool: scrapes what listens on this machine, evaluates the lab's rules, tests them.

scrape("127.0.0.1:9101") ──every interval_s──▶ TSDB ──rules──▶ alerts      reload() takes changes in
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import httpx

from services import binaries, ready, web
from services.errors import BacklabError
from services.server import Image, Native, Server

PROGRAMS = binaries.Programs(
    server="prometheus",
    variable="BACKLAB_PROMETHEUS",
    machine=("/opt/homebrew/opt/prometheus/bin", "/usr/local/opt/prometheus/bin"),
    apt="prometheus",
    brew="prometheus",
)
RULES = "rules.yml"


class Prometheus(Server):
    """A dedicated Prometheus; `scrape` are targets "host:port", `rules` the text of a rules file.

    `settings` are its flags without dashes, e.g. {"storage.tsdb.retention.time": "30d"}. Natively it is the
    machine's own (Debian 12 has 2.42), in a container 3, with whose changes of defaults and of UTF-8 names
    nothing here meets. No password: its basic auth would only hide the page that a learner opens.
    """

    name = "prometheus"
    image = "prom/prometheus:v3.5.3"
    programs = PROGRAMS
    memory_mb = 256
    not_yet = (httpx.TransportError,)

    def __init__(
        self,
        *,
        scrape: Sequence[str] = (),
        rules: str = "",
        interval_s: float = 1.0,
        settings: Mapping[str, str] | None = None,
        backend: str | None = None,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.scrape = list(scrape)
        self.rules = rules
        self.interval_s = interval_s
        self.settings = dict(settings or {})

    @property
    def url(self) -> str:
        """Address of its pages and, below /api/v1, of its HTTP API."""
        return f"http://{self.host}:{self.port}"

    def _files(self, place: str) -> dict[str, str]:
        every = f"{round(self.interval_s * 1000)}ms"
        config = {
            "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
            "rule_files": [RULES],
            "scrape_configs": [{"job_name": "lab", "static_configs": [{"targets": self.scrape}]}],
        }
        return {f"{place}prometheus.yml": json.dumps(config, indent=2) + "\n", f"{place}{RULES}": self.rules}

    def _flags(self, config: str, data: str, port: int) -> list[str]:
        own = {"config.file": config, "storage.tsdb.path": data, "web.listen-address": f"{self.host}:{port}"}
        chosen = [f"--{name}={value}" if value else f"--{name}" for name, value in self.settings.items()]
        return [*(f"--{name}={value}" for name, value in own.items()), "--web.enable-lifecycle", *chosen]

    def native(self, directory: Path, port: int) -> Native:
        program = binaries.directory(PROGRAMS) / "prometheus"
        flags = self._flags("prometheus.yml", "data", port)
        return Native([str(program), *flags], files=self._files(""))

    def container(self) -> Image:
        place = "/etc/prometheus/"
        flags = self._flags(f"{place}prometheus.yml", "/prometheus", self.port)
        return Image(self.image, self.port, flags, on_host=True, files=self._files(place))

    def answer(self) -> str:
        if web.get(f"{self.url}/-/ready").status_code != httpx.codes.OK:
            raise ready.Again("it replays its log")
        said = web.get(f"{self.url}/api/v1/status/buildinfo").json()
        return str(said["data"]["version"])

    def reload(self) -> None:
        """Take in changed `scrape`, `rules` and `interval_s`; a `BacklabError` says what is wrong."""
        self.machine.configure()
        said = web.post(f"{self.url}/-/reload", timeout_s=30)
        if said.status_code != httpx.codes.OK:
            raise BacklabError(f"prometheus refuses its configuration: {said.text.strip()}", "correct it")
