"""The suite's clients by kind; a kind without one fails the suite."""

from __future__ import annotations

import importlib

from tests.conformance.clients.client import Client


def client_of(kind: str) -> Client:
    """The client in `tests/conformance/clients/<kind>.py`, a class called after its server."""
    module = importlib.import_module(f"tests.conformance.clients.{kind}")
    return next(
        found()
        for found in vars(module).values()
        if isinstance(found, type) and issubclass(found, Client) and found.__module__ == module.__name__
    )
