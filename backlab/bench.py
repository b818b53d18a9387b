"""Bring up what a lab needs, hand out its addresses, take it down whatever happens.

up("postgres", data="shop-S")  -> servers start in parallel -> Bench
bench.wire("postgres")         -> the fault proxy in front of a server, started on first use
bench.down()                   -> nothing left, and what the lab took
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from backlab.learning import diary, learner, standing
from backlab.meter import Meter
from backlab.progress import activity
from services import kinds
from services.errors import BacklabError
from services.together import all_at_once
from services.urls import sqlalchemy_url

if TYPE_CHECKING:
    from backlab.panel import Panel
    from chaos.client import ProxyServer, Wire
    from services.postgres import Postgres

# The one registry of data sets: name -> (server it is loaded into, size for services.shop.load.template)
DATA = {"shop-S": ("postgres", "S"), "shop-M": ("postgres", "M")}

_current: Bench | None = None  # of this kernel, so that running the cell again replaces it


class Bench:
    """The servers of one lab; each is an attribute by its name: `bench.postgres.url`."""

    postgres: Postgres

    def __init__(self, servers: Mapping[str, Any], data: str | None, seed: int, lab: str = "") -> None:
        self.servers = dict(servers)
        self.data, self.seed = data, seed
        # the variable is set by run, build and prove
        self.lab = lab or os.environ.get("BACKLAB_LAB") or learner.lab() or ""
        self._proxy: ProxyServer | None = None
        self.wires: dict[str, Wire] = {}  # those that `wire` has started
        self._panel: Panel | None = None
        self._meter = Meter()
        self.is_up = False

    def __getattr__(self, name: str) -> Any:
        servers = self.__dict__.get("servers", {})
        if name in servers:
            return servers[name]
        raise AttributeError(f"this bench has no {name!r}, only {', '.join(servers) or 'nothing'}")

    def start(self) -> Bench:
        """Start every server at once; when one fails, the others are stopped before the error is raised."""
        self._meter.start()
        try:
            with activity(f"starting {', '.join(self.servers)}") as say, _told_to(say):
                for server in self.servers.values():
                    server.progress = _telling
                all_at_once([server.start for server in self.servers.values()])
        except BaseException:
            self._stop()
            raise
        self.is_up = True
        return self

    def database(self, name: str | None = None) -> str:
        """The SQLAlchemy URL of a fresh database, cloned from the bench's data set if it has one."""
        size = DATA[self.data][1] if self.data else None
        template = _template(size, self.seed).name if size else None
        return sqlalchemy_url(self.postgres.database(name, template=template))

    def wire(self, name: str) -> Wire:
        """The counting fault proxy in front of a server; the same one at each call."""
        if name not in self.wires:
            server = getattr(self, name)
            protocol = name if name in ("postgres", "redis", "kafka") else None
            upstream, listen = server.wire_ends()
            proxy = self._proxy_server()
            self.wires[name] = proxy.proxy(name, upstream=upstream, protocol=protocol, port=listen)
        return self.wires[name]

    def via(self, wire: Wire, url: str) -> str:
        """The same URL, but through the wire."""
        return wire.through(url)

    def panel(self) -> None:
        """Show the servers as cards with buttons (pause, kill, restart, the wire); outside notebooks as text.

        It looks past the wire and leaves what a lab counts alone. Repeated calls show the same panel.
        """
        from backlab.panel import Panel

        self._panel = self._panel or Panel(self)
        self._panel.show()

    def down(self) -> None:
        """Stop everything and say what the lab took; a second call does nothing."""
        global _current
        if self.is_up:
            self._stop()
            spent = self._meter.stop()
            print(f"nothing left running; {f'lab {self.lab}' if self.lab else 'the lab'} took {spent}")
            if mine := learner.lab():
                diary.ran(mine)
                print(standing.farewell(mine), end="")
        if _current is self:
            _current = None

    def _proxy_server(self) -> ProxyServer:
        if self._proxy is None:
            from chaos.client import ProxyServer

            self._proxy = ProxyServer().start()
        return self._proxy

    def _stop(self) -> None:
        self.is_up = False
        if self._panel is not None:
            self._panel.close()
        proxy, self._proxy = self._proxy, None
        self.wires.clear()
        stops = [server.stop for server in self.servers.values()]
        all_at_once(([proxy.stop] if proxy else []) + stops)

    def __repr__(self) -> str:
        state = ", ".join(f"{name} {s.version} ({s.backend})" for name, s in self.servers.items())
        return f"bench with {state}" if self.is_up else "bench, down"


def up(
    *names: str,
    data: str | None = None,
    seed: int = 42,
    settings: Mapping[str, Mapping[str, str]] | None = None,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    backend: str | None = None,
    lab: str = "",
    quiet: bool = False,
) -> Bench:
    """Start servers by name and print one line that says what runs, where, and from which seed.

    `data` is a data set such as "shop-S"; `settings` are a server's own, e.g. {"postgres": {"jit": "off"}};
    `options` what its class takes besides, e.g. {"haproxy": {"config": "frontend ..."}}.
    Running the cell again takes the former bench of this kernel down first.
    """
    global _current
    if _current is not None:
        former, _current = _current, None
        former._stop()
        former._meter.stop()
    servers = {name: _make(name, data, seed, settings or {}, options or {}, backend) for name in names}
    made = Bench(servers, data, seed, lab)
    _current = made.start()
    if not quiet:
        print(_announcement(made))
    if mine := learner.lab():
        diary.started(mine)
    return made


@contextmanager
def bench(*names: str, **options: Any) -> Iterator[Bench]:
    """`with bench("postgres", data="shop-S") as b:`, for scripts and tests; prints nothing by itself."""
    data, seed = options.get("data"), options.get("seed", 42)
    said = (options.get("settings") or {}, options.get("options") or {}, options.get("backend"))
    servers = Bench({name: _make(name, data, seed, *said) for name in names}, data, seed)
    try:
        yield servers.start()
    finally:
        servers._stop()
        servers._meter.stop()


def _make(
    name: str,
    data: str | None,
    seed: int,
    settings: Mapping[str, Mapping[str, str]],
    more: Mapping[str, Mapping[str, Any]],
    backend: str | None,
) -> Any:
    """A server that has not started yet, prepared with the data set if it is the one that holds it."""
    if data is not None and data not in DATA:
        raise BacklabError(f"there is no data set called {data!r}", _did_you_mean(data, DATA))
    options: dict[str, Any] = {"settings": dict(settings.get(name, {})), "backend": backend}
    options |= more.get(name, {})
    if data is not None and DATA[data][0] == name:
        options["template"] = _template(DATA[data][1], seed)
    return kinds.make(name, **options)


def _template(size: str, seed: int) -> Any:
    def seeding(table: str, rows: int, of: int) -> None:
        _telling(f"seeding {table}, {rows:,} of {of:,} rows")

    return importlib.import_module("services.shop.load").template(size, seed, progress=seeding)


_listener: Callable[[str], None] | None = None  # who shows what a start is doing, while one is going on


@contextmanager
def _told_to(say: Callable[[str], None]) -> Iterator[None]:
    global _listener
    _listener = say
    try:
        yield
    finally:
        _listener = None


def _telling(words: str) -> None:
    """Pass on what a server or the seeding says; nobody listens outside of a start."""
    if _listener is not None:
        _listener(words)


def _announcement(made: Bench) -> str:
    running = [f"{n} {s.version} ({s.backend}) on {s.host}:{s.port}" for n, s in made.servers.items()]
    holding = f", holding {made.data}" if made.data else ""
    return f"up: {', '.join(running)}{holding}, seed {made.seed}"


def _did_you_mean(word: str, known: Mapping[str, Any]) -> str:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"known are {', '.join(known)}"
