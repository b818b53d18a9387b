"""`backlab open`: JupyterLab on this machine only, landing on one lab."""

from __future__ import annotations

import click


@click.command(name="open")
@click.argument("lab", default="4.2")
@click.option("--port", default=8888, show_default=True, help="The first port to try on 127.0.0.1.")
@click.option("--browser/--no-browser", default=None, help="Open a browser, or only print the address.")
def command(lab: str, port: int, browser: bool | None) -> int:
    """Open LAB in JupyterLab on 127.0.0.1, with a token; Ctrl-C ends it and every server of it.

    \b
    Example: backlab open 4.2
             backlab open 4.2 --no-browser --port 9000
    """
    from backlab import course
    from backlab.jupyter import serve

    return serve(course.lab(lab), port, browser)
