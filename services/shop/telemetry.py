"""What Prometheus is told: requests by route and status, requests in flight, requests waiting for a worker.

One registry per process, as the client library has it; the label `service` tells neighbours in it apart.
"""

from __future__ import annotations

from prometheus_client import Counter, Gauge, disable_created_metrics
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.shop.operations import is_operational

disable_created_metrics()  # type: ignore[no-untyped-call]  # the time of each label's birth would double the page

REQUESTS = Counter("shop_requests", "Requests answered", ["service", "route", "status"])
IN_FLIGHT = Gauge("shop_in_flight", "Requests that have come and are not answered yet", ["service"])
WAITING = Gauge("shop_waiting", "Requests in flight that wait for a worker", ["service"])
CALLS = Counter("shop_calls", "Calls to a neighbour, each attempt counted", ["neighbour", "status"])


class Telemetry:
    """Middleware: counts what users ask of a service; what operates it is not counted."""

    def __init__(self, app: ASGIApp, service: str) -> None:
        self.app, self.service = app, service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or is_operational(scope):
            await self.app(scope, receive, send)
            return
        status = 500  # what the server answers where the application raises

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with IN_FLIGHT.labels(self.service).track_inprogress():
            try:
                await self.app(scope, receive, watched)
            finally:
                route = getattr(scope.get("route"), "path", "") or "unknown"
                REQUESTS.labels(self.service, route, status).inc()
