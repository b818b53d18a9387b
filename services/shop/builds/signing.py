"""A build of the checkout that signs in four threads."""

from __future__ import annotations

import asyncio

from services.shop.builds import healthy


class Build(healthy.Build):
    """The same checksums in pure Python: four threads, of which one at a time holds the interpreter."""

    async def sign(self, receipt: bytes) -> list[int]:
        parts = healthy.quarters(receipt)
        return await asyncio.gather(*(asyncio.to_thread(repeated, part) for part in parts))


def repeated(part: bytes) -> int:
    """The checksum, computed as often as a careless loop does."""
    return [crc32(part) for _ in range(20)][-1]


def crc32(part: bytes) -> int:
    """What zlib.crc32 computes, bit by bit."""
    register = 0xFFFFFFFF
    for byte in part:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xEDB88320 if register & 1 else 0)
    return register ^ 0xFFFFFFFF
