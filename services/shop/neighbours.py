"""Where a service finds the others, and how it asks them: in this process or by HTTP, with its deadline.

orders ──ask("PUT", "/reservations/7", json=...)──▶ inventory    (its JSON, or its problem as an exception)
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import httpx
from fastapi import FastAPI

from services.shop import deadline, policies, problems, telemetry
from services.shop.names import place
from services.shop.settings import Settings
from services.web import LOCAL


class Neighbour:
    """Another service, as one service sees it."""

    def __init__(
        self, name: str, client: httpx.AsyncClient, policy: policies.Policy, timeout_s: float
    ) -> None:
        self.name, self.timeout_s = name, timeout_s
        self._client, self._policy = client, policy

    async def ask(self, method: str, path: str, **request: Any) -> Any:
        """The answer's JSON; raises `PassedOn` for its problem, `httpx.HTTPError` where it gave no answer."""
        answer = await self.send(method, path, **request)
        if answer.headers.get("Content-Type") == problems.MEDIA_TYPE:
            raise problems.PassedOn(answer)
        if not answer.is_success:
            raise problems.unavailable(f"{self.name} answered {answer.status_code} without saying why")
        return answer.json() if answer.content else None

    async def send(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer whatever it is, after as many attempts as the policy makes."""
        headers = {**request.pop("headers", {}), **deadline.headers()}

        async def attempt() -> httpx.Response:
            within_s = min(self.timeout_s, deadline.remaining_s())
            if within_s <= 0:
                raise deadline.too_late()
            try:
                # for the whole answer, where httpx's own time-outs are for each of its parts
                async with asyncio.timeout(within_s):
                    return await self._client.request(method, path, headers=headers, **request)
            except TimeoutError:
                raise httpx.ReadTimeout(f"{self.name} did not answer within {within_s:.3f} s") from None

        return await self._policy(lambda: self._counted(attempt))

    async def _counted(self, attempt: policies.Send) -> httpx.Response:
        status = "none"
        try:
            answer = await attempt()
            status = str(answer.status_code)
            return answer
        finally:
            telemetry.CALLS.labels(self.name, status).inc()


class Neighbours:
    """All services that one process can reach; `here` are those that live in it."""

    def __init__(self, settings: Settings, port: int = 0) -> None:
        self.settings, self.port = settings, port
        self.here: dict[str, FastAPI] = {}
        self._policy = policies.named(settings.call_policy)
        self._clients = AsyncExitStack()

    def find(self, name: str) -> Neighbour:
        """The service called `name`."""
        client = self._client(name)
        self._clients.push_async_callback(client.aclose)
        return Neighbour(name, client, self._policy(name), self.settings.call_timeout_s)

    def _client(self, name: str) -> httpx.AsyncClient:
        within = self.settings.one_of("calls", ("in-process", "http")) == "in-process"
        if name in self.here and within:
            inside = httpx.ASGITransport(self.here[name], raise_app_exceptions=False)
            return httpx.AsyncClient(base_url=f"http://{name}", transport=inside)
        own = f"http://127.0.0.1:{self.port}{place(name)}"
        url = own if name in self.here else self.settings.url_of(name)
        # no cap on connections: how many requests a service bears is its own business
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
        return httpx.AsyncClient(base_url=url, limits=limits, timeout=None, **LOCAL)

    async def aclose(self) -> None:
        """Close every connection to the others."""
        await self._clients.aclose()
