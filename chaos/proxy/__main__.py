"""Start the proxy as one starts toxiproxy-server: `python -m chaos.proxy --port 8474 --config proxies.json`.

The first line on standard output is JSON: {"api": "127.0.0.1:8474", "pid": 4711, "version": "2.12.0"}.
Exit codes: 0 after SIGINT or SIGTERM, 2 when it could not start.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from chaos.proxy.api import VERSION, Api
from chaos.proxy.errors import ApiError
from chaos.proxy.http import Conversation, Request
from chaos.proxy.proxies import Proxies
from services.errors import BacklabError

with contextlib.suppress(
    ImportError
):  # not on Windows; there the standard loop does, at a third of the speed
    import uvloop


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The options of toxiproxy-server."""
    parser = argparse.ArgumentParser(
        prog="python -m chaos.proxy",
        description="A TCP proxy that counts the wire and carries faults, with Toxiproxy's HTTP API.",
        epilog="example: python -m chaos.proxy --port 8474 --config proxies.json",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address of the API (default %(default)s)")
    parser.add_argument(
        "--port", type=int, default=8474, help="port of the API, 0 for a free one (default 8474)"
    )
    parser.add_argument("--config", type=Path, help="JSON file with a list of proxies to create at the start")
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of jitter and toxicity (default %(default)s)"
    )
    parser.add_argument("--version", action="version", version=VERSION)
    return parser.parse_args(given)


def listen(host: str, port: int) -> socket.socket:
    """The API's listening socket; raises BacklabError if the port cannot be had."""
    try:
        return socket.create_server((host, port))
    except (OSError, OverflowError) as refusal:
        number = getattr(refusal, "errno", None)
        reason = os.strerror(number) if number and number > 0 else refusal
        what = f"the proxy's API cannot listen on {host}:{port} ({reason})"
        next_step = "stop what uses that port, or choose another with --port (0: a free one)"
        raise BacklabError(what, next_step) from refusal


async def populate(api: Api, config: Path) -> None:
    """Create the proxies of a file; raises BacklabError that names the file and what is wrong in it."""
    next_step = (
        'give a JSON list such as [{"name": "pg", "listen": "127.0.0.1:0", "upstream": "127.0.0.1:5432"}]'
    )
    try:
        await api(Request("POST", "/populate", config.read_bytes(), ""))
    except OSError as refusal:
        raise BacklabError(f"{config} cannot be read ({refusal.strerror})", next_step) from refusal
    except ApiError as refusal:
        raise BacklabError(f"{config} cannot be used ({refusal.message})", next_step) from refusal


async def serve(options: argparse.Namespace) -> None:
    """Run until SIGINT or SIGTERM."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    listening = listen(options.host, options.port)
    proxies = Proxies(options.seed)
    api = Api(proxies)
    if options.config:
        await populate(api, options.config)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    leases = loop.create_task(proxies.watch_leases())
    await loop.create_server(lambda: Conversation(api), sock=listening)
    host, port = listening.getsockname()[:2]
    print(json.dumps({"api": f"{host}:{port}", "pid": os.getpid(), "version": VERSION}), flush=True)
    await stop.wait()
    leases.cancel()
    for proxy in proxies.by_name.values():
        await proxy.stop()


def main(given: list[str] | None = None) -> int:
    """Run the proxy; returns the exit code."""
    options = arguments(given)
    factory: Any = uvloop.new_event_loop if "uvloop" in sys.modules else None
    try:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(serve(options))
    except BacklabError as refusal:
        print(f"chaos.proxy: {refusal}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
