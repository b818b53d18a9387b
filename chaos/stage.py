"""The servers, wires and load that an experiment asks for in its configuration, up while the block runs.

configuration:
  servers: [postgres, redis]            started together; postgres holds the small shop, kafka a topic
  wires: [redis]                        the proxy in front of these; each is called like its server
  load: {shopper: cache-or-database}    arm -> what its screens do (chaos/callers/)
  shop: back_office                     or a prepared stage with services, and its `page`;
                                        `whole`: every service in one process, on the servers above
  workers: [relay]                      of the whole shop; they need kafka
  screens: 4                            per arm, each calling every `period_s`
  period_s: 0.1
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from importlib import import_module
from typing import Any

from chaos.callers import maker
from chaos.callers.caller import TOPIC, Caller
from chaos.client import ProxyServer, Wire
from chaos.wire.protocols import PROTOCOLS
from services import kinds
from services.errors import BacklabError
from services.shop.worker_server import WORKERS
from services.together import Block, together
from services.urls import sqlalchemy_url

# by name, because whoever only looks at an experiment's file should not wait for their imports
SHOPS = {"back_office": "chaos.back_office:BackOffice", "projection": "chaos.projection:Projection"}
WHOLE, DATA_SEED = "whole", 42


@dataclass(frozen=True)
class Plan:
    """What the stage keys of a configuration say; other keys are the experiment's own."""

    servers: list[str] = field(default_factory=list)
    wires: list[str] = field(default_factory=list)
    load: dict[str, str] = field(default_factory=dict)
    shop: str = ""
    workers: list[str] = field(default_factory=list)
    page: str = "/"
    screens: int = 4
    period_s: float = 0.5

    @classmethod
    def of(cls, configuration: Mapping[str, Any]) -> Plan:
        """Read it; raises `BacklabError` that names the key that cannot be used."""
        found: dict[str, Any] = {}
        for name, kind in FIELDS.items():
            if name in configuration:
                found[name] = _typed(name, configuration[name], kind)
        plan = cls(**found)
        _known(plan.shop, ("", *SHOPS, WHOLE), "there is a shop called")
        for name in plan.workers:
            _known(name, WORKERS, "the shop has")
        for name in plan.servers:
            _known(name, kinds.KINDS, "backlab has")
        for name in plan.wires:
            _known(name, plan.servers, "a wire leads to")
        for load in plan.load.values():
            maker(load, plan.there)
        if plan.shop == WHOLE:
            for name in ("postgres", *(["kafka"] if plan.workers else [])):
                _known(name, plan.servers, "the whole shop stands on")
        elif plan.workers:
            raise BacklabError("workers belong to a shop", f"write `shop: {WHOLE}` into the configuration")
        return plan

    @property
    def there(self) -> list[str]:
        """What its load can call."""
        return [*self.servers, *(["shop"] if self.shop == WHOLE else [])]


FIELDS: dict[str, type] = {
    "servers": list, "wires": list, "load": dict, "shop": str, "workers": list, "page": str,
    "screens": int, "period_s": float,
}  # fmt: skip


class Stage(Block):
    """What a plan asks for, running: `servers`, `wires`, and `callers` (arm -> what makes one)."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self.plan = plan
        self.servers: dict[str, Any] = {}
        self.wires: dict[str, Wire] = {}
        self.callers: dict[str, Callable[[], Caller]] = {}
        self.behind: dict[str, str] = {}  # wire -> server
        self._database = ""

    def _start(self) -> None:
        if self.plan.shop in SHOPS:
            self._raise_shop()
        self._raise_servers()
        if self.plan.shop == WHOLE:
            self._raise_whole_shop()
        for arm, kind in self.plan.load.items():
            self.callers[arm] = partial(maker(kind, self.plan.there), self)

    def _raise_shop(self) -> None:
        module, _, kind = SHOPS[self.plan.shop].partition(":")
        shop = self._open.enter_context(getattr(import_module(module), kind)())
        self.wires |= shop.wires
        self.servers |= shop.servers
        self.behind |= dict.fromkeys(shop.wires, "postgres")
        self.callers |= shop.callers(self.plan.page)

    def _raise_servers(self) -> None:
        made = {name: _make(name) for name in self.plan.servers}
        self._open.enter_context(together(made.values()))
        self.servers |= made
        if "postgres" in made:
            self._database = made["postgres"].database("shop")
        if "kafka" in made:
            from services.kafka_topics import Topics

            Topics(made["kafka"].bootstrap).create(TOPIC)
        if self.plan.wires:
            proxy = self._open.enter_context(ProxyServer())
            for name in self.plan.wires:
                server = made[name]
                protocol = name if name in PROTOCOLS else None
                upstream, port = server.wire_ends()
                self.wires[name] = proxy.proxy(name, upstream=upstream, protocol=protocol, port=port)
                self.behind[name] = name

    def _raise_whole_shop(self) -> None:
        from services.shop.topology import Shop

        settings = {"kafka_bootstrap": self.address("kafka")} if self.plan.workers else {}
        url = sqlalchemy_url(self.address("postgres"))
        shop = Shop(database_url=url, workers=self.plan.workers, settings=settings)
        self._open.enter_context(shop)
        self.servers |= {"shop": shop.processes["gateway"], **shop.workers}

    def address(self, server: str) -> str:
        """The URL of a server (of PostgreSQL: of its shop), through its wire if it has one."""
        url = self._database if server == "postgres" else str(self.server(server).url)
        if server not in self.wires:
            return url
        wire = self.wires[server]
        return wire.through(url) if "://" in url else f"{wire.host}:{wire.port}"

    def server(self, name: str) -> Any:
        """A server by name; raises `BacklabError` where the experiment has none of that name."""
        _known(name, self.servers, "this experiment has")
        return self.servers[name]

    def wire(self, name: str) -> Wire:
        """A wire by name; raises `BacklabError` where the experiment has none of that name."""
        _known(name, self.wires, "this experiment has a wire to")
        return self.wires[name]

    def wires_to(self, server: str) -> list[Wire]:
        """Every wire that leads to a server."""
        return [self.wires[wire] for wire, behind in self.behind.items() if behind == server]


def _make(name: str) -> Any:
    if name != "postgres":
        return kinds.make(name)
    from services.shop.load import template

    return kinds.make(name, template=template("S", DATA_SEED))


def _known(name: str, known: Any, what: str) -> None:
    if name not in known:
        near = get_close_matches(name, list(known), n=1)
        step = f"did you mean {near[0]!r}?" if near else "name it in the configuration"
        raise BacklabError(f"{what} no {name!r}, only {', '.join(known) or 'nothing'}", step)


def _typed(name: str, value: Any, kind: type) -> Any:
    """The value as its kind; numbers may come as text, because `--var` hands them on so."""
    try:
        if kind in (list, dict) and not isinstance(value, kind):
            raise TypeError
        return kind(value)
    except (TypeError, ValueError):
        said = {list: "a list", dict: "a mapping", int: "a whole number", float: "a number"}.get(kind, "text")
        raise BacklabError(
            f"the configuration's {name} is {value!r}", f"write {said} (see chaos/stage.py)"
        ) from None
