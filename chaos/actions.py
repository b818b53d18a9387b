"""What an experiment may do: actions in Chaos Toolkit's sense."""

from __future__ import annotations

from chaos import theatre

__all__ = ["add_latency", "lift_faults", "watch"]


def add_latency(latency_ms: float) -> None:
    """Delay everything between the services and their database by `latency_ms` each way."""
    performance = theatre.current()
    performance.open_fault(
        f"{latency_ms:g} ms each way",
        [
            wire.fault("latency", latency_ms=latency_ms, stream=stream)
            for wire in performance.stage.wires.values()
            for stream in ("upstream", "downstream")
        ],
    )


def lift_faults() -> None:
    """End every fault of this experiment; safe to repeat."""
    theatre.current().close_faults()


def watch(seconds: float) -> None:
    """Let the screens run on, so that the record shows what happens next."""
    theatre.current().screens.wait(seconds)
