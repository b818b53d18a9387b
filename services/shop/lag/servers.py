"""Producer, consumers and monitor as servers of the bench, so that they can be started, killed and paused."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import httpx

from services import ready, web
from services.errors import BacklabError, ServerError
from services.machine import Image, Native
from services.server import Server
from services.user import User


class Own(Server):
    """A process of our own code; ready when its file is there."""

    image = ""
    not_yet: ClassVar[tuple[type[BaseException], ...]] = (ready.Again, OSError)
    module = "services.shop.lag.paced"

    def __init__(self) -> None:
        super().__init__(backend="native")

    def words(self, directory: Path, port: int) -> list[str]:
        """Its arguments."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        raise BacklabError(f"the {self.name} has no address", "look at Kafka")

    @property
    def ready_file(self) -> Path:
        """What it makes when it is ready."""
        return self.directory / "ready"

    def runs_as(self) -> User:
        """Ourselves: it is our own code, in an environment that other users may not be able to read."""
        return User(None)

    def native(self, directory: Path, port: int) -> Native:
        self.ready_file.unlink(missing_ok=True)
        return Native([sys.executable, "-m", self.module, *self.words(directory, port)])

    def container(self) -> Image:
        raise BacklabError(f"the {self.name} runs as a process", "leave the back end to it")

    def answer(self) -> str:
        if not self.ready_file.exists():
            raise ready.Again(f"the {self.name} is not ready")
        return "1"


class PacedProducer(Own):
    """Sends to several topics on schedule; a plan has the fields of a `Case` and its topic."""

    name = "paced-producer"

    def __init__(self, bootstrap: str, plans: Sequence[Mapping[str, Any]]) -> None:
        super().__init__()
        self.bootstrap, self.plans = bootstrap, [dict(plan) for plan in plans]

    def words(self, directory: Path, port: int) -> list[str]:
        where = ["--bootstrap", self.bootstrap, "--ready", str(self.ready_file)]
        return ["produce", *where, "--plans", json.dumps(self.plans)]


class PacedConsumer(Own):
    """One consumer of a group, which handles at most `per_s` messages a second."""

    name = "paced-consumer"

    def __init__(self, bootstrap: str, group: str, topic: str, per_s: float) -> None:
        super().__init__()
        self.bootstrap, self.group, self.topic, self.per_s = bootstrap, group, topic, per_s

    def words(self, directory: Path, port: int) -> list[str]:
        where = ["--bootstrap", self.bootstrap, "--ready", str(self.ready_file)]
        whom = ["--group", self.group, "--topic", self.topic, "--per-s", str(self.per_s)]
        return ["consume", *where, *whom]


class LagMonitor(Own):
    """Watches groups (group -> topic): `/metrics` for Prometheus, `rows()` for whoever draws."""

    name = "lag-monitor"
    module = "services.shop.lag.watch"
    not_yet = (ready.Again, httpx.TransportError)

    def __init__(self, bootstrap: str, groups: Mapping[str, str], every_s: float = 0.5) -> None:
        super().__init__()
        self.bootstrap, self.groups, self.every_s = bootstrap, dict(groups), every_s

    @property
    def url(self) -> str:
        """Address of its /metrics."""
        return f"http://{self.host}:{self.port}"

    def words(self, directory: Path, port: int) -> list[str]:
        whom = ["--bootstrap", self.bootstrap, "--groups", json.dumps(self.groups), "--port", str(port)]
        return [*whom, "--out", str(directory / "recording.jsonl"), "--every", str(self.every_s)]

    def answer(self) -> str:
        web.get(f"{self.url}/metrics").raise_for_status()
        return "1"

    def samples(self) -> list[dict[str, Any]]:
        """The recording so far: {"t_s", "unix_s", "groups": {group: [[start, position, next, end], ...]}}.

        Raises `ServerError` when the monitor has ended: a recording that stopped must not look calm.
        """
        if not self.running:
            raise ServerError(
                "the lag monitor no longer runs", "run the cell again; its log below says why", self.logs()
            )
        text = (self.directory / "recording.jsonl").read_text(encoding="utf-8")
        return [json.loads(line) for line in text.splitlines() if line.endswith("}")]
