"""How a service calls a neighbour: once, or again after a failure. `SHOP_CALL_POLICY` names one, or yours.

A policy is made once per neighbour and then wraps every call to it:

    def mine(neighbour: str) -> Policy:
        async def call(send):            # `await send()` is one attempt; it answers or raises httpx.HTTPError
            return await send()
        return call
"""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable

import httpx

from services.errors import BacklabError

Send = Callable[[], Awaitable[httpx.Response]]
Policy = Callable[[Send], Awaitable[httpx.Response]]

RETRIED = {502, 503, 504}


def once(_neighbour: str) -> Policy:
    """One attempt, whose failure is the caller's to judge."""

    async def call(send: Send) -> httpx.Response:
        return await send()

    return call


def four_times(_neighbour: str) -> Policy:
    """Three retries at once, as clients ship them: a failing neighbour gets four times the load (lab 4.4)."""

    async def call(send: Send) -> httpx.Response:
        for _ in range(3):
            try:
                answer = await send()
            except httpx.HTTPError:
                continue
            if answer.status_code not in RETRIED:
                return answer
        return await send()

    return call


def named(path: str) -> Callable[[str], Policy]:
    """The policy called `module:function`; raises `BacklabError` where there is none."""
    module, _, name = path.partition(":")
    try:
        found: Callable[[str], Policy] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise BacklabError(
            f"SHOP_CALL_POLICY={path!r} names no policy: {error}", "write module:function"
        ) from None
    return found
