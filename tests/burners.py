"""Run a command beside processes that burn CPU: python -m tests.burners 4 COMMAND (make prove BURNERS=4)."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# a burner goes when its parent does, however that ends
BURN = (
    "import os; from services.leftovers import parent_death_signal; parent_death_signal()(9)\n"
    "parent = os.getppid()\n"
    "while os.getppid() == parent:\n    sum(range(1_000_000))\n"
)


@contextmanager
def burners(count: int) -> Iterator[list[int]]:
    """So many processes at full speed, by their ids, until the block ends."""
    burning = [subprocess.Popen([sys.executable, "-c", BURN]) for _ in range(count)]
    try:
        yield [process.pid for process in burning]
    finally:
        for process in burning:
            process.kill()
            process.wait()


def main(count: int, argv: list[str]) -> int:
    """The command's exit code."""
    with burners(count):
        if count:
            print(f"{count} processes burn CPU meanwhile", file=sys.stderr)
        return subprocess.run(argv).returncode


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(int(sys.argv[1]), sys.argv[2:]))
