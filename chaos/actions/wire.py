"""Actions on the wire: every fault of the proxy, on one wire or on all of them.

Annotations stay real types here: `chaos discover` reads them. Numbers are taken as text too, because Chaos
Toolkit hands a substituted value on so.
"""

from chaos import theatre
from chaos.client import Fault, Wire
from services.errors import BacklabError

STREAMS = {"upstream": ["upstream"], "downstream": ["downstream"], "both": ["upstream", "downstream"]}


def add_fault(
    wire: str,
    kind: str,
    stream: str = "downstream",
    toxicity: float = 1.0,
    attributes: dict = {},  # noqa: B006 - never changed
) -> None:
    """Begin any fault of the proxy by its name (latency, bandwidth, slicer, …) on a wire, or on "all".

    `stream` is "upstream", "downstream" or "both", `toxicity` the share of connections that it hits;
    `attributes` carry their unit, such as `{latency_ms: 5, jitter_ms: 2}`.
    """
    numbers = {name: float(value) for name, value in attributes.items()}
    told = ", ".join(f"{name} {value:g}" for name, value in numbers.items())
    _open(f"{kind} {told}".strip(), wire, stream, kind, float(toxicity), numbers)


def add_latency(latency_ms: float, wire: str = "all") -> None:
    """Delay everything that passes a wire by `latency_ms` each way."""
    attributes = {"latency_ms": float(latency_ms)}
    _open(f"{float(latency_ms):g} ms each way", wire, "both", "latency", 1.0, attributes)


def limit_bandwidth(rate_kb_s: float, wire: str = "all", stream: str = "downstream") -> None:
    """Let no more than `rate_kb_s` kilobytes a second through, on each connection."""
    _open(f"{float(rate_kb_s):g} kB/s", wire, stream, "bandwidth", 1.0, {"rate_kb_s": float(rate_kb_s)})


def cut(wire: str = "all") -> None:
    """Let nothing through, both ways, as when a cable is out: connections stay, nothing is lost."""
    _open("wire cut", wire, "both", "stop", 1.0, {})


def reset_connections(wire: str = "all", after_ms: float = 0) -> None:
    """Answer every connection with a RST, `after_ms` after its first bytes."""
    attributes = {"timeout_ms": float(after_ms)}
    _open("connections reset", wire, "downstream", "reset_peer", 1.0, attributes)


def swallow_answer(wire: str, nth: int = 1) -> None:
    """Lose the `nth` answer of each connection: the work was done, and nobody hears of it."""
    _open(f"answer {int(nth)} lost", wire, "downstream", "swallow", 1.0, {"nth": int(nth)})


def _open(
    name: str, wire: str, stream: str, kind: str, toxicity: float, attributes: dict[str, float]
) -> None:
    performance = theatre.current()
    if stream not in STREAMS:
        raise BacklabError(f"there is no stream {stream!r}", f"use one of {', '.join(STREAMS)}")
    faults: dict[str, Fault] = {}
    for each in _wires(wire):
        for way in STREAMS[stream]:
            place = f"{each.name}, {way}" if stream == "both" else each.name
            faults[place] = each.fault(kind, stream=way, toxicity=toxicity, **attributes)
    performance.open_fault(name, faults)


def _wires(name: str) -> list[Wire]:
    stage = theatre.current().stage
    if name != "all":
        return [stage.wire(name)]
    if not stage.wires:
        raise BacklabError("this experiment has no wire", "name servers in `wires` of its configuration")
    return list(stage.wires.values())
