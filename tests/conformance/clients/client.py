"""What the conformance suite has to know of a kind of server: how its own client talks to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from services.server import Server


class Client(ABC):
    """One kind of server, as its users see it; one subclass per kind, in a file of its name.

    `keeps` says what outlives what: "restart" (stop politely, start again) and "kill" (SIGKILL, start again).
    """

    major: ClassVar[int]  # first part of the version that we promise
    oldest_major: ClassVar[int] = 0  # what a machine's own program may be instead, natively
    refusals: ClassVar[tuple[type[BaseException], ...]] = (OSError,)  # raised when nobody answers
    ready_words: ClassVar[str]  # stands in its log, in lower case, once it has started
    keeps: ClassVar[frozenset[str]] = frozenset()
    has_password: ClassVar[bool] = True

    def promises(self, version: str, backend: str) -> bool:
        """Is this a version that labs were written for?"""
        oldest = self.oldest_major if self.oldest_major and backend == "native" else self.major
        return oldest <= int(version.split(".")[0]) <= self.major

    def options(self) -> dict[str, Any]:
        """How to make the server of this suite, beyond its back end."""
        return {}

    @abstractmethod
    def remember(self, server: Server, value: str) -> None:
        """Store one value by the server's own protocol, as durably as its client can ask for."""

    @abstractmethod
    def recall(self, server: Server, within_s: float = 5) -> str:
        """Fetch it again, or "" where there is none; raises one of `refusals` when nobody answers in time."""

    def knock(self, server: Server, password: str) -> None:
        """One question with this password; raises one of `refusals` when it is refused."""
        raise NotImplementedError(f"{server.name} has no password")
