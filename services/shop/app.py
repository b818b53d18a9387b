"""What every service of the shop has in common: problems, `/live`, `/ready`, `/metrics`, a database pool.

create(name) -> FastAPI --counts--> shop_requests_total{route} at /metrics
pool(settings) -> Engine of at most `pool_size` connections
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, generate_latest
from sqlalchemy import Engine, create_engine

from services.shop import problems
from services.shop.settings import Settings

OPERATIONAL = {"/live", "/ready", "/metrics"}

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create(name: str, lifespan: Lifespan | None = None) -> FastAPI:
    """An application that answers problems by RFC 9457 and counts the requests that its users sent."""
    app = FastAPI(title=f"shop: {name}", redoc_url=None, lifespan=lifespan)
    problems.install(app)
    registry = CollectorRegistry()
    requests = Counter("shop_requests", "Requests answered", ["route", "status"], registry=registry)

    @app.middleware("http")
    async def count(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await answer(request)
        if request.url.path not in OPERATIONAL:
            route = request.scope.get("route")
            requests.labels(getattr(route, "path", "unknown"), response.status_code).inc()
        return response

    @app.get("/live")
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @app.get("/metrics")
    async def metrics() -> Response:
        """Counters for Prometheus; what operates the service is not counted."""
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def pool(settings: Settings) -> Engine:
    """The service's connections: `pool_size` at most, a wait of `pool_timeout_s`, nothing beyond."""
    return create_engine(
        settings.database_url,
        pool_size=settings.pool_size,
        max_overflow=0,
        pool_timeout=settings.pool_timeout_s,
    )
