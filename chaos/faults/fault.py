"""What every fault is made of: its attributes, a stage for each direction of a connection, and a receipt.

    source ──▶ stage of the 1st fault ──▶ stage of the 2nd ──▶ destination
                  data(), finish()     a stage may hold what passes; flush() hands it on when the fault ends

A fault is a dataclass whose fields are its attributes, spelt as in Toxiproxy's API; one file each.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, ClassVar, Protocol

import chaos.faults
from services.errors import BacklabError


class Next(Protocol):
    """What a stage hands data on to: the next stage, or the destination."""

    def data(self, chunk: bytes) -> None: ...

    def finish(self) -> None: ...


class Host(Protocol):
    """What a stage may ask of the connection that it works in."""

    def at(self, when: float, callback: Callable[[], None]) -> None:
        """Call back at a moment of the monotonic clock."""

    def hold(self, size: int) -> None:
        """So many bytes more (or fewer, if negative) are held back; above a limit the source is paused."""

    def pause(self) -> None:
        """Read no more from the source until `resume()`."""

    def resume(self) -> None:
        """Take one `pause()` back."""

    def end(self) -> None:
        """Close both sockets as soon as what was handed on has arrived."""

    def reset(self) -> None:
        """Close both sockets at once with a RST."""

    @property
    def turn(self) -> int:
        """To which turn of the client the chunk of this moment belongs: 1 for its first words and the answer.

        A turn ends when the server answers; what the server says before the client has spoken is turn 0.
        """


@dataclass
class Receipt:
    """What a fault has touched; all zeros prove that it touched nothing."""

    connections: int = 0
    chunks: int = 0
    bytes: int = 0
    messages: int = 0
    delayed_ms: float = 0.0


class Stage:
    """A fault at work in one direction of one connection; this one only passes on and counts."""

    def __init__(self, host: Host, receipt: Receipt, random: Random) -> None:
        self.host, self.receipt, self.random = host, receipt, random
        self.next: Next
        self._touched = False

    def touch(self, chunk: bytes, delayed_ms: float = 0.0) -> None:
        """Note in the receipt that a chunk was affected."""
        receipt = self.receipt
        receipt.connections += not self._touched
        self._touched = True
        receipt.chunks += 1
        receipt.bytes += len(chunk)
        receipt.delayed_ms += delayed_ms

    def data(self, chunk: bytes) -> None:
        """A chunk arrives."""
        self.next.data(chunk)

    def finish(self) -> None:
        """No chunk will follow."""
        self.next.finish()

    def flush(self) -> None:
        """The fault ends: hand on at once, in order, whatever is held back."""

    def changed(self) -> None:
        """The fault has other attributes now; most stages just read them at the next chunk."""

    def close(self) -> None:
        """Close the connection, once what was handed on before has arrived."""
        self.host.end()
        self.next.finish()


def unit(name: str) -> Any:
    """A field whose name does not tell its unit: Toxiproxy's `latency` is our `latency_ms`."""
    return dataclasses.field(default=0, metadata={"unit": name})


class Fault:
    """Base of all faults; subclasses are dataclasses registered by `@register(name)`."""

    type: ClassVar[str]

    def stage(self, host: Host, receipt: Receipt, random: Random) -> Stage:
        """This fault for one direction of one connection."""
        raise NotImplementedError

    def attributes(self) -> dict[str, Any]:
        """The attributes as the API shows them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    def change(self, attributes: Mapping[str, Any]) -> None:
        """Take over the attributes that are named; unknown ones are ignored, as Toxiproxy does.

        Raises TypeError for a value that is not a number.
        """
        known = self.attributes()
        for name, value in attributes.items():
            if name in known:
                if not isinstance(value, int | float) or isinstance(value, bool):
                    raise TypeError(f"attribute {name} must be a number, not {value!r}")
                setattr(self, name, value)

    @classmethod
    def spelt(cls, attributes: Mapping[str, float]) -> dict[str, float]:
        """Attributes named with their unit (latency_ms) as Toxiproxy names them (latency).

        Raises BacklabError for a name that this fault does not know.
        """
        fields = dataclasses.fields(cls)  # type: ignore[arg-type]
        ours = {"_".join([field.name, *field.metadata.values()]): field.name for field in fields}
        for name in attributes:
            if name not in ours:
                what = f"the fault {cls.type} has no attribute {name}"
                raise BacklabError(what, f"give {', '.join(ours) or 'none: it has none'}")
        return {ours[name]: value for name, value in attributes.items()}


_registered: dict[str, type[Fault]] = {}


def register(name: str) -> Callable[[type[Fault]], type[Fault]]:
    """Make a fault known under a name."""

    def keep(cls: type[Fault]) -> type[Fault]:
        cls.type = name
        _registered[name] = cls
        return cls

    return keep


def known() -> dict[str, type[Fault]]:
    """All faults of this folder by name."""
    for module in pkgutil.iter_modules(chaos.faults.__path__):
        importlib.import_module(f"chaos.faults.{module.name}")
    return dict(_registered)
