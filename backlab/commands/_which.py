"""Which labs a command is for: LAB..., `--module 4`, or `--all`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def which_labs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the argument and the two options; the command gets `labs`, `module` and `every`."""
    command = click.option("--all", "every", is_flag=True, help="All labs.")(command)
    command = click.option("--module", type=int, help="All labs of a module, 1 to 8.")(command)
    return click.argument("labs", nargs=-1, metavar="[LAB]...")(command)
