"""Actions on servers and workers: kill, freeze, start again, arm a worker to crash at a step.

Annotations stay real types here: `chaos discover` reads them.
"""

from chaos import theatre
from chaos.outages.downtime import Killed, Paused
from chaos.outages.poison import Poisoned
from chaos.outages.restarts import CrashAt
from services.errors import BacklabError


def kill_server(server: str) -> None:
    """End every process of a server at once, as a power cut does, until `start_server`; its disk is kept."""
    stage = theatre.current().stage
    outage = Killed(stage.server(server), stage.wires_to(server))
    theatre.current().open_fault(f"{server} killed", {server: outage})


def pause_server(server: str) -> None:
    """Freeze a server: it keeps its connections and answers nobody until `resume_server`."""
    stage = theatre.current().stage
    outage = Paused(stage.server(server), stage.wires_to(server))
    theatre.current().open_fault(f"{server} paused", {server: outage})


def start_server(server: str) -> None:
    """Bring a killed server back, with the data that it had on disk, on the same port; safe to repeat."""
    theatre.lift(lambda where, fault: where == server and isinstance(fault, Killed))


def resume_server(server: str) -> None:
    """Let a paused server go on; safe to repeat."""
    theatre.lift(lambda where, fault: where == server and isinstance(fault, Paused))


def restart_server(server: str) -> None:
    """Stop a server politely and start it again: its connections end, its data stays."""
    performance = theatre.current()
    performance.stage.server(server).restart()
    performance.note(f"{server} restarted", server, 1, "server restarted")


def poison_worker(worker: str, topic: str = "orders") -> None:
    """Send a worker an order that no database can hold: it dies of it until `lift_faults` steps over it."""
    from chaos.projection import placed

    server = theatre.current().stage.server(worker)
    outage = Poisoned(server, topic, placed(1, total_cents=10**30))
    theatre.current().open_fault(f"{worker} poisoned", {worker: outage})


def crash_worker_at(worker: str, step: str, nth: int = 1, wait_s: float = 0) -> None:
    """Restart a worker so that it dies, as by SIGKILL, when it comes to `step` for the `nth` time.

    The worker reads `CRASH_AT=<step>:<nth>`. With `wait_s`, wait until it has crashed; not crashing fails.
    """
    outage = CrashAt(theatre.current().stage.server(worker), step, int(nth))
    theatre.current().open_fault(f"{worker} crashes at {step}", {worker: outage})
    if float(wait_s) and not outage.wait(float(wait_s)):
        raise BacklabError(
            f"{worker} has not come to step {step!r} for the {int(nth)}. time within {float(wait_s):g} s",
            "give it work to do, or another step",
        )
