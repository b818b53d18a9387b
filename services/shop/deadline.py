"""The moment after which nobody waits for an answer: read from the request, heeded, sent on to neighbours.

X-Request-Deadline: 1764108000.250       seconds since 1970, set once by whoever asks first

It is absolute, not "so many milliseconds", so that time which nobody measured counts too: in a socket's
buffer, in a queue, in a frozen process. The price is that clocks must agree, which on one machine they do.
"""

from __future__ import annotations

import math
import time
from contextvars import ContextVar

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from services.shop.operations import is_operational
from services.shop.problems import Problem

HEADER = "X-Request-Deadline"

_deadline: ContextVar[float] = ContextVar("deadline", default=math.inf)


def remaining_s() -> float:
    """Seconds until the current request's deadline: infinite where it has none, negative when it is over."""
    return _deadline.get() - time.time()


def headers() -> dict[str, str]:
    """What a call to a neighbour carries, so that it knows how long we wait."""
    moment = _deadline.get()
    return {} if math.isinf(moment) else {HEADER: f"{moment:.6f}"}


def too_late() -> Problem:
    """504: the caller has left, so no work was done."""
    detail = f"nobody has waited for this answer for {-remaining_s():.3f} s; nothing was done"
    return Problem(504, "deadline-passed", "Deadline passed", detail)


class Deadlines:
    """Middleware: a request that comes too late is answered at once, any other knows how long it may take."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        text = Headers(scope=scope).get(HEADER) if scope["type"] == "http" else None
        if text is None or is_operational(scope):
            await self.app(scope, receive, send)
            return
        before = _deadline.set(_moment(text))
        try:
            answer = too_late().response() if remaining_s() <= 0 else self.app
            await answer(scope, receive, send)
        finally:
            _deadline.reset(before)


def _moment(text: str) -> float:
    """The header as a number; one that nobody can read is as good as none."""
    try:
        moment = float(text)
    except ValueError:
        return math.inf
    return moment if math.isfinite(moment) else math.inf
