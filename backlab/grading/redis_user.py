"""A Redis user for a guest: values and scripts, and nothing that changes, watches or stops the server.

The server is the guest's alone while it is judged; then it is emptied, or ended where it does not answer.
"""

from __future__ import annotations

import contextlib
import secrets
from urllib.parse import urlsplit, urlunsplit

import redis

from services.redis import Redis

# what lives in its memory stays small, and a script without end is told soon
SETTINGS = {"maxmemory": "64mb", "busy-reply-threshold": "500"}
ALLOWED = [
    "+@read", "+@write", "+@transaction", "-@dangerous", "-@admin", "-@blocking", "-@pubsub",
    "+eval", "+eval_ro", "+evalsha", "+evalsha_ro", "+script|load", "+script|exists",
    "+hello", "+auth", "+ping", "+echo", "+quit", "+client|setinfo", "+client|setname", "+client|id",
]  # fmt: skip
ANSWERS_S = 2.0


class RedisUser:
    """A user of `server`; `close` forgets it and everything that it has stored."""

    def __init__(self, server: Redis) -> None:
        self.server = server
        self.name, password = f"guest_{secrets.token_hex(6)}", secrets.token_urlsafe(18)
        self.admin = redis.Redis.from_url(
            server.url, decode_responses=True, socket_timeout=ANSWERS_S, retry=None
        )
        self.admin.flushall()
        self.admin.execute_command(
            "ACL", "SETUSER", self.name, "reset", "on", f">{password}", "~*", "-@all", *ALLOWED
        )
        parts = urlsplit(server.url)
        host = parts.netloc.rpartition("@")[2]
        self.url = urlunsplit(parts._replace(netloc=f"{self.name}:{password}@{host}"))

    def close(self) -> None:
        """Forget the user, whoever is connected as it, and its keys and scripts."""
        try:
            with contextlib.suppress(redis.ResponseError):  # there is none to kill, or it cannot be killed
                self.admin.execute_command("SCRIPT", "KILL")
            self.admin.execute_command("ACL", "DELUSER", self.name)
            self.admin.flushall()
            self.admin.execute_command("SCRIPT", "FLUSH", "SYNC")
        except redis.RedisError:
            self.server.kill()  # whoever comes next starts another
        finally:
            self.admin.close()
