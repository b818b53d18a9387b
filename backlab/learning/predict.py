"""Guess first, compare later: predictions that plots can draw and that nobody marks.

predict(rows=None) -> Prediction -> remembered by name -> plot draws a hollow diamond
                                 -> in a learner's notebook: a form to type into, and the diary
"""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any

from backlab.learning import diary, learner

if TYPE_CHECKING:
    import pandas as pd

_remembered: dict[str, float] = {}


class Prediction(Mapping[str, float | None]):
    """What you guessed, by name; `None` where you made no guess. Attribute access works too."""

    def __init__(self, guesses: Mapping[str, float | None]) -> None:
        self._guesses = dict(guesses)

    def __getitem__(self, name: str) -> float | None:
        return self._guesses[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._guesses)

    def __len__(self) -> int:
        return len(self._guesses)

    def __getattr__(self, name: str) -> float | None:
        try:
            return self.__dict__["_guesses"][name]
        except KeyError:
            raise AttributeError(f"there is no guess called {name!r}") from None

    def __repr__(self) -> str:
        made = [f"{_words(name)} {number(value)}" for name, value in self.items() if value is not None]
        return "your guess: " + ", ".join(made) if made else "no guess yet, and the lab runs without one"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """In a learner's front end a form to guess in; elsewhere nothing, so that the text is shown."""
        lab = learner.lab()
        if lab is None or not self._guesses:
            return {}
        from backlab.learning.form import bundle

        return bundle(self, lab)

    def guess(self, name: str, value: Any) -> float | None:
        """Take a guess for `name` when the cell has run already; returns it as a number, or `None`."""
        self._guesses[name] = _as_number(value)
        _remember({name: self._guesses[name]})
        return self._guesses[name]

    def beside(self, **measured: float) -> "pd.DataFrame":
        """Your guesses beside what was measured, one row each; no verdict."""
        import pandas as pd

        if lab := learner.lab():
            diary.measured(lab, {name: float(value) for name, value in measured.items()})
        rows = {
            _words(name): {"your guess": number(self.get(name)), "measured": number(value)}
            for name, value in measured.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")


def predict(**guesses: Any) -> Prediction:
    """Write down your guesses before the experiment runs, e.g. `predict(statements=None, rows=None)`.

    A guess that is no number is left out with one sentence; it harms nothing. A new call replaces
    the guesses of the same names. In a learner's notebook, `None` stands for what was typed into the form.
    """
    cleaned = {name: _cleaned(name, value) for name, value in guesses.items()}
    if lab := learner.lab():
        unsaid = [name for name, value in guesses.items() if value is None]
        typed = diary.entry(lab).get("guesses", {})
        cleaned |= {name: typed.get(name, {}).get("guess") for name in unsaid}
        made = {name: value for name, value in cleaned.items() if value is not None}
        if made:
            diary.guessed(lab, made)
    _remember(cleaned)
    return Prediction(cleaned)


def _remember(guesses: Mapping[str, float | None]) -> None:
    """Let plots find them by name, and forget those that are no longer made."""
    for name, value in guesses.items():
        if value is None:
            _remembered.pop(name, None)
        else:
            _remembered[name] = value


def recall(name: str) -> float | None:
    """The guess last made under this name, or `None`."""
    return _remembered.get(name)


def _words(name: str) -> str:
    """A guess's name as people read it."""
    return name.replace("_", " ")


def number(value: float | None) -> str:
    """A number as people write it: 1,192 or 0.0425; an empty text for `None`."""
    if value is None:
        return ""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.3g}" if abs(value) < 100 else f"{value:,.0f}"


def _cleaned(name: str, value: Any) -> float | None:
    """The guess as a number, or `None` after saying in one sentence why it cannot be drawn."""
    guess = _as_number(value)
    if guess is None and value is not None and value is not ...:
        print(f"your guess for {name}, {value!r}, is not a number from 0 up: the plots leave it out")
    return guess


def _as_number(value: Any) -> float | None:
    """A number from 0 up as people write it, else `None`."""
    try:
        guess = float(str(value).replace(",", "").replace("_", ""))
    except ValueError:
        return None
    return None if isinstance(value, bool) or not isfinite(guess) or guess < 0 else guess
