"""Run one or more services in one process: `python -m services.shop.run catalog,orders --port 8002`.

catalog              ──▶ /products/7
catalog,orders       ──▶ /services/catalog/products/7   /services/orders/orders/7
all                  ──▶ the same for each, and the gateway's routes at the root

Settings come from the environment (settings.py says which).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module

import uvicorn
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount

from services.errors import BacklabError
from services.shop import app as shop_app
from services.shop.names import SERVICES, chosen, place
from services.shop.neighbours import Neighbours
from services.shop.settings import Settings


def process(names: list[str], settings: Settings, port: int = 0) -> Starlette:
    """One application that answers for all the services of these names."""
    neighbours = Neighbours(settings, port)
    for name in sorted(names, key=SERVICES.index):
        create: Callable[[Settings, Neighbours], FastAPI] = import_module(f"services.shop.{name}").create
        neighbours.here[name] = create(settings, neighbours)
    apps = neighbours.here

    @asynccontextmanager
    async def lifespan(_root: Starlette) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(neighbours.aclose)
            for app in apps.values():
                await stack.enter_async_context(app.router.lifespan_context(app))
            yield

    return Starlette(routes=_mounts(apps, settings), lifespan=lifespan)


def _mounts(apps: dict[str, FastAPI], settings: Settings) -> list[Mount]:
    """Each below its name; at the root the only one, the gateway, or what says that the process lives."""
    if len(apps) == 1:
        return [Mount("", app) for app in apps.values()]
    root = apps.get("gateway") or shop_app.create("process", settings)
    return [*(Mount(place(name), app) for name, app in apps.items()), Mount("", root)]


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.run", description="Run services of the shop in one process."
    )
    parser.add_argument("services", help=f"all, or some of {','.join(SERVICES)}")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    asked = parser.parse_args()
    try:
        app = process(chosen(asked.services), Settings.from_environment(), asked.port)
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)
    uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning")


if __name__ == "__main__":
    main()
