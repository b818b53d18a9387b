"""Run an experiment of Chaos Toolkit and bring home what happened: rows, fault windows, receipts, journal.

experiment(name) --inspect--> `chaos run` in its own process --> journal.json + record.jsonl --> Outcome
                                     live=True: record.jsonl is drawn while it grows
"""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from pathlib import Path

from backlab.stress import inspect_experiment, outside
from backlab.stress.outcome import Outcome, outcome, rows
from chaos.record import Reader
from services.errors import BacklabError

EXPERIMENTS = Path(__file__).parents[2] / "chaos" / "experiments"
SHARE = 0.4  # of this process's time for drawing: it only waits for the other one
SAID = re.compile(r"(Steady state hypothesis|Action|Probe|Rollback): (.+)")


def names() -> list[str]:
    """Every experiment there is, by name."""
    return sorted(path.stem for path in EXPERIMENTS.glob("*.yaml"))


def source_of(name: str) -> Path:
    """The file of an experiment: one of ours by name, or any by its path."""
    path = Path(name)
    if path.suffix in (".yaml", ".yml", ".json"):
        if path.is_file():
            return path.absolute()
        raise BacklabError(f"there is no file {name}", "name one that exists, or one of `backlab chaos`")
    source = EXPERIMENTS / f"{name}.yaml"
    if not source.exists():
        near = get_close_matches(name, names(), n=1)
        raise BacklabError(
            f"there is no experiment called {name!r}",
            f"did you mean {near[0]}?" if near else f"known are {', '.join(names())}",
        )
    return source


def experiment(name: str, *, live: bool = False, **configuration: object) -> Outcome:
    """Run `chaos/experiments/<name>.yaml`; `configuration` overrides the file's own values of the same names.

    With `live`, a notebook cell draws the calls while they happen and ends with the final figure. Raises
    `BacklabError` where there is no such experiment, where it is not valid, or where it could not run. The
    stop button of a notebook ends it early: faults are lifted, and the outcome holds what was measured.
    """
    source = source_of(name)
    inspect_experiment.inspect(source, configuration)
    with outside.folder("experiment") as folder:
        reader = Reader(folder / "record.jsonl")
        argv = [outside.script("chaos"), "run", "--journal-path", "journal.json", *_variables(configuration)]
        env = {"BACKLAB_RECORD": str(folder / "record.jsonl")}
        drawing = _Drawing(reader) if live else None
        meanwhile = drawing.look if drawing else _nothing
        journal = folder / "journal.json"
        ended = outside.run(
            [*argv, str(source)], folder, source.stem, env, _words, meanwhile,
            record=journal, stopped="the faults are lifted",
        )  # fmt: skip
        seen = reader.read()
        if seen.began is None or not journal.exists():
            raise BacklabError(
                f"the experiment {source.stem} did not run: {_reason(ended.log)}",
                "`backlab doctor` may know why",
            )
        found = outcome(json.loads(journal.read_text()), seen)
    found.rows.attrs["interrupted"] = ended.interrupted
    if drawing:
        drawing.finish(found)
    return found


class _Drawing:
    """The growing figure of a running experiment."""

    def __init__(self, reader: Reader) -> None:
        from backlab.live import Live

        self._reader = reader
        self._live = Live(lambda rows: self._draw(rows), SHARE)

    def _draw(self, rows):  # type: ignore[no-untyped-def]  # a data frame and a card, imported when needed
        from backlab.stress import report

        return report.growing(rows, self._reader.record)

    def look(self) -> None:
        """Draw what has come so far, if it is time to."""
        self._live.offer(lambda: rows(self._reader.read()))

    def finish(self, found: Outcome) -> None:
        """The final figure, in the place of the growing one."""
        from backlab.stress import report

        self._draw = lambda rows: report.picture(found)  # type: ignore[method-assign]
        self._live.finish(found.rows)


def _nothing() -> None:
    """Nobody looks."""


def _variables(configuration: dict[str, object]) -> list[str]:
    kinds = {int: ":int", float: ":float"}
    return [
        word
        for name, value in configuration.items()
        for word in ("--var", f"{name}{kinds.get(type(value), '')}={value}")
    ]


def _words(line: str) -> str | None:
    said = SAID.search(line)
    return said.group(2).strip() if said else None


def _reason(log: str) -> str:
    """The first complaint in Chaos Toolkit's log: what follows it is its consequence."""
    complaints = [
        line.split("] ", 1)[-1] for line in log.splitlines() if "ERROR" in line or "CRITICAL" in line
    ]
    return complaints[0].strip() if complaints else "it said nothing about why"
