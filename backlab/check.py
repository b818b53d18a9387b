"""PASS, FAIL or INCONCLUSIVE: exactly one line per check, whose wording never varies.

with check(id, text) as verdict:        # what the block prints, displays or warns is swallowed
    verdict.at_most(measured, bound)    # the first judgement that does not pass decides
-> one line on stdout, one JSON row in the file named by BACKLAB_REPORT
"""

from __future__ import annotations

import io
import json
import os
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, redirect_stderr, redirect_stdout
from typing import Any

from backlab import course
from backlab.learning import diary, learner
from backlab.learning.predict import number
from backlab.progress import in_notebook

REPORT = "BACKLAB_REPORT"
CELL_FILE = re.compile(r"ipykernel_\d+|<ipython-input")  # how IPython names the file of a cell
LONGEST = 160  # characters of a reason's free text


class Verdict:
    """What the judgements of one check say so far; each returns whether it passed."""

    def __init__(self, id: str, text: str) -> None:
        self.id, self.text = id, text
        self.judged = 0
        self.verdict = "PASS"
        self.reason = ""
        self.facts: dict[str, Any] = {}

    def at_most(self, measured: float, bound: float, what: str, *, look: str = "") -> bool:
        """Pass when `measured` <= `bound`; `what` is the unit or thing counted, `look` where to look."""
        reason = f"{number(measured)} {what}, at most {number(bound)} allowed"
        return self._judge(bool(measured <= bound), reason, look, measured=measured, bound=bound, what=what)

    def at_least(self, measured: float, bound: float, what: str, *, look: str = "") -> bool:
        """Pass when `measured` >= `bound`."""
        reason = f"{number(measured)} {what}, at least {number(bound)} needed"
        return self._judge(bool(measured >= bound), reason, look, measured=measured, bound=bound, what=what)

    def equals(self, measured: Any, expected: Any, what: str, *, look: str = "") -> bool:
        """Pass when both are equal and of the same type (1 is not True, 4 is not 4.0; numpy's 4 is 4)."""
        measured, expected = _unboxed(measured), _unboxed(expected)
        same = type(measured) is type(expected)
        reason = f"{what} is {_short(measured)}, expected {_short(expected)}"
        if not same:
            reason += f" (type {type(expected).__name__}, not {type(measured).__name__})"
        same = same and bool(measured == expected)
        return self._judge(same, reason, look, measured=measured, bound=expected, what=what)

    def true(self, condition: Any, reason: str, *, look: str = "") -> bool:
        """Pass when `condition` holds; `reason` says what is wrong when it does not."""
        return self._judge(bool(condition), reason, look)

    def inconclusive(self, reason: str) -> None:
        """Say that nothing can be judged: the machine was saturated, the fault touched nothing."""
        self.judged += 1
        if self.verdict == "PASS":
            self.verdict, self.reason = "INCONCLUSIVE", _one_line(reason)

    @property
    def line(self) -> str:
        """The one line of this check."""
        return f"{self.verdict} {self.id} {self.text}" + (f": {self.reason}" if self.reason else "")

    def _judge(self, passed: bool, reason: str, look: str, **facts: Any) -> bool:
        self.judged += 1
        if self.verdict == "PASS":
            self.facts = facts  # of the last one passed, or of the one that decided
            if not passed:
                self.verdict = "FAIL"
                self.reason = _one_line(reason) + (f"; look {_one_line(look)}" if look else "")
        return passed

    def _close(self, error: Exception | None) -> None:
        """Turn what ended the block into the verdict."""
        if error is not None:
            self._judge(False, describe(error), "")
        elif not self.judged:
            self._judge(False, "the check judged nothing", "at the check cell: it must call verdict")


@contextmanager
def check(id: str, text: str) -> Iterator[Verdict]:
    """Judge the learner's work in the block and print exactly one line about it.

    `text` is what a PASS line says; it holds no measured number. An exception in the block becomes a
    FAIL line with its type, message and line; a block that judged nothing fails. Nothing that the block
    prints, displays, warns or logs to stderr comes through, since one stray line, or a bar that only a slow
    machine shows, would turn a green check red.
    """
    verdict = Verdict(id, text)
    error: Exception | None = None
    out, err = redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO())
    with out, err, _undisplayed(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield verdict
        except Exception as caught:
            error = caught
        verdict._close(error)
    print(verdict.line)
    _report(verdict)


def _undisplayed() -> AbstractContextManager[object]:
    """In a notebook, a block whose displays go nowhere."""
    if not in_notebook():
        return nullcontext()
    from IPython.utils.capture import capture_output

    return capture_output(stdout=False, stderr=False, display=True)


def describe(error: BaseException) -> str:
    """An exception in one line: type, first line of its message, and where in the learner's code.

    The first cell frame is the check itself, so the last one below it is the exercise's.
    """
    frames = [f for f in traceback.extract_tb(error.__traceback__) if CELL_FILE.search(f.filename)]
    message = str(error).strip().splitlines()
    said = f"{type(error).__name__}: {message[0]}" if message else type(error).__name__
    if len(frames) < 2:
        return _one_line(said)
    return _one_line(said) + f"; look at line {frames[-1].lineno} of the exercise, in {frames[-1].name}"


def _one_line(text: str) -> str:
    """The text without line breaks and addresses, cut to a readable length."""
    flat = re.sub(r" at 0x[0-9a-f]+", "", " ".join(str(text).split()))
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 3] + "..."


def _short(value: Any) -> str:
    """A value as it fits into a sentence."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return number(value)
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= 60 else shown[:57] + "..."


def _report(verdict: Verdict) -> None:
    """Note it in the learner's diary, or as one JSON row in the file that the grader or `prove` named."""
    if lab := learner.lab():
        diary.checked(lab, verdict.id, verdict.verdict, course.lab(lab).checks)
    path = os.environ.get(REPORT)
    if not path:
        return
    row: dict[str, Any] = {
        "id": verdict.id,
        "text": verdict.text,
        "verdict": verdict.verdict,
        "reason": verdict.reason,
    }
    row |= {key: verdict.facts.get(key) for key in ("measured", "bound", "what")}
    with open(path, "a", encoding="utf-8") as report:
        report.write(json.dumps(row, default=_plain) + "\n")


def _plain(value: Any) -> Any:
    """What JSON can hold: numpy's numbers as numbers, everything else as short text."""
    plain = _unboxed(value)
    return plain if plain is not value else _short(value)


def _unboxed(value: Any) -> Any:
    """A number of numpy's as Python's own; anything else as it is."""
    return value.item() if hasattr(value, "item") and getattr(value, "shape", None) == () else value
