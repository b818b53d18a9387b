"""A build of the checkout that keeps its journal and its offers on the disk."""

from __future__ import annotations

import os

from services.shop.builds import healthy
from services.shop.placing import OrderDocument


class Build(healthy.Build):
    """The whole file of offers read for each order, and the disk waited for after each line."""

    def match(self, order: OrderDocument) -> list[tuple[int, int]]:
        self.catalogue.read_bytes()
        return super().match(order)

    def write(self, line: str) -> None:
        super().write(line)
        self.journal.flush()
        os.fsync(self.journal.fileno())
