"""What to send and where: a URL of this machine, and the bytes of the request, made once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from chaos.loopback import refuse_strangers
from services.errors import BacklabError


@dataclass(frozen=True)
class Target:
    """One arm of a run: its name, its address, and the request that is sent to it again and again."""

    arm: str
    host: str
    port: int
    op: str
    request: bytes

    @property
    def address(self) -> str:
        """Host and port, for sentences."""
        return f"{self.host}:{self.port}"


def target(
    url: str,
    arm: str = "load",
    *,
    method: str = "GET",
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> Target:
    """The target that a URL names; raises `BacklabError` for other machines and other protocols than HTTP."""
    refuse_strangers(url)
    parts = urlsplit(url)
    try:
        port = parts.port or 80
    except ValueError as error:
        raise BacklabError(f"{url} has no usable port ({error})", "write http://127.0.0.1:<port>/") from None
    if parts.scheme != "http" or parts.username:
        raise BacklabError(
            f"{url} is no plain http:// address", "the generator speaks HTTP/1.1 without TLS or passwords"
        )
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = {"Host": parts.netloc, "User-Agent": "backlab-openloop", **(headers or {})}
    if body or method in ("POST", "PUT", "PATCH"):
        lines["Content-Length"] = str(len(body))
    words = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in lines.items()), "", ""]
    if any(character in word for word in words for character in "\r\n") or " " in method + path:
        raise BacklabError(
            "a header, method or path holds a space or line break that HTTP forbids", "remove it"
        )
    host = "127.0.0.1" if parts.hostname == "localhost" else str(parts.hostname)
    return Target(arm, host, port, f"{method} {path}", "\r\n".join(words).encode() + body)
