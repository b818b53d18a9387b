"""Start the proxy from a lab and steer it: a wire per server, its counts, and faults that cannot outlive us.

    ProxyServer ──starts, holds──▶ process `python -m chaos.proxy`
        └─ proxy("postgres", upstream=...) ──▶ Wire ──▶ counts(), fault("latency", latency_ms=2) ──▶ Fault

Two things end every fault when this process dies, even by SIGKILL: the warden takes the proxy process down,
and each fault hangs on a connection that we hold open and that the kernel closes for us.
"""

from __future__ import annotations

import itertools
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote, urlsplit, urlunsplit

from chaos.faults import fault as faults
from chaos.steering import Api, Holder
from services import cache, ready, warden
from services.errors import BacklabError, ServerError

START_WITHIN_S = 15.0


@dataclass(frozen=True)
class Counts:
    """What has passed a wire since the last reset; chaos/wire says what each number means."""

    connections: int
    bytes_up: int
    bytes_down: int
    round_trips: int
    messages: dict[str, int] = field(default_factory=dict)
    statements: int = 0
    control: int = 0
    rows: int = 0
    opaque: int = 0
    protocol: str | None = None


@dataclass(frozen=True)
class Receipt:
    """What a fault touched (connections, chunks of bytes, messages), how long it delayed and lived."""

    connections: int
    chunks: int
    bytes: int
    messages: int
    delayed_ms: float
    active_ms: float
    ended: str | None

    @property
    def touched(self) -> bool:
        """A fault that touched nothing proves nothing."""
        return self.chunks > 0


class Fault:
    """A fault while the block runs; afterwards its receipt."""

    def __init__(self, wire: Wire, name: str, body: dict[str, Any]) -> None:
        self._wire, self.name, self._body = wire, name, body
        self._path = f"{wire.path}/toxics/{quote(name, safe='')}"

    def start(self) -> Self:
        """Begin."""
        self._wire.api.ask("POST", f"{self._wire.path}/toxics", self._body)
        return self

    def stop(self) -> Receipt:
        """End, if it has not ended yet; what it held back goes on at once."""
        if self.receipt().ended is None:
            self._wire.api.ask("DELETE", self._path)
        return self.receipt()

    def change(self, **attributes: float) -> None:
        """Go on with other attributes, spelt with their unit as in `Wire.fault`."""
        body = {"attributes": faults.known()[self._body["type"]].spelt(attributes)}
        self._wire.api.ask("POST", self._path, body)

    def receipt(self) -> Receipt:
        """What it has touched so far."""
        answer = self._wire.api.ask("GET", f"{self._path}/receipt")
        return Receipt(**{name: answer[name] for name in Receipt.__dataclass_fields__})

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class Wire:
    """A port of ours that leads to a server, counts what passes and carries faults."""

    def __init__(self, api: Api, holder: Holder, name: str, upstream: str, listen: str) -> None:
        self.api, self.name, self.upstream = api, name, upstream
        self._holder = holder
        self._numbers = itertools.count(1)
        self.path = f"/proxies/{quote(name, safe='')}"
        self.host, port = listen.rsplit(":", 1)
        self.port = int(port)

    def counts(self) -> Counts:
        """What has passed since the last reset."""
        return Counts(**self.api.ask("GET", f"{self.path}/counts"))

    def reset_counts(self) -> Counts:
        """Count from zero; returns what there was, so that nothing is lost between reading and resetting."""
        return Counts(**self.api.ask("POST", f"{self.path}/counts"))

    def fault(
        self, kind: str, *, stream: str = "downstream", toxicity: float = 1.0, **attributes: float
    ) -> Fault:
        """A fault for a `with` block; attributes carry their unit: latency_ms, rate_kb_s, delay_us."""
        name = f"{kind}_{stream}_{next(self._numbers)}"  # seeds its jitter, so the same in each run
        return self.named(name, kind, stream, toxicity, **attributes)

    def named(
        self, name: str, kind: str, stream: str = "downstream", toxicity: float = 1.0, **attributes: float
    ) -> Fault:
        """The same under a name of the caller's."""
        if kind in faults.known():
            attributes = faults.known()[kind].spelt(attributes)
        body = {"name": name, "type": kind, "stream": stream, "toxicity": toxicity, "attributes": attributes}
        return Fault(self, name, {**body, "holder": self._holder.name})

    def through(self, url: str) -> str:
        """The same URL with this wire's address in place of the server's; a bare "host:port" stays bare."""
        if "://" not in url:
            return f"{self.host}:{self.port}"
        parts = urlsplit(url)
        login, at, _ = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{login}{at}{self.host}:{self.port}"))

    def close(self) -> None:
        """Stop listening and drop its connections."""
        self.api.ask("DELETE", self.path)


class ProxyServer:
    """The proxy as a process of its own, owned by the warden; `seed` fixes jitter and toxicity."""

    def __init__(self, *, seed: int = 0, config: Path | None = None) -> None:
        self.seed, self.config = seed, config
        self.pid: int | None = None
        self._directory: Path | None = None
        self._holder: Holder | None = None
        self.api: Api

    def start(self) -> Self:
        """Start the process and wait until its API listens; does nothing while it runs.

        Raises ServerError with what the process said.
        """
        if self.running:
            return self
        self.stop()
        self._directory = cache.scratch("proxy", cache.OURS)
        argv = [sys.executable, "-m", "chaos.proxy", "--port", "0", "--seed", str(self.seed)]
        argv += ["--config", str(self.config.absolute())] if self.config else []
        self.pid = warden.spawn(argv, cwd=self._directory, log=self._log)
        try:
            self.api = Api(ready.until(self._address, within_s=START_WITHIN_S, alive=lambda: self.running))
        except (ready.NotReady, ready.Died) as failed:
            said = self._log.read_text()
            self.stop()
            next_step = "run `python -m chaos.proxy --port 0` to see why"
            raise ServerError("the wire proxy did not start", next_step, said) from failed
        self._holder = self.api.hold()
        return self

    @property
    def _log(self) -> Path:
        assert self._directory is not None
        return self._directory / "log"

    def _address(self) -> str:
        """Where the API listens, as the process says in its first line of JSON."""
        for line in self._log.read_text().splitlines(keepends=True):
            if line.startswith('{"api"') and line.endswith("\n"):
                return str(json.loads(line)["api"])
        raise ready.Again("it has not said where it listens")

    @property
    def running(self) -> bool:
        """Whether the process runs."""
        return self.pid is not None and warden.poll(self.pid) is None

    def proxy(self, name: str, *, upstream: str, protocol: str | None = None, port: int = 0) -> Wire:
        """A wire to the server at `upstream` ("host:port") on `port` of 127.0.0.1 (0: a free one)."""
        if not self.running or self._holder is None:
            raise BacklabError("the wire proxy does not run", "call start() first")
        body = {"name": name, "listen": f"127.0.0.1:{port}", "upstream": upstream, "protocol": protocol}
        made = self.api.ask("POST", "/proxies", body)
        return Wire(self.api, self._holder, name, upstream, made["listen"])

    def stop(self) -> None:
        """End the process and with it all faults; safe to repeat."""
        if self._holder:
            self._holder.close()
            self._holder = None
        if self.pid is not None:
            warden.forget(self.pid)
            self.pid = None
        if self._directory:
            cache.remove(self._directory)
            self._directory = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
