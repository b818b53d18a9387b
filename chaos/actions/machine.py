"""Actions on what a server runs on: its disk and its clock.

Annotations stay real types here: `chaos discover` reads them.
"""

from pathlib import Path

from chaos import theatre
from chaos.outages.disk import MOST_MB, FileLimit, FullDisk
from chaos.outages.restarts import SkewedClock


def fill_disk(directory: str, free_mb: float = 0, most_mb: float = MOST_MB) -> None:
    """Fill a directory's file system until `free_mb` are left; refused if that takes more than `most_mb`."""
    outage = FullDisk(Path(directory), float(free_mb), float(most_mb))
    theatre.current().open_fault(f"disk filled to {float(free_mb):g} MB", {directory: outage})


def limit_files(server: str, limit_mb: float = 16) -> None:
    """Let no file of a server grow beyond `limit_mb`: its quota is used up, writes past it fail."""
    outage = FileLimit(theatre.current().stage.server(server), float(limit_mb))
    theatre.current().open_fault(f"files of {server} limited to {float(limit_mb):g} MB", {server: outage})


def skew_clock(server: str, skew_s: float) -> None:
    """Restart a server under a clock that is `skew_s` seconds ahead (behind, if negative).

    Only the process is deceived (by libfaketime, which must be installed), not the machine. So it works from
    the restart on, for native servers and the shop's services, not in containers.
    """
    outage = SkewedClock(theatre.current().stage.server(server), float(skew_s))
    theatre.current().open_fault(f"clock of {server} {float(skew_s):+g} s", {server: outage})
