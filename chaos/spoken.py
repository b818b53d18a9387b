"""How the stage of a load scenario speaks: a line of JSON with its addresses, and one with what it knows.

scenario ──starts `python -m <stage>`──▶ addresses        standard input ends ──▶ evidence
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import Any

from services.errors import BacklabError

DELAY = "delay between services and database"
Knows = Callable[[], Mapping[str, Any]]  # {"statements": ...} or {"evidence": ...}, asked at the end


def parser(module: str, doc: str | None, latency: str = DELAY) -> argparse.ArgumentParser:
    """The options that every stage has; `doc` is its module's, whose first line is shown."""
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=(doc or "").splitlines()[0])
    made.add_argument("--latency-ms", type=float, default=0.0, help=latency)
    return made


def perform(set_stage: Callable[[ExitStack], tuple[Mapping[str, str], Knows]]) -> None:
    """Set the stage, say where it is, and leave when standard input ends, saying what has happened.

    `set_stage` gives the stack what must be closed. Exit code 2 and one sentence where it cannot be set.
    """
    try:
        with ExitStack() as stack:
            addresses, knows = set_stage(stack)
            print(json.dumps(addresses), flush=True)
            sys.stdin.read()
            print(json.dumps(knows()), flush=True)
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)
