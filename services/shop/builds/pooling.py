"""A build of the checkout with a pool of its own size."""

from __future__ import annotations

from dataclasses import replace

from services.shop.builds import healthy
from services.shop.settings import Settings


class Build(healthy.Build):
    """One connection for everybody, and patience instead of an error."""

    @classmethod
    def adapted(cls, settings: Settings) -> Settings:
        return replace(settings, pool_size=1, pool_timeout_s=30.0)
