"""The workbench: what Jupyter's server shows besides JupyterLab, as an extension of that server.

/backlab              the course page        page.py -> course.html
/backlab/calibration  guesses and findings   calibration.py -> calibration.html
handlers.py answers both; `backlab/jupyter_config` switches the extension on, also under JupyterHub.
"""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "backlab.workbench"}]


def _load_jupyter_server_extension(app: Any) -> None:
    from backlab.workbench import handlers, saving

    handlers.add(app)
    saving.add(app)
