"""What can go wrong before or while a server runs, each as one sentence and one next step.

BacklabError            anything a reader can act on; the command line prints it and exits with 2
└── ServerError         a server did not start, died, or stopped answering; carries its last log lines
"""

from __future__ import annotations


class BacklabError(Exception):
    """An expected failure: `what` names what happened and where, `next_step` what to do about it.

    Both are clauses without a final full stop; `str()` joins them into one line.
    """

    def __init__(self, what: str, next_step: str) -> None:
        super().__init__(what, next_step)
        self.what = what
        self.next_step = next_step

    def __str__(self) -> str:
        return f"{self.what}; {self.next_step}"

    def _render_traceback_(self) -> list[str]:
        """What IPython shows under a cell: the sentence, without a stack that nobody can act on."""
        return [str(self)]


class ServerError(BacklabError):
    """A server failed; `log` holds its last lines, oldest first, and they follow the sentence."""

    def __init__(self, what: str, next_step: str, log: str = "") -> None:
        super().__init__(what, next_step)
        self.log = log.rstrip()

    def __str__(self) -> str:
        sentence = super().__str__()
        return f"{sentence}\nlast log lines:\n{self.log}" if self.log else sentence
