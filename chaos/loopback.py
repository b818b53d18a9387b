"""Load goes to this machine only: whether an address is one of its own, and a refusal where it is not."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from services.errors import BacklabError


def is_loopback(host: str | None) -> bool:
    """Whether a host name or number is this machine by itself, without asking any name server."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False


def host_of(url: str) -> str | None:
    """The host of a URL, or of "host:port"; None where there is none to be read."""
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname
    except ValueError:
        return None


def refuse_strangers(url: str) -> None:
    """Raise `BacklabError` where `url` leads to another machine."""
    if not is_loopback(host_of(url)):
        raise BacklabError(
            f"refused: {url} is not this machine; load goes to 127.0.0.1 only",
            "start the server here and aim at http://127.0.0.1:<port>",
        )
