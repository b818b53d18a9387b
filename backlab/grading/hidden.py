"""Hidden parameters: what a learner's code meets is drawn by HMAC(course key, learner, lab).

key, learner, lab, name --HMAC-SHA256--> a random stream of its own for each name
"""

from __future__ import annotations

import hashlib
import hmac
import os
import random
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Self, TypeVar

from services.errors import BacklabError

KEY = "BACKLAB_COURSE_KEY"
SHORTEST = 16  # bytes
T = TypeVar("T")


def course_key(file: Path | None = None) -> tuple[bytes, str]:
    """The course's key and where it came from: a file, the variable, or made up for this run alone."""
    if file is not None:
        try:
            return _long_enough(file.read_bytes().strip(), file.name), "file"
        except OSError as error:
            raise BacklabError(
                f"the key file {file.name} cannot be read: {error.strerror}", "name another"
            ) from error
    if os.environ.get(KEY):
        key = os.environ.pop(KEY)  # or every server and proxy that we start would have it in its environment
        return _long_enough(key.strip().encode(), KEY), KEY
    return secrets.token_bytes(32), "none, so one was made up for this run"


def _long_enough(key: bytes, where: str) -> bytes:
    if len(key) < SHORTEST:
        raise BacklabError(
            f"the key in {where} has {len(key)} bytes, at least {SHORTEST} needed",
            "make one: python -c 'import secrets; print(secrets.token_hex(32))'",
        )
    return key


def root_of(key: bytes, learner: str, lab: str) -> bytes:
    """What the values of one learner in one lab are drawn from; neither the key nor another root follows."""
    parts = [len(part).to_bytes(4, "big") + part for part in (learner.encode(), lab.encode())]
    return hmac.digest(key, b"".join(parts), hashlib.sha256)


class Draw:
    """Values that only the key's holder can foresee; the same for the same key, learner, lab and name."""

    def __init__(self, key: bytes, learner: str, lab: str) -> None:
        self._root = root_of(key, learner, lab)

    @classmethod
    def from_root(cls, root: bytes) -> Self:
        """The same values without the key, for a process that grades this learner's work and no other's."""
        made = cls.__new__(cls)
        made._root = root
        return made

    def stream(self, name: str) -> random.Random:
        """A random stream of its own for a purpose."""
        return random.Random(hmac.digest(self._root, name.encode(), hashlib.sha256))

    def integer(self, name: str, low: int, high: int) -> int:
        """From `low` to `high`, both included."""
        return self.stream(name).randint(low, high)

    def choice(self, name: str, items: Sequence[T]) -> T:
        """One of them."""
        return self.stream(name).choice(items)

    def sample(self, name: str, items: Sequence[T], n: int) -> list[T]:
        """`n` different ones, in random order."""
        return self.stream(name).sample(items, n)

    def word(self, name: str) -> str:
        """Eight letters that were nowhere before."""
        return "".join(self.stream(name).choices("abcdefghijklmnopqrstuvwxyz", k=8))
