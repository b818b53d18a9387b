"""A build of the checkout that matches offers by looking through a list."""

from __future__ import annotations

from itertools import product

from services.shop.builds import healthy
from services.shop.placing import OrderDocument


class Build(healthy.Build):
    """Lines times offers comparisons, where a set needs one look for each line."""

    def match(self, order: OrderDocument) -> list[tuple[int, int]]:
        wanted = product((line.product_id for line in order.lines), healthy.PERCENTS)
        return [offer for offer in wanted if offer in healthy.OFFERS]
