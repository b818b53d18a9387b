"""JupyterLab's settings of ours that need to know where they lie: an extension that gives figures a voice."""

from pathlib import Path

c = get_config()  # type: ignore[name-defined]  # noqa: F821  # Jupyter puts it here
c.LabApp.extra_labextensions_path = [str(Path(__file__).parent / "labextensions")]
