"""Notebooks, run by Jupyter when the site is built, as pages.

A page that holds the line `{{ notebook: name.ipynb }}` shows that notebook, which lies in `notebooks/` beside it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from building import shown

_LINE = re.compile(r"^\{\{ notebook: (?P<name>[\w-]+\.ipynb) \}\}$", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_SECONDS = 300  # that one cell, or a start on a busy machine, may take


class Notebooks:
    """Runs each notebook once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def page(self, markdown: str) -> str:
        """The page with the notebook that it names, if it names one."""
        return _LINE.sub(lambda line: self._shown(line["name"]), markdown)

    def _shown(self, name: str) -> str:
        if name not in self._known:
            self._known[name] = as_markdown(executed(self._folder / name))
        return self._known[name]


def executed(path: Path) -> dict:
    """The notebook with what came of its cells; a cell that raises is an error. It runs in a copy of its folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory(prefix="notebook-") as folder:
        copy = Path(folder) / "notebooks"
        shutil.copytree(path.parent, copy)
        os.environ["PLOTLY_RENDERER"] = "plotly_mimetype"
        client = NotebookClient(
            notebook,
            timeout=_SECONDS,
            startup_timeout=_SECONDS,
            kernel_name="python3",
            resources={"metadata": {"path": str(copy)}},
        )
        return client.execute()


def as_markdown(notebook: dict) -> str:
    """Cells and what came of them."""
    parts = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            parts.append(f"{cell['source']}\n")
        elif cell["cell_type"] == "code":
            parts.append(f"```ipython3\n{cell['source']}\n```\n")
            parts += _outputs(cell["outputs"])
    return "\n".join(parts)


def _outputs(outputs: list[dict]) -> list[str]:
    parts, told = [], ""
    for output in outputs:
        data = output.get("data", {})
        markup = data.get("text/html", "")
        if output["output_type"] == "stream":
            told += output["text"]
        elif "application/vnd.plotly.v1+json" in data:
            parts.append(shown.figure(json.dumps(data["application/vnd.plotly.v1+json"])))
        elif markup and not markup.startswith("<pre"):  # such is what progress prints, as text too
            parts.append(shown.raw(markup))
        else:
            told += data.get("text/plain", "").rstrip() + "\n"
    told = _COLOURS.sub("", told).rstrip()
    return [*([f"```text\n{told}\n```\n"] if told else []), *parts]
