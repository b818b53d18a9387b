"""The stop button: what was measured is kept, the cell goes on to its end, those behind it do not run.

kept("after 4 of 10 calls: ...")  says so at once, and once more what it means when the cell has ended
refuse_more()                     a stopped cell begins no further experiment
with Heard() as heard: ...        a block in which no press is lost

Three ends were possible. An exception would stop "Run All", but then `asked = measure(...)` assigns nothing,
and the learner loses the rows that the button was pressed to keep. Returning the rows and no more keeps them,
but the front end sees a cell that ended well and sends its neighbours off. So we return the rows, let the
cell reach its end, and only then tell IPython that it failed (a result's `error_in_exec`, in its public
`post_run_cell` hook): the kernel answers "error" and aborts what waits, as after any error, unless the front
end has asked it not to. No traceback is shown, because none was printed; one sentence says how to go on.
"""

from __future__ import annotations

import signal
import sys
import threading
from typing import Any, Self

from backlab.progress import in_notebook

ENDED = "stopped here: cells that waited behind this one were not run; run it again, or go on below"
NO_MORE = "this cell was stopped, so it begins no further experiment; what it had measured is kept"


class Stopped(KeyboardInterrupt):
    """A cell that the stop button has ended; its traceback is its one sentence."""

    def _render_traceback_(self) -> list[str]:  # IPython asks for this
        return [str(self)]


class Heard:
    """A block of the main thread in which no press is lost; in another thread it does nothing.

    Python drops an interrupt that comes while it forgets an object (`__del__`, the callback of a weak
    reference), which is much of the work where figures are drawn or sessions end. Here such a press is raised
    again by `again()`, and at the end of the block.
    """

    def __enter__(self) -> Self:
        self.pressed, self._former = False, signal.getsignal(signal.SIGINT)
        self._listens = callable(self._former) and threading.current_thread() is threading.main_thread()
        if self._listens:
            signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: Any) -> None:
        self.pressed = True
        assert callable(self._former)
        self._former(number, frame)

    def again(self) -> None:
        """Raise `KeyboardInterrupt` if there was a press that nobody heard."""
        if self.pressed:
            raise KeyboardInterrupt

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._listens:
            signal.signal(signal.SIGINT, self._former)
        if kind is None:
            self.again()


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
