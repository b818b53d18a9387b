"""The pages of the workbench, behind Jupyter's own login and below its base URL."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2
from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import url_path_join
from markupsafe import Markup, escape
from tornado import web

from backlab import course
from backlab.learning import diary
from backlab.learning.predict import number
from backlab.workbench import calibration, page
from backlab.workbench.machine import Machine

TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _code(text: str) -> Markup:
    """Backticks as a terminal's reader knows them, as code; everything else is only text."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))


TEMPLATES.filters["code"] = _code


def add(app: Any) -> None:
    """Add the pages to a running Jupyter server, and look at the machine while nobody waits for it."""
    machine, base = Machine(), app.web_app.settings["base_url"]
    app.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "backlab"), Course, {"machine": machine}),
            (url_path_join(base, "backlab", "calibration"), Calibration, {"last": {}}),
        ],
    )
    app.io_loop.add_callback(machine.lacking)


class Page(JupyterHandler):
    """What both pages share: no cache keeps them, and their links know where the server lives."""

    def show(self, template: str, **facts: Any) -> None:
        """Answer with a template."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/html; charset=utf-8")
        home = url_path_join(self.base_url, "backlab")
        self.finish(TEMPLATES.get_template(template).render(home=home, diary=str(diary.path()), **facts))


class Course(Page):
    """The course page."""

    def initialize(self, machine: Machine) -> None:
        self.machine = machine

    @web.authenticated
    async def get(self) -> None:
        """Everything that may have changed since the last request, asked again; the machine now and then."""
        again = self.get_query_argument("look", "") == "again"
        lacking = await self.machine.lacking(again=again)
        rows = page.rows(lacking)
        self.show(
            "course.html",
            modules=page.modules(rows),
            rows=rows,
            suggestion=page.suggestion(rows),
            looked=lacking is not None,
            looked_at=self.machine.looked_at,
            link=self.link,
        )

    def link(self, row: page.Row) -> str | None:
        """The lab in JupyterLab, or None where this server does not see its notebook."""
        root = Path(self.settings["server_root_dir"]).expanduser().resolve()
        notebook = course.root().parent / row.notebook
        if not row.built or row.trouble or root not in notebook.parents:
            return None
        return url_path_join(self.base_url, "lab", "tree", quote(notebook.relative_to(root).as_posix()))


class Calibration(Page):
    """Guesses beside what was measured, over all labs."""

    def initialize(self, last: dict[str, Any]) -> None:
        self.last = last

    @web.authenticated
    async def get(self) -> None:
        """Draw anew where a pair has changed; they stand below the picture for whoever cannot see it."""
        pairs = calibration.pairs()
        if pairs != self.last.get("pairs"):
            self.last.update(pairs=pairs, picture=await calibration.drawn())
        self.show("calibration.html", pairs=pairs, picture=self.last.get("picture"), number=number)
