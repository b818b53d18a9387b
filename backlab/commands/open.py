"""`backlab open`: JupyterLab on this machine only, landing on the course page or on one lab."""

from __future__ import annotations

import click


@click.command(name="open")
@click.argument("lab", required=False)
@click.option("--port", default=8888, show_default=True, help="The first port to try on 127.0.0.1.")
@click.option("--browser/--no-browser", default=None, help="Open a browser, or only print the address.")
def command(lab: str | None, port: int, browser: bool | None) -> int:
    """Open LAB or the course page in JupyterLab on 127.0.0.1; Ctrl-C ends it and every server of it.

    \b
    Example: backlab open
             backlab open 4.2
             backlab open 4.2 --no-browser --port 9000
    """
    from backlab import course
    from backlab.jupyter import serve

    return serve(course.lab(lab) if lab else None, port, browser)
