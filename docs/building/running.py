"""Code in pages that is run when the site is built, and what came of it shown below.

A block that begins with three backticks and `python run` is run in the page's own namespace, in a folder of its own.
What it prints, the value of its last line, and the pictures and pages that it has written there follow it. A block that
raises ends the build, unless it is marked `python run raises`, and then one that does not. `python run hidden` is run
without being shown.

A page in another language with the same code is not run again.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import html
import io
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from building import shown

_BLOCK = re.compile(r"^```python run(?P<marks>[a-z ]*)\n(?P<code>.*?)^```(?:\n|\Z)", re.MULTILINE | re.DOTALL)
_KEPT = (".html", ".svg", ".png")  # what a block writes that the page shows


@dataclass
class Outcome:
    """What came of one block.

    Attributes:
        printed: On stdout and stderr together.
        value: Of its last expression, as Markdown.
        error: What it raised, in a line.
        files: What it wrote for the page to show, by name.
    """

    printed: str = ""
    value: str = ""
    error: str | None = None
    files: dict[str, bytes] = field(default_factory=dict)


class Runner:
    """Runs the blocks of pages, and knows those that it has run."""

    def __init__(self) -> None:
        self._known: dict[str, list[Outcome]] = {}

    def page(self, markdown: str, place: Callable[[str, bytes], str], complain: Callable[[str], None]) -> str:
        """The page with what came of its blocks.

        Args:
            markdown: Of the page.
            place: Puts a file of this name and content beside the page and returns its address there.
            complain: Told that a block raised, or that one which should did not.
        """
        blocks = list(_BLOCK.finditer(markdown))
        codes = [block["code"] for block in blocks]
        key = hashlib.sha256("\0".join(codes).encode()).hexdigest()
        if key not in self._known:
            self._known[key] = list(run(codes))
        outcomes = iter(self._known[key])

        def told(block: re.Match[str]) -> str:
            outcome, marks = next(outcomes), block["marks"].split()
            if (outcome.error is not None) != ("raises" in marks):
                line = markdown.count("\n", 0, block.start()) + 1
                complain(f"block at line {line}: {outcome.error or 'nothing was raised'}")
            source = "" if "hidden" in marks else f"```python\n{block['code']}```\n"
            return source + _below(outcome, place)

        return _BLOCK.sub(told, markdown)


def run(codes: list[str]) -> Iterator[Outcome]:
    """Run blocks one after another in one namespace and in an empty folder."""
    names: dict[str, Any] = {"__name__": "page"}
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="page-") as folder:
        os.chdir(folder)
        try:
            for code in codes:
                yield _run(code, names, Path(folder))
        finally:
            os.chdir(before)


def _run(code: str, names: dict[str, Any], folder: Path) -> Outcome:
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    outcome, printed, there = Outcome(), io.StringIO(), _written(folder)
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
        for package in ("keras", "pandas"):  # what these say is no concern of ours, as pyproject.toml has it
            warnings.filterwarnings("ignore", module=package)
        try:
            exec(compile(tree, "<page>", "exec"), names)
            if last is not None:
                outcome.value = shown.value(eval(compile(ast.Expression(last.value), "<page>", "eval"), names))
        except Exception as error:
            outcome.error = f"{type(error).__name__}: {error}"
    outcome.printed = printed.getvalue()
    outcome.files = {
        path.name: path.read_bytes() for path, time in sorted(_written(folder).items()) if there.get(path) != time
    }
    return outcome


def _written(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.iterdir() if path.suffix in _KEPT}


def _below(outcome: Outcome, place: Callable[[str, bytes], str]) -> str:
    parts = []
    told = outcome.printed + (f"{outcome.error}\n" if outcome.error else "")
    if told.strip():
        parts.append(f"```text\n{told.rstrip()}\n```\n")
    if outcome.value:
        parts.append(outcome.value)
    for name, content in outcome.files.items():
        address = html.escape(place(name, content))
        if name.endswith(".html"):
            parts.append(
                f'<iframe class="page" src="{address}" title="{html.escape(name)}" loading="lazy"></iframe>\n'
                f'<p><a href="{address}">{html.escape(name)}</a></p>\n'
            )
        else:
            parts.append(f'<p><img src="{address}" alt="{html.escape(name)}"></p>\n')
    return "".join(f"\n{part}" for part in parts)
