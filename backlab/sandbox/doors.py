"""The only ways out of a sandbox: sockets that listen inside it and lead to one server each, from outside.

127.0.0.1:port in the sandbox --accepted by us--> 127.0.0.1:port of this machine, where the wire counts
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading

CONNECTIONS = 64
CHUNK = 1 << 16


class Doors:
    """Carries bytes for a sandbox in a thread of its own, until it is closed."""

    def __init__(self, listeners: list[socket.socket], ports: list[int]) -> None:
        self._loop = asyncio.new_event_loop()
        self._open = 0
        self._servers = list(zip(listeners, ports, strict=True))
        self._thread = threading.Thread(target=self._run, name="doors", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        for listener, port in self._servers:
            self._loop.create_task(self._serve(listener, port))
        self._loop.run_forever()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(RuntimeError):
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, listener: socket.socket, port: int) -> None:
        await asyncio.start_server(lambda reader, writer: self._carry(reader, writer, port), sock=listener)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        if self._open >= CONNECTIONS:
            writer.close()
            return
        self._open += 1
        try:
            inner, outer = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(_pump(reader, outer), _pump(inner, writer))
        except (OSError, asyncio.CancelledError):  # refused, or we close
            writer.close()
        finally:
            self._open -= 1

    def close(self) -> None:
        """Close every door; what is on its way is lost."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        for listener, _ in self._servers:
            listener.close()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(CHUNK):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass
    finally:
        with contextlib.suppress(Exception):
            writer.close()
