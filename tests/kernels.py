"""A Jupyter kernel of a test's own, started and ended as a front end does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jupyter_client import BlockingKernelClient, KernelManager

from backlab.authoring import listening

READY_S = 60


@contextmanager
def kernel(**how: Any) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Its manager and a client that has heard from it; `how` is what `start_kernel` takes: env, cwd."""
    manager = KernelManager(**listening.names())
    manager.start_kernel(**how)
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=READY_S)
        yield manager, client
    finally:
        client.stop_channels()
        if manager.has_kernel:
            manager.shutdown_kernel(now=True)
