"""The style sheet's colours for pictures that have no style sheet."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=1)
def palette() -> dict[str, str]:
    """Each style variable of `page.css` with its colour on light ground."""
    style = (files("kerasforecast.report") / "page.css").read_text(encoding="utf-8")
    light = style[: style.index("@media")]
    return dict(re.findall(r"(--[\w-]+):\s*(#\w+|rgba\([^)]*\))", light))


def coloured(part: Any) -> Any:
    """A figure, or a part of one, with its colours in place of their names."""
    if isinstance(part, dict):
        return {name: coloured(inner) for name, inner in part.items()}
    if isinstance(part, list):
        return [coloured(inner) for inner in part]
    return palette().get(part, part) if isinstance(part, str) else part
