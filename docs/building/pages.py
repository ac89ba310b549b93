"""What Sphinx calls while it makes the site: each page's code is run, and what came of it is shown."""

from __future__ import annotations

import gzip
import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.locale import _ as translated
from sphinx.util.logging import getLogger

from building.commands import commands
from building.notebooks import Notebooks
from building.running import Runner

_LOG = getLogger(__name__)
DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
FIGURE = 'class="plotly-figure"'
_SCRIPTS = ("plotly-basic.min.js", "figures.js")
_PORTUGUESE = {  # what the theme says and has no translation of
    "Previous": "Anterior",
    "Next": "Próxima",
    "Home": "Início",
    "On this page": "Nesta página",
    "Back to top": "Voltar ao alto",
    "Made with": "Feito com",
}
_runner, _notebooks = Runner(), Notebooks(DOCS / "notebooks")  # shared by the languages, which are built in one process
_files: dict[str, bytes] = {}  # what pages' code has written, by its address in the site


def read(app: Any, docname: str, source: list[str]) -> None:
    """Run the page's code, or the notebook that it shows, before the page is parsed."""

    def place(name: str, content: bytes) -> str:
        address = f"made/{docname.replace('/', '-')}/{name}"
        _files[address] = content
        return "../" * docname.count("/") + address

    text = source[0].replace("{{ commands }}\n", commands() if "{{ commands }}" in source[0] else "")
    run = _runner.page(text, place, lambda fault: _LOG.warning(fault, location=docname))
    source[0] = _notebooks.page(run)


def finish(app: Any, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    """Load what draws figures into pages that have some, and into no others; and link the page's other language."""
    up = "../" * pagename.count("/")
    if FIGURE in context.get("body", ""):
        context["body"] += "".join(f'<script src="{up}_static/{name}"></script>' for name in _SCRIPTS)
    english = app.config.language == "en"
    other = DOCS / ("pt" if english else "en") / f"{pagename}.md"
    home = f"{up}pt/" if english else f"{up}../"
    context["other_language"] = "Português" if english else "English"
    if not english:
        context["_"] = context["gettext"] = _in_portuguese
    context["other_page"] = f"{home}{pagename if other.is_file() else 'index'}.html"


def _in_portuguese(words: str) -> str:
    return _PORTUGUESE.get(words.strip()) or str(translated(words))


def docstring(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
    """Say in Sphinx' words what docstrings say in plain ones: stars are stars, and some arguments are further ones."""
    told = re.sub(r"(?<![`*\\])(\*{1,2})(?=\w)", lambda stars: "\\*" * len(stars[1]), "\n".join(lines))
    told = re.sub(r"^Args \((beyond those of [^)]*)\):", r"Arguments \1:\n\nArgs:", told, flags=re.MULTILINE)
    lines[:] = told.split("\n")


def written(app: Any, failure: Exception | None) -> None:
    """Write what pages' code has made, the notebooks, and the plotly.js that the package carries."""
    if failure is not None:
        return
    site = Path(app.outdir)
    for address, content in _files.items():
        path = site / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    _files.clear()
    if app.config.language == "en":
        ignored = shutil.ignore_patterns("*.toml")
        shutil.copytree(DOCS / "notebooks", site / "notebooks", dirs_exist_ok=True, ignore=ignored)
    packed = ROOT / "kerasforecast" / "report" / "plotly-basic.min.js.gz"
    (site / "_static" / "plotly-basic.min.js").write_bytes(gzip.decompress(packed.read_bytes()))
