"""What every service of the shop has in common: problems, deadlines, bounds, counters, `/live`, `/ready`.

request ──▶ Telemetry ──▶ Deadlines ──▶ Bounds ──▶ routes
            counts        504           503, 504
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from services.shop import operations, problems
from services.shop.bounds import Bounds
from services.shop.deadline import Deadlines
from services.shop.settings import Settings
from services.shop.telemetry import Telemetry

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def create(
    name: str,
    settings: Settings,
    ready: Callable[[], None] = lambda: None,
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """An application to which a service adds its routes; `ready` raises while it could not serve."""
    app = FastAPI(title=f"shop: {name}", redoc_url=None, lifespan=lifespan)
    problems.install(app)
    if settings.max_concurrent:
        app.add_middleware(
            Bounds,
            service=name,
            max_concurrent=settings.max_concurrent,
            max_waiting=settings.max_waiting,
        )
    app.add_middleware(Deadlines)
    app.add_middleware(Telemetry, service=name)  # added last, so outermost
    _operate(app, ready)
    if settings.allow_freeze:
        app.include_router(operations.freezer)
    return app


def _operate(app: FastAPI, ready: Callable[[], None]) -> None:
    @app.get("/live", tags=["operations"])
    async def live() -> dict[str, str]:
        """The process runs."""
        return {"status": "live"}

    @app.get("/ready", tags=["operations"])
    async def is_ready() -> dict[str, str]:
        """It could serve now: what it needs answers."""
        await run_in_threadpool(ready)
        return {"status": "ready", "version": app.version}

    @app.get("/metrics", tags=["operations"])
    async def metrics() -> Response:
        """Counters and gauges of the whole process, for Prometheus."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
