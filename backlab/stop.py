"""The stop button: what was measured is kept, the cell goes on to its end, those behind it do not run.

kept("after 4 of 10 calls: ...")  says so at once, and once more what it means when the cell has ended
refuse_more()                     a stopped cell begins no further experiment

Three ends were possible. An exception would stop "Run All", but then `asked = measure(...)` assigns nothing,
and the learner loses the rows that the button was pressed to keep. Returning the rows and no more keeps them,
but the front end sees a cell that ended well and sends its neighbours off. So we return the rows, let the
cell reach its end, and only then tell IPython that it failed (a result's `error_in_exec`, in its public
`post_run_cell` hook): the kernel answers "error" and aborts what waits, as after any error, unless the front
end has asked it not to. No traceback is shown, because none was printed; one sentence says how to go on.
"""

from __future__ import annotations

import sys
from typing import Any

from backlab.progress import in_notebook

ENDED = "stopped here: cells that waited behind this one were not run; run it again, or go on below"
NO_MORE = "this cell was stopped, so it begins no further experiment; what it had measured is kept"


class Stopped(KeyboardInterrupt):
    """A cell that the stop button has ended; its traceback is its one sentence."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


_stopped = False  # is the cell that runs a stopped one?


def kept(what: str) -> None:
    """Tell what an interrupt has left; in a notebook, let the cell count as stopped when it ends."""
    global _stopped
    print(f"interrupted{what}")
    if in_notebook() and not _stopped:
        _stopped = True
        _shell().events.register("post_run_cell", _ended)


def refuse_more() -> None:
    """Raise `Stopped` in a cell that was stopped: one press ends a loop over experiments, too."""
    if _stopped:
        raise Stopped(NO_MORE)


def _ended(result: Any) -> None:
    """The cell is over. One that has failed since then has said why, and needs nothing from us."""
    global _stopped
    _stopped = False
    _shell().events.unregister("post_run_cell", _ended)
    if result is not None and result.success:
        print(ENDED)
        result.error_in_exec = Stopped(ENDED)


def _shell() -> Any:
    return sys.modules["IPython"].get_ipython()
