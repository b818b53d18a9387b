"""Run a service of the shop: `python -m services.shop.run orders --port 8002`, settings by environment."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib import import_module

import uvicorn
from fastapi import FastAPI

from services.errors import BacklabError
from services.shop.settings import Settings

SERVICES = ("catalog", "orders", "gateway")


def application(service: str, settings: Settings) -> FastAPI:
    """The application of the service called `service`."""
    create: Callable[[Settings], FastAPI] = import_module(f"services.shop.{service}").create
    return create(settings)


def main() -> None:
    """Serve on 127.0.0.1 until told to stop."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.run", description="Run one service of the shop."
    )
    parser.add_argument("service", choices=SERVICES)
    parser.add_argument("--port", type=int, default=8000)
    chosen = parser.parse_args()
    try:
        app = application(chosen.service, Settings.from_environment())
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)
    uvicorn.run(app, host="127.0.0.1", port=chosen.port, log_level="warning")


if __name__ == "__main__":
    main()
