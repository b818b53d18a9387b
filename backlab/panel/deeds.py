"""What the panel's buttons do: one deed at a time for each server, its outcome as a sentence.

do("pause")   ─▶ a thread of its own, since a restart takes seconds ─▶ said: "" or what went wrong
WireControl   ─▶ faults on the wire that are there as long as their slider is not at its end
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from services.errors import BacklabError
from services.server import Server

if TYPE_CHECKING:
    from chaos.client import Fault, Wire

VERBS = {"pause": "pausing", "resume": "resuming", "kill": "killing", "restart": "restarting"}
LATENCIES_MS = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500)
RATES_KB_S = (0, 10_000, 1_000, 100, 10)  # 0 is no limit


class Deeds:
    """Carries out the deeds on one server; `changed` is called before and after each."""

    def __init__(self, name: str, server: Server, changed: Callable[[], None]) -> None:
        self._name, self._server, self._changed = name, server, changed
        self._lock = threading.Lock()
        self.doing = ""  # "restarting", while it is
        self.said = ""

    def do(self, verb: str) -> threading.Thread | None:
        """Begin a deed and return its thread; None while another is under way, which is then said."""
        if verb not in VERBS:
            raise BacklabError(f"the panel cannot {verb} a server", f"it can {', '.join(VERBS)}")
        if not self._lock.acquire(blocking=False):
            self.said = f"{self._name} is still {self.doing}; wait for that to end"
            self._changed()
            return None
        self.doing, self.said = VERBS[verb], ""
        thread = threading.Thread(target=self._do, args=(verb,), name=f"{verb} {self._name}", daemon=True)
        thread.start()
        return thread

    def _do(self, verb: str) -> None:
        self._changed()
        try:
            if verb != "restart" and not self._server.running:
                raise BacklabError(f"{self._name} is down already", "Restart starts it again with its data")
            getattr(self._server, verb)()
        except BacklabError as error:
            self.said = sentence(error)
        except Exception as error:  # a thread has nobody to raise to; the card tells it
            self.said = f"cannot {verb} {self._name}: {error}"
        finally:
            self.doing = ""
            self._lock.release()
            self._changed()


def sentence(error: BacklabError) -> str:
    """What the error says, without the log that may follow; a card is small."""
    return f"{error.what}; {error.next_step}"


class WireControl:
    """The faults that the panel holds on one wire; `setting` names the state of each control."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._faults: dict[str, Fault] = {}
        self._setting: dict[str, int] = {"latency_ms": 0, "rate_kb_s": 0, "cut": 0}
        self.said = ""

    def set(self, control: str, value: int) -> None:
        """Move a control: "latency_ms" (0: none), "rate_kb_s" (0: no limit), "cut" (0 or 1)."""
        self.said = ""
        try:
            self._set(control, value)
        except BacklabError as error:
            self.said = sentence(error)

    def _set(self, control: str, value: int) -> None:
        if control == "latency_ms":
            self._put("latency", "downstream", value, latency_ms=value)
        elif control == "rate_kb_s":
            self._put("bandwidth", "downstream", value, rate_kb_s=value)
        elif control == "cut":
            for stream in ("upstream", "downstream"):
                self._put("stop", stream, value)
        else:
            raise BacklabError(f"a wire has no control {control!r}", f"it has {', '.join(self._setting)}")
        self._setting[control] = value

    def _put(self, kind: str, stream: str, wanted: int, **attributes: float) -> None:
        """Put a fault on the wire, change the one that is there so that nothing is overtaken, or lift it."""
        name = f"panel {kind} {stream}"
        there = self._faults.get(name)
        if not wanted:
            if self._faults.pop(name, None) is not None and there is not None:
                there.stop()
        elif there is not None and there.receipt().ended is None:
            there.change(**attributes)
        else:
            self._faults[name] = self._wire.named(name, kind, stream, **attributes).start()

    def as_json(self) -> dict[str, Any]:
        """For the page: where each control stands."""
        return {**self._setting, "latencies_ms": LATENCIES_MS, "rates_kb_s": RATES_KB_S}
