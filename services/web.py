"""HTTP with servers on this machine: httpx without what only TLS and proxies need.

get(url) ──▶ httpx.get(url, verify=False, trust_env=False)

For each call httpx reads a bundle of certificates, 30 ms of processor time even where the address says http.
A probe that asks again every few milliseconds would take a whole core from the server that it waits for.
"""

from __future__ import annotations

from typing import Any

import httpx

LOCAL: dict[str, Any] = {"verify": False, "trust_env": False}  # no certificates, nobody in between


def get(url: str, *, timeout_s: float = 5.0, **more: Any) -> httpx.Response:
    """GET a plain `http://` address of this machine; raises `httpx.TransportError` where nobody answers."""
    return httpx.get(url, timeout=timeout_s, **LOCAL, **more)


def post(url: str, *, timeout_s: float = 5.0, **more: Any) -> httpx.Response:
    """POST to one."""
    return httpx.post(url, timeout=timeout_s, **LOCAL, **more)


def client(*, timeout_s: float = 10.0, **more: Any) -> httpx.Client:
    """A client for many calls to one."""
    return httpx.Client(timeout=timeout_s, **LOCAL, **more)
