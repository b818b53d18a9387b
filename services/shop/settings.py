"""One place for what a shop service may be told from outside: environment variables, `SHOP_...`."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

from services.errors import BacklabError


@dataclass(frozen=True)
class Settings:
    """How a service of the shop runs; every field is read from `SHOP_<FIELD>` in capitals."""

    database_url: str = ""
    """SQLAlchemy URL of the shop's database; empty where a service has none."""
    orders_url: str = "http://127.0.0.1:8002"
    catalog_url: str = "http://127.0.0.1:8001"
    loader: str = "naive"
    """Which loader builds the order page: `naive` or `repaired`."""
    catalog_calls: str = "per-line"
    """How the gateway asks the catalog: `per-line` or `per-page`."""
    pool_size: int = 5
    """Database connections that the service keeps; it never opens more."""
    pool_timeout_s: float = 1.0
    """How long a request waits for one of them before it is answered with 503."""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment; an unreadable number raises `BacklabError` with the variable's name."""
        found: dict[str, Any] = {}
        for field in fields(cls):
            name = f"SHOP_{field.name.upper()}"
            if name in os.environ:
                found[field.name] = _typed(name, os.environ[name], type(field.default))
        return cls(**found)

    def to_environment(self) -> dict[str, str]:
        """The same settings as environment variables for a service that is about to start."""
        return {f"SHOP_{field.name.upper()}": str(getattr(self, field.name)) for field in fields(self)}


def _typed(name: str, text: str, kind: type) -> object:
    try:
        return kind(text)
    except ValueError:
        raise BacklabError(f"{name}={text!r} is not a number", f"unset it or write {kind.__name__}") from None
