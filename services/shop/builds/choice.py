"""Which build of the checkout runs (lab 4.5): by a letter, whose meaning a seed decides.

SHOP_CHECKOUT_BUILD=        the checkout places the order, and nothing besides
SHOP_CHECKOUT_BUILD=H       five steps more, each done well
SHOP_CHECKOUT_BUILD=A .. F  the same five, one of them done as one should not; SHOP_CHECKOUT_SEED shuffles
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from importlib import import_module

from services.shop.database import Database
from services.shop.placing import OrderDocument
from services.shop.settings import Settings

HEALTHY, LETTERS = "H", "ABCDEF"
STEPS = ("asking", "journal", "matching", "pooling", "remembering", "signing")  # one file each

Besides = Callable[[OrderDocument], Awaitable[None]]


def patients(seed: int) -> dict[str, str]:
    """The step that each letter's build does badly."""
    return dict(zip(LETTERS, random.Random(seed).sample(STEPS, len(STEPS)), strict=True))


def prepared(settings: Settings) -> tuple[Database, Besides]:
    """The orders service's database, and what it does besides; raises `BacklabError` for another letter."""
    letter = settings.one_of("checkout_build", ("", HEALTHY, *LETTERS))
    if not letter:
        return Database(settings), nothing
    module = patients(settings.checkout_seed).get(letter, "healthy")
    build = import_module(f"services.shop.builds.{module}").Build
    database = Database(build.adapted(settings))
    return database, build(settings, database).after


async def nothing(_order: OrderDocument) -> None:
    """The checkout of all other labs."""
