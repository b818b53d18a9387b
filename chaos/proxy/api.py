"""Toxiproxy's HTTP API, and what we add to it: counts, receipts, leases.

    Toxiproxy   /version /metrics /reset /populate /proxies /proxies/{proxy} /proxies/{proxy}/toxics[/{toxic}]
    ours        /proxies/{proxy}/counts   GET; POST counts from zero and returns what there was
                /proxies/{proxy}/toxics/{toxic}/receipt   GET, also after the fault has ended
                /proxies/{proxy}/toxics/{toxic}/renew     POST starts the lease anew
                /holder   GET stays open: faults created with its "holder" end when it closes

Two fields are ours: "protocol" of a new proxy, and "lease_s" or "holder" of a new toxic. Behaviour follows
api.go of Toxiproxy 2.12 (github.com/Shopify/toxiproxy).
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import unquote

from chaos.proxy import errors, metrics
from chaos.proxy.alarm import now
from chaos.proxy.http import Answer, Request, Stream
from chaos.proxy.proxies import Proxies, Proxy, address
from chaos.proxy.toxics import toxic_of

VERSION = "2.12.0"  # the version of Toxiproxy whose API this is
CHANGE = ("POST", "PATCH")
Route = Callable[..., Awaitable[Answer | Stream]]


class Api:
    """Answers requests about a set of proxies."""

    def __init__(self, proxies: Proxies) -> None:
        self.proxies = proxies
        self._one_at_a_time = asyncio.Lock()  # starting and stopping a proxy takes several steps
        one, toxics = ("proxies", "{}"), ("proxies", "{}", "toxics")
        self.routes: dict[tuple[str, ...], dict[str, Route]] = {
            ("version",): {"GET": self.version},
            ("reset",): {"POST": self.reset},
            ("metrics",): {"GET": self.metrics},
            ("populate",): {"POST": self.populate},
            ("holder",): {"GET": self.holder},
            ("proxies",): {"GET": self.index, "POST": self.create},
            one: {"GET": self.show, "DELETE": self.delete, **dict.fromkeys(CHANGE, self.update)},
            (*one, "counts"): {"GET": self.counts, "POST": self.reset_counts},
            toxics: {"GET": self.toxics, "POST": self.add_toxic},
            (*toxics, "{}"): {
                "GET": self.toxic,
                "DELETE": self.end_toxic,
                **dict.fromkeys(CHANGE, self.change_toxic),
            },
            (*toxics, "{}", "receipt"): {"GET": self.receipt},
            (*toxics, "{}", "renew"): {"POST": self.renew},
        }

    async def __call__(self, request: Request) -> Answer | Stream:
        """Find the route and follow it."""
        if request.user_agent.startswith("Mozilla/"):
            raise errors.ApiError(403, "User agent not allowed")  # no page in a browser may steer us
        parts = tuple(map(unquote, request.path.strip("/").split("/")))
        for pattern, methods in self.routes.items():
            names = _match(pattern, parts)
            if names is None:
                continue
            if request.method not in methods:
                raise errors.ApiError(405, "method not allowed")
            async with self._one_at_a_time:
                return await methods[request.method](request, *names)
        raise errors.ApiError(404, "page not found")

    async def version(self, request: Request) -> Answer:
        return Answer(200, {"version": VERSION})

    async def metrics(self, request: Request) -> Answer:
        return Answer(200, metrics.text(self.proxies.by_name.values()), metrics.CONTENT_TYPE)

    async def reset(self, request: Request) -> Answer:
        """Enable all proxies and end all faults."""
        for proxy in self.proxies.by_name.values():
            await proxy.start()
        self.proxies.end_where(lambda toxic: True, "reset")
        return Answer(204)

    async def holder(self, request: Request) -> Stream:
        name = secrets.token_hex(8)
        self.proxies.holders.add(name)
        return Stream({"holder": name}, lambda: self.proxies.lose(name))

    async def index(self, request: Request) -> Answer:
        return Answer(200, {name: proxy.as_json() for name, proxy in self.proxies.by_name.items()})

    async def create(self, request: Request) -> Answer:
        body = _object(request)
        for name in ("name", "upstream"):
            if not body.get(name):
                raise errors.missing_field(name)
        proxy = self._make(body)
        if proxy.name in self.proxies.by_name:
            raise errors.proxy_already_exists()
        if body.get("enabled", True):
            await proxy.start()
        self.proxies.by_name[proxy.name] = proxy
        return Answer(201, proxy.as_json())

    async def populate(self, request: Request) -> Answer:
        """Create or replace a list of proxies; one that leads the same way is left alone."""
        wanted = _json(request)
        if not isinstance(wanted, list) or not all(isinstance(body, dict) for body in wanted):
            raise errors.bad_request_body("a list of proxies is needed")
        for place, body in enumerate(wanted, start=1):
            for name in ("name", "upstream"):
                if not body.get(name):
                    raise errors.missing_field(f"{name} at proxy {place}")
        return Answer(201, {"proxies": [(await self._place(body)).as_json() for body in wanted]})

    async def _place(self, body: Mapping[str, Any]) -> Proxy:
        proxy = self._make(body)
        existing = self.proxies.by_name.get(proxy.name)
        if existing and _same_way(existing, proxy.listen, proxy.upstream):
            return existing
        if existing:
            await existing.stop()
        if body.get("enabled") in (True, None):
            await proxy.start()
        self.proxies.by_name[proxy.name] = proxy
        return proxy

    def _make(self, body: Mapping[str, Any]) -> Proxy:
        name, listen, upstream = (body.get(field) or "" for field in ("name", "listen", "upstream"))
        if not all(isinstance(text, str) for text in (name, listen, upstream)):
            raise errors.bad_request_body("name, listen and upstream must be strings")
        return self.proxies.make(name, listen, upstream, body.get("protocol"))

    async def show(self, request: Request, name: str) -> Answer:
        return Answer(200, self.proxies.get(name).as_json())

    async def update(self, request: Request, name: str) -> Answer:
        """Change addresses (which drops all connections), or switch the proxy on or off."""
        proxy, body = self.proxies.get(name), _object(request)
        listen, upstream = body.get("listen", proxy.listen), body.get("upstream", proxy.upstream)
        enabled = body.get("enabled", proxy.enabled)
        if not _same_way(proxy, listen, upstream):
            await proxy.stop()
            proxy.lead(listen, upstream)
        await (proxy.start() if enabled else proxy.stop())
        return Answer(200, proxy.as_json())

    async def delete(self, request: Request, name: str) -> Answer:
        await self.proxies.get(name).stop()
        del self.proxies.by_name[name]
        return Answer(204)

    async def counts(self, request: Request, name: str) -> Answer:
        return Answer(200, self.proxies.get(name).counts())

    async def reset_counts(self, request: Request, name: str) -> Answer:
        proxy = self.proxies.get(name)
        counts = proxy.counts()
        proxy.tally.reset()
        return Answer(200, counts)

    async def toxics(self, request: Request, name: str) -> Answer:
        return Answer(200, self.proxies.get(name).as_json()["toxics"])

    async def add_toxic(self, request: Request, name: str) -> Answer:
        proxy, toxic = self.proxies.get(name), toxic_of(_object(request))
        if toxic.holder and toxic.holder not in self.proxies.holders:
            raise errors.ApiError(409, "holder is not connected")
        proxy.add(toxic)
        return Answer(200, toxic.as_json())

    async def toxic(self, request: Request, name: str, toxic: str) -> Answer:
        return Answer(200, self.proxies.get(name).toxic(toxic).as_json())

    async def change_toxic(self, request: Request, name: str, toxic: str) -> Answer:
        proxy = self.proxies.get(name)
        changed = proxy.toxic(toxic)
        changed.change(_object(request))
        proxy.changed(changed)
        return Answer(200, changed.as_json())

    async def end_toxic(self, request: Request, name: str, toxic: str) -> Answer:
        proxy = self.proxies.get(name)
        proxy.end(proxy.toxic(toxic), "deleted")
        return Answer(204)

    async def receipt(self, request: Request, name: str, toxic: str) -> Answer:
        return Answer(200, self.proxies.get(name).receipt(toxic))

    async def renew(self, request: Request, name: str, toxic: str) -> Answer:
        self.proxies.get(name).toxic(toxic).renewed = now()
        return Answer(204)


def _match(pattern: tuple[str, ...], parts: tuple[str, ...]) -> list[str] | None:
    """The values of a pattern's "{}" in a path, or None if it does not fit."""
    if len(pattern) != len(parts) or any(a not in ("{}", b) for a, b in zip(pattern, parts, strict=True)):
        return None
    return [part for a, part in zip(pattern, parts, strict=True) if a == "{}"]


def _same_way(proxy: Proxy, listen: str, upstream: str) -> bool:
    try:
        return proxy.upstream == upstream and proxy.listen_address == address(listen)
    except ValueError as wrong:
        raise errors.ApiError(500, str(wrong)) from wrong


def _json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except ValueError as wrong:
        raise errors.bad_request_body(wrong if request.body else "EOF") from wrong


def _object(request: Request) -> dict[str, Any]:
    body = _json(request)
    if not isinstance(body, dict):
        raise errors.bad_request_body("a JSON object is needed")
    return body
