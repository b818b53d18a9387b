"""`b.panel()`: the lab's servers as cards with buttons, beside the experiment that runs on them.

vitals.py   what a server says of itself        deeds.py   what the buttons do
looking.py  a thread per server that asks       form.py    the page, panel.js, panel.css
card.py     what a card shows, and as text
"""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

from backlab.panel.card import Card, card, text
from backlab.panel.deeds import Deeds, WireControl
from backlab.panel.looking import EVERY_S, Looker
from backlab.progress import in_notebook

if TYPE_CHECKING:
    from backlab.bench import Bench
    from backlab.panel.form import Form

GONE = {"state": "gone", "number": "", "facts": "", "wire": None}
LEASE_S = 300.0  # a page that vanishes without a word counts as seen for so long; it speaks every two minutes
FIRST_S = 15.0  # for the page to show the cards and to say so


class Panel:
    """The panel of one bench, as often as it is shown: one set of threads, one set of faults."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._over, self._wanted, self._wake = threading.Event(), threading.Event(), threading.Event()
        self._pen = threading.Lock()
        self._until_s: dict[str, float] = {}  # each view that sees the cards
        self._lookers = {n: Looker(s, self._wanted, self._over) for n, s in bench.servers.items()}
        self.deeds = {n: Deeds(n, s, self._wake.set) for n, s in bench.servers.items()}
        self.wires: dict[str, WireControl] = {}
        self._form: Form | None = None

    def show(self) -> None:
        """As cards in a notebook, as text elsewhere."""
        if not in_notebook():
            print(self.text())
            return
        if self._form is None:
            from backlab.panel.form import Form

            self._form = Form(self._as_json(), self._told)
            self._seen("", FIRST_S)
            for looker in self._lookers.values():
                looker.start()
            threading.Thread(target=self._run, name="panel", daemon=True).start()
        self._form.display(text(self.cards()))

    def text(self) -> str:
        """One line a server; takes a quarter of a second, since a rate needs two looks."""
        looks = [threading.Thread(target=self._two_looks, args=(one,), daemon=True)
                 for one in self._lookers.values()]  # fmt: skip
        for look in looks:
            look.start()
        for look in looks:
            look.join(timeout=2.0)  # one that hangs at a frozen server is left to itself
        return text(self.cards())

    @staticmethod
    def _two_looks(looker: Looker) -> None:
        looker.look()
        time.sleep(0.25)
        looker.look()

    def cards(self) -> list[Card]:
        """What the cards show now."""
        return [self._card(name) for name in self._bench.servers]

    def _card(self, name: str) -> Card:
        deeds, wire = self.deeds[name], self._wire(name)
        said = deeds.said or (wire.said if wire else "")
        server, seen = self._bench.servers[name], self._lookers[name].seen()
        where = wire.as_json() if wire else None
        return card(name, server, seen, doing=deeds.doing, said=said, wire=where)

    def _wire(self, name: str) -> WireControl | None:
        """The controls of a server's wire, if the lab has asked for one with `b.wire(name)`."""
        if name not in self.wires and name in self._bench.wires:
            self.wires[name] = WireControl(self._bench.wires[name])
        return self.wires.get(name)

    def _as_json(self) -> list[dict[str, Any]]:
        return [one.as_json() for one in self.cards()]

    def _told(self, message: dict[str, Any]) -> None:
        """What the page says: whether somebody sees this view of it, or which button was pressed."""
        self._seen(message["view"], LEASE_S if message.get("sees", True) else 0.0)
        self._until_s.pop("", None)  # a page has come: what counts is what it says
        name = message.get("server", "")
        if self._over.is_set() or name not in self.deeds:
            return
        if "do" in message:
            self.deeds[name].do(message["do"])
        elif "set" in message and (wire := self._wire(name)) is not None:
            wire.set(message["set"], int(message["value"]))
        self._wake.set()

    def _seen(self, view: str, lease_s: float) -> None:
        self._until_s[view] = time.monotonic() + lease_s
        if lease_s:
            self._wanted.set()

    def _run(self) -> None:
        """Draw the cards once a second while somebody sees them, and at once when something was done."""
        while not self._over.is_set():
            if time.monotonic() > max(list(self._until_s.values())):
                self._wanted.clear()
            if self._wake.wait(EVERY_S) or self._wanted.is_set():
                self._wake.clear()
                self._draw()

    def _draw(self) -> None:
        assert self._form is not None
        with self._pen, contextlib.suppress(Exception):  # a container may vanish while we look: next time
            cards = self._as_json()
            if not self._over.is_set():
                self._form.cards = cards

    def close(self) -> None:
        """Look no more; the cards say that their bench is down."""
        self._over.set()
        self._wanted.set()
        if self._form is not None:
            gone = [
                {**one, "state": "gone", "number": "", "facts": "", "wire": None} for one in self._form.cards
            ]
            self._form.cards = gone
