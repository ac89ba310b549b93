"""What a page shows of a value, as a notebook would."""

from __future__ import annotations

import json
from pathlib import PurePath
from typing import Any


def value(found: Any) -> str:
    """Markdown that shows a value; nothing for `None`, and for the path of what was written, which stands below."""
    if found is None or isinstance(found, PurePath):
        return ""
    if type(found).__module__.startswith("plotly."):
        return figure(found.to_json())
    described = getattr(found, "_repr_html_", lambda: None)()
    if described is not None:
        return raw(described)
    return f"```text\n{found!r}\n```\n"


def raw(markup: str) -> str:
    """HTML that Markdown leaves alone: no line of it is empty or indented."""
    lines = (line.strip() for line in markup.splitlines())
    return f'<div class="shown">{" ".join(line for line in lines if line)}</div>\n'


def figure(encoded: str) -> str:
    """A plotly figure, which `static/figures.js` draws with the package's own plotly.js."""
    safe = json.dumps(json.loads(encoded)).replace("</", "<\\/")
    return f'<div class="plotly-figure"><script type="application/json">{safe}</script></div>\n'
