"""The card that every figure is drawn on: look, finding in the title, alternative text, small PNG.

Card(title) -> .axes_row() -> a plot draws -> bundle() -> image/png + alternative text
"""

from __future__ import annotations

import base64
import io
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from backlab.plot.labels import spread_labels

LOOK = Path(__file__).parent.parent / "look.mplstyle"
WIDTH_IN, HEIGHT_IN, DPI = 7.0, 3.2, 80
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#4D4D4D"]
# The same hues, dark enough for text on the card (contrast of 4.5 : 1 or more)
INKS = ["#00639C", "#B84E00", "#00704F", "#A1487A", "#8F6200", "#1C6FA8", "#4D4D4D"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]
CARD, INK, QUIET, FAINT = "#FCFBF8", "#2B2B2B", "#6A6762", "#B8B3A9"
SHARPNESS = 2  # pixels per pixel: drawn twice as fine as shown, so that text stays crisp on any screen
TITLE_CHARS = 74  # that fit into one line of the title


class Card(Figure):
    """A figure in the house look; as the last line of a cell it shows itself with its alternative text."""

    def __init__(
        self, title: str = "", *, alt: str = "", width_in: float = WIDTH_IN, height_in: float = HEIGHT_IN
    ) -> None:
        with look():
            super().__init__(figsize=(width_in, height_in), dpi=DPI)
        FigureCanvasAgg(self)
        self.set_layout_engine(ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.07, wspace=0.04))
        self.title = ""
        self._alt = alt
        self.kind = "Plot"
        self.colours = 128  # of its PNG; a figure of flat areas looks the same with 32, and is smaller
        self.facts: list[str] = []  # one sentence per series, for the alternative text
        if title:
            self.finding(title)

    def finding(self, title: str) -> None:
        """State the finding as the title: bold, at the left, on one line or two."""
        self.title = title
        lines = textwrap.wrap(title, TITLE_CHARS)
        balanced = textwrap.wrap(title, len(title) // len(lines) + 12) if len(lines) > 1 else lines
        self.suptitle(
            "\n".join(balanced),
            x=0.012,
            ha="left",
            fontsize=10.5,
            fontweight="bold",
            color=INK,
            linespacing=1.25,
        )

    def panels(self, rows: int = 1, columns: int = 1, **keywords: Any) -> list[Axes]:
        """Empty axes in the house look, row by row."""
        with look():
            grid = self.subplots(rows, columns, squeeze=False, **keywords)
        return [ax for row in grid for ax in row]

    @property
    def ax(self) -> Axes:
        """The first axes: where a lab adds marks of its own."""
        return self.axes[0]

    @property
    def alt(self) -> str:
        """The alternative text: what the lab says, or one sentence per series."""
        return self._alt or " ".join([f"{self.kind}. {self.title.rstrip('.')}.", *self.facts])

    @alt.setter
    def alt(self, text: str) -> None:
        self._alt = text

    def png(self, sharpness: int = SHARPNESS) -> bytes:
        """The picture: at most 128 colours (a third of the size), the alternative text inside.

        Below the full sharpness it is one of many in a growing plot, and laid out once at most.
        """
        from PIL import Image, PngImagePlugin

        self.set_dpi(DPI * sharpness)
        passing = sharpness < SHARPNESS
        with look():
            if passing:
                self._lay_out_for_good()
            if spread_labels(self, laid_out=passing) and not passing:
                self.draw_without_rendering()
            self.canvas.draw()
        pixels = Image.fromarray(_rgb(self.canvas))
        small = pixels.quantize(
            colors=self.colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
        )
        notes = PngImagePlugin.PngInfo()
        notes.add_itxt("Description", self.alt)
        out = io.BytesIO()
        # what is gone in a second need not be packed as tightly as what is stored
        how = {"compress_level": 1} if passing else {"optimize": True}
        small.save(out, format="PNG", pnginfo=notes, **how)
        return out.getvalue()

    def _lay_out_for_good(self) -> None:
        engine = self.get_layout_engine()
        if isinstance(engine, ConstrainedLayoutEngine):
            engine.execute(self)
            self.set_layout_engine("none")

    def lay_out_like(self, other: Card) -> None:
        """Put the axes where another card of the same kind has them, which takes no time; else do nothing."""
        if len(self.axes) == len(other.axes):
            self.set_layout_engine("none")
            for ax, former in zip(self.axes, other.axes, strict=True):
                ax.set_position(former.get_position())

    def bundle(self, sharpness: int = SHARPNESS) -> tuple[dict[str, Any], dict[str, Any]]:
        """What a notebook stores: the picture at its size on the page, and the alternative text.

        nbconvert and nbsphinx read `alt`; VS Code 1.139 does not, nor does JupyterLab 4.6, where our
        extension does (`backlab/jupyter_config/labextensions`).
        """
        data = {"image/png": base64.b64encode(self.png(sharpness)).decode(), "text/plain": self.alt}
        width, height = (round(inches * DPI) for inches in self.get_size_inches())
        return data, {"image/png": {"alt": self.alt, "title": self.title, "width": width, "height": height}}

    def show(self) -> None:  # type: ignore[override]  # Figure.show needs a window manager, this does not
        """Display the figure here, for a cell that draws more than one."""
        from backlab.progress import in_notebook

        if in_notebook():
            self._ipython_display_()
        else:
            print(self.alt)

    def _ipython_display_(self) -> None:
        from IPython.display import display

        data, metadata = self.bundle()
        display(data, raw=True, metadata=metadata)

    def save(self, path: str | Path) -> Path:
        """Write the picture; its folder is made when missing."""
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.png())
        return path


def look() -> Any:
    """The house look as a context, over matplotlib's defaults and nothing of the user's."""
    # only what differs: matplotlib validates each of 300 settings, which takes longer than to compare them
    return mpl.rc_context({key: value for key, value in _settings().items() if mpl.rcParams[key] != value})


@cache
def _settings() -> Any:
    """matplotlib's defaults with look.mplstyle on top, read once."""
    full = mpl.rc_params_from_file(LOOK, use_default_template=True)
    # asking for the backend would import pyplot, and choosing one is the lab's affair
    settings: dict[Any, Any] = {key: full[key] for key in full if not key.startswith("backend")}
    return settings


def _rgb(canvas: Any) -> Any:
    """The canvas's pixels without the alpha channel: the card is opaque."""
    import numpy as np

    return np.ascontiguousarray(np.asarray(canvas.buffer_rgba())[..., :3])
