"""The command line: one word per chore, each command in its own file and loaded only when it is used.

backlab NAME ... -> backlab/commands/NAME.py -> exit code 0 well | 1 it fails | 2 could not be judged
BacklabError -> one sentence on stderr, 2      Ctrl-C -> one line, 130
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from pathlib import Path

import click

from services import leftovers

# What each command does, in the order of the help; a file commands/<name>.py holds it as `command`
COMMANDS = {
    "doctor": "Say what this machine can run before anything starts.",
    "labs": "List the labs and where you are.",
    "open": "Open the course, or a lab, in JupyterLab.",
    "update": "Bring notebooks up to date and keep your work in them.",
    "run": "Run a lab here, without a browser, and show what it finds.",
    "new": "Lay out an empty lab.",
    "build": "Make a lab's notebooks from its source.",
    "check-source": "Name the rules that a lab's source breaks.",
    "prove": "Prove that a lab fails as shipped and passes when repaired.",
    "grade": "Grade a learner's notebook, or a folder of them.",
    "release": "Write a repository for learners, without solutions.",
    "chaos": "Run an experiment of Chaos Toolkit against servers of its own.",
    "load": "Run a Locust scenario against a shop of its own.",
    "images": "List or build the container images, where no registry has them.",
    "clean": "Remove what labs have written and cached.",
}
HERE = Path(__file__).parent


class Lazy(click.Group):
    """A group that knows its commands by name and imports the one that is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        # a learner's repository comes without the grader's
        return [name for name in COMMANDS if (HERE / "commands" / f"{_module(name)}.py").exists()]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in self.list_commands(ctx):
            return None
        command: click.Command = importlib.import_module(f"backlab.commands.{_module(name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands from the table above, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


def _module(name: str) -> str:
    return name.replace("-", "_")


@click.command(cls=Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="backlab", message="backlab %(version)s")
def group() -> None:
    """A lab bench for back-end engineers: start real servers, measure, break, repair.

    Example: backlab run 4.2
    """


def main(arguments: list[str] | None = None) -> None:
    """Run a command; expected failures become one sentence and an exit code."""
    from services.errors import BacklabError

    _go_with_make()
    try:
        code = group.main(arguments, prog_name="backlab", standalone_mode=False)
    except BacklabError as error:
        _say(f"backlab: {error}")
        code = 2
    except click.ClickException as error:
        error.show()
        code = 2
    except (KeyboardInterrupt, click.Abort):
        _say("stopped; nothing is left running")
        code = 130
    sys.exit(code if isinstance(code, int) else 0)


def _go_with_make() -> None:
    """End when `make`, which started us, is killed; it cannot pass a SIGKILL on."""
    if "MAKELEVEL" in os.environ:
        leftovers.parent_death_signal()(signal.SIGTERM)


def _say(line: str) -> None:
    """One line on stderr, over whatever living line stood there."""
    start = "\r\x1b[2K" if sys.stderr.isatty() else ""
    print(start + line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
