"""A series in a few lines of a terminal."""

from __future__ import annotations

import numpy as np

from kerasforecast.data.numerals import numbers

_BLOCKS = " ▁▂▃▄▅▆▇█"
_PLAIN = " .-=#"


def chart(values: np.ndarray, width: int = 64, height: int = 5, plain: bool = False) -> list[str]:
    """`height` lines that show `values` `(T,)` as columns of blocks, each the mean of its stretch of rows.

    Args:
        values: Finite numbers, at least one.
        width: Most columns.
        height: Lines.
        plain: Draw in ASCII.
    """
    marks = _PLAIN if plain else _BLOCKS
    columns = min(width, len(values))
    edges = np.linspace(0, len(values), columns + 1).astype(int)
    means = np.add.reduceat(values, edges[:-1]) / np.diff(edges)  # (columns,)
    low, high = means.min(), means.max()
    share = (means - low) / (high - low) if high > low else np.full(columns, 0.5)
    steps = len(marks) - 1
    levels = np.rint(share * (height * steps - 1)).astype(int) + 1  # 1..height * steps
    lines = []
    for line in reversed(range(height)):
        filled = np.clip(levels - line * steps, 0, steps)
        lines.append("".join(marks[mark] for mark in filled).rstrip())
    ends = numbers([float(high), float(low)])
    lines[0] = f"{lines[0]:<{columns}}  {ends[0]}"
    lines[-1] = f"{lines[-1]:<{columns}}  {ends[1]}"
    return lines
