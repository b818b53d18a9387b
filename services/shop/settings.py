"""One place for what a shop process may be told from outside: environment variables, `SHOP_...`."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from typing import Any

from services.errors import BacklabError


@dataclass(frozen=True)
class Settings:
    """How a process of the shop runs; every field is read from `SHOP_<FIELD>` in capitals."""

    database_url: str = ""
    """SQLAlchemy URL of the shop's database; empty where a service has none."""
    redis_url: str = ""
    """Where carts and cached products are kept if `cart_store` and `product_cache` are `redis`."""
    kafka_bootstrap: str = ""
    """Where the workers find the broker; without one, events wait in the outbox."""

    catalog_url: str = "http://127.0.0.1:8001"
    orders_url: str = "http://127.0.0.1:8002"
    inventory_url: str = "http://127.0.0.1:8003"
    cart_url: str = "http://127.0.0.1:8004"
    payments_url: str = "http://127.0.0.1:8005"
    provider_url: str = "http://127.0.0.1:8006"
    calls: str = "in-process"
    """How services of one process call each other: `in-process` or `http`."""
    call_timeout_s: float = 5.0
    """How long a service waits for a neighbour; a request's deadline makes it shorter."""
    call_policy: str = "services.shop.policies:once"
    """How a service calls a neighbour: the `module:function` of a policy, or of one of your own."""

    loader: str = "naive"
    """Which loader builds the order page: `naive` or `repaired`."""
    catalog_calls: str = "per-line"
    """How the gateway asks the catalog: `per-line` or `per-page`."""
    product_cache: str = "none"
    """Where the catalog looks for a product first: `none` or `redis`."""
    product_cache_ttl_s: float = 60.0
    """How long a product stays there."""
    product_cache_timeout_s: float = 0.1
    """How long the catalog waits for the cache before it asks the database."""
    product_cache_invalidation: str = "delete"
    """What a price change does to the cached product: `delete`, or `none`, which leaves it its lifetime."""
    cart_store: str = "postgres"
    """Where carts are kept: `memory`, `postgres` or `redis`."""
    checkout_build: str = ""
    """Which build of the checkout runs (lab 4.5): none, `H`, or `A` to `F`."""
    checkout_seed: int = 0
    """What the letters mean."""
    checkout_directory: str = "."
    """Where such a build keeps its journal and its offers."""
    provider_delay_ms: float = 0.0
    """How long the payment provider takes for a charge, besides its database."""

    replica_slots: int = 2
    """Jobs that a replica (lab 4.3) does at a time; the next ones wait."""
    replica_work_ms: float = 100.0
    """How long a job waits in the database, unless it says otherwise."""

    run_suffix: str = ""
    """Added to the names of topics, groups and transactions, where several runs share a broker."""
    invoicer_mode: str = "transaction"
    """How the invoicer commits: `transaction`, `commit_after` or `commit_before`."""
    batch_size: int = 100
    """Messages or rows that a worker takes at a time."""
    partitions: int = 6
    """Partitions of a topic that a worker makes."""

    pool_size: int = 5
    """Database connections that a service keeps; it never opens more."""
    pool_timeout_s: float = 1.0
    """How long a request waits for one of them before it is answered with 503."""
    max_concurrent: int = 0
    """Requests that a service works on at a time; 0 means any number."""
    max_waiting: int = 100
    """Requests that may wait for their turn; the next one is answered with 503."""
    allow_freeze: bool = False
    """Whether `POST /freeze` exists, by which an experiment on this machine stops the process for a while."""

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment; an unreadable value raises `BacklabError` with the variable's name."""
        found: dict[str, Any] = {}
        for field in fields(cls):
            name = f"SHOP_{field.name.upper()}"
            if name in os.environ:
                found[field.name] = _typed(name, os.environ[name], type(field.default))
        return cls(**found)

    def to_environment(self) -> dict[str, str]:
        """The same settings as environment variables for a process that is about to start."""
        return {f"SHOP_{field.name.upper()}": str(getattr(self, field.name)) for field in fields(self)}

    def url_of(self, service: str) -> str:
        """Where a service answers, if it is not in this process."""
        return str(getattr(self, f"{service}_url"))

    def one_of(self, field: str, known: Any) -> str:
        """The value of a field that names one of `known`; raises `BacklabError` if it does not."""
        chosen = str(getattr(self, field))
        if chosen not in known:
            what = f"SHOP_{field.upper()} is {chosen!r}, which is unknown"
            raise BacklabError(what, f"choose one of {', '.join(known)}")
        return chosen


def _typed(name: str, text: str, kind: type) -> object:
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise BacklabError(f"{name}={text!r} is neither true nor false", "write one of them")
        return text.lower() == "true"
    try:
        return kind(text)
    except ValueError:
        raise BacklabError(f"{name}={text!r} is not a number", f"unset it or write {kind.__name__}") from None
