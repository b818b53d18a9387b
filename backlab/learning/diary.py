"""The learner's diary: guesses, what was measured, which labs ran, which checks passed; one small file.

{"version": 1, "labs": {"4.2": {"guesses":  {"rows": {"guess": 300, "compared": 300, "measured": 2591}},
                                "started": when, "ran": when,
                                "round":    {"4.2.a": "PASS"},       verdicts since the servers came up
                                "complete": {"4.2.a": "PASS", ...}}}}  the latest round that has all of them

note(lab, change) -> lock -> read -> change -> temporary file -> in one step in its place

It is written for a learner in a front end only (learner.py), and losing it harms no lab: whatever keeps it
from being written is told once, in one sentence, and written later if that becomes possible.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import platformdirs

from backlab import whole
from services.errors import BacklabError

VARIABLE = "BACKLAB_DIARY"
PARTS = ("guesses", "round", "complete")
Entry = dict[str, Any]
Change = Callable[[Entry], None]

_unwritten: list[tuple[str, Change]] = []
_told = False


def path() -> Path:
    """Where it lies: BACKLAB_DIARY, or `backlab/diary.json` in the user's data directory."""
    named = os.environ.get(VARIABLE)
    return Path(named).absolute() if named else Path(platformdirs.user_data_dir("backlab")) / "diary.json"


def read() -> dict[str, Entry]:
    """What is known of each lab by its id; nothing where there is no diary or it cannot be read."""
    try:
        return _labs(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def entry(lab: str) -> Entry:
    """What is known of one lab."""
    return read().get(lab, {})


def note(lab: str, change: Change, say: Callable[[str], None] | None = print) -> None:
    """Change a lab's entry; several kernels may do so at once. `say` gets the one sentence of a failure."""
    global _told
    _unwritten.append((lab, change))
    try:
        _write_all(say)
    except OSError as error:
        if say is not None and not _told:
            _told = True
            say(
                f"your progress cannot be kept in {path()} ({error.strerror}): the lab goes on, and it is "
                f"written as soon as there is room; {VARIABLE} names another file"
            )


def guessed(lab: str, guesses: Mapping[str, float | None]) -> None:
    """Keep guesses (None takes one back); what stood there when the answer came stays in `compared`."""

    def change(entry: Entry) -> None:
        for name, value in guesses.items():
            entry.setdefault("guesses", {}).setdefault(name, {})["guess"] = value

    note(lab, change)


def measured(lab: str, values: Mapping[str, float]) -> None:
    """Put measured values beside the guesses of the same names; the first guess that met one counts."""

    def change(entry: Entry) -> None:
        for name, value in values.items():
            kept = entry.get("guesses", {}).get(name)
            if kept and kept.get("guess") is not None:
                kept.setdefault("compared", kept["guess"])
                kept["measured"] = value

    note(lab, change)


def started(lab: str) -> None:
    """The lab's servers are up: a new round of checks begins."""
    when = now()
    note(lab, lambda entry: entry.update(started=when, round={}))


def ran(lab: str) -> None:
    """The learner went through the lab to its end."""
    when = now()
    note(lab, lambda entry: entry.update(ran=when))


def checked(lab: str, check: str, verdict: str, checks: Mapping[str, str]) -> None:
    """Keep a verdict; when every one of `checks` has one, the round is complete. Never prints."""

    def change(entry: Entry) -> None:
        verdicts = entry.setdefault("round", {})
        verdicts[check] = verdict
        if checks.keys() <= verdicts.keys():
            entry["complete"] = {id: verdicts[id] for id in checks}

    note(lab, change, say=None)


def now() -> str:
    """This second, with the zone."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def _write_all(say: Callable[[str], None] | None) -> None:
    place = path()
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place):
        known = _load(place, say)
        for lab, change in _unwritten:
            change(known["labs"].setdefault(lab, {}))
        whole.write(place, json.dumps(known, indent=1) + "\n")
        _unwritten.clear()


def _load(place: Path, say: Callable[[str], None] | None) -> dict[str, Any]:
    """The file as it is, or an empty one; what is no diary is set aside under a name with date."""
    try:
        text = place.read_text(encoding="utf-8")
        labs = _labs(text)
    except FileNotFoundError:
        return {"version": 1, "labs": {}}
    except ValueError:
        aside = place.with_name(f"{place.stem}.broken-{now().replace(':', '')}{place.suffix}")
        os.replace(place, aside)
        if say is not None:
            say(f"your diary could not be read; it is kept as {aside.name}, and a new one begins")
        return {"version": 1, "labs": {}}
    return {**json.loads(text), "labs": labs}


def _labs(text: str) -> dict[str, Entry]:
    """The labs in the text of a diary; `ValueError` where it is none."""
    known = json.loads(text)
    labs = known.get("labs") if isinstance(known, dict) else None
    if not isinstance(labs, dict) or not all(map(_is_entry, labs.values())):
        raise ValueError("no diary")
    return labs


def _is_entry(one: Any) -> bool:
    """Whether this has the shape that the top of this file shows."""
    if not isinstance(one, dict) or not all(isinstance(one.get(key, {}), dict) for key in PARTS):
        return False
    return all(isinstance(guess, dict) for guess in one.get("guesses", {}).values())


@contextmanager
def _locked(place: Path) -> Iterator[None]:
    """One writer at a time; the lock is a file of its own, since the diary itself is replaced."""
    with open(place.with_name(f".{place.name}.lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unwritable() -> BacklabError | None:
    """Why nothing can be kept, or None; asked before a lab is opened."""
    try:
        place = path()
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place):
            return None
    except OSError as error:
        return BacklabError(
            f"progress cannot be kept in {place} ({error.strerror})", f"set {VARIABLE} to a file of yours"
        )
