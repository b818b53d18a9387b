"""What an experiment may do: actions in Chaos Toolkit's sense."""

from __future__ import annotations

from chaos import theatre

__all__ = ["add_latency", "lift_faults", "watch"]


def add_latency(latency_ms: float) -> None:
    """Delay everything between the services and their database by `latency_ms` each way."""
    performance = theatre.current()
    latency_ms = float(latency_ms)  # Chaos Toolkit hands a substituted value on as text
    performance.open_fault(
        f"{latency_ms:g} ms each way",
        {
            f"{arm}, {stream}": wire.fault("latency", latency_ms=latency_ms, stream=stream)
            for arm, wire in performance.stage.wires.items()
            for stream in ("upstream", "downstream")
        },
    )


def lift_faults() -> None:
    """End every fault of this experiment; safe to repeat."""
    theatre.current().close_faults()


def watch(seconds: float) -> None:
    """Let the screens run on, so that the record shows what happens next."""
    theatre.current().screens.wait(seconds)
