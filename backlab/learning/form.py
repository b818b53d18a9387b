"""The form of a prediction: one field per guess, which plots and the diary hear of at once.

predict(rows=None), last line of a cell -> fields -> Enter or Tab -> Prediction, plots, diary
"""

from __future__ import annotations

from html import escape
from typing import Any

import ipywidgets as widgets  # type: ignore[import-untyped]  # it ships no types

from backlab.learning import diary
from backlab.learning.predict import Prediction, number

HELP = "Type a number and press Enter. Nobody marks it; an empty field is no guess."


def bundle(prediction: Prediction, lab: str) -> dict[str, Any]:
    """What the cell shows: the form, and the guesses in words for whoever reads the file without a kernel."""
    shown: dict[str, Any] = form(prediction, lab)._repr_mimebundle_()
    return {**shown, "text/plain": repr(prediction)}


def form(prediction: Prediction, lab: str) -> Any:
    """The widget; each field carries its label, so that keyboards and screen readers find it."""
    said = widgets.HTML(_status(repr(prediction)))
    fields = [_field(prediction, lab, name, said) for name in prediction]
    return widgets.VBox([widgets.HTML(HELP), *fields, said])


def _field(prediction: Prediction, lab: str, name: str, said: Any) -> Any:
    field = widgets.Text(
        value=number(prediction[name]),
        description=name.replace("_", " "),
        placeholder="your guess",
        continuous_update=False,
        style={"description_width": "11em"},
        layout={"width": "24em"},
    )

    def typed(change: dict[str, Any]) -> None:
        written = change["new"].strip()
        value = prediction.guess(name, written)
        if written and value is None:
            said.value = _status(f"{written!r} is not a number from 0 up")
            return
        diary.guessed(lab, {name: value})
        said.value = _status(repr(prediction))

    field.observe(typed, names="value")
    return field


def _status(words: str) -> str:
    """A line that a screen reader speaks when it changes."""
    return f'<span role="status">{escape(words)}</span>'
