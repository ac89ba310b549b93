"""The picture of a forecast in a few lines of a terminal: dots of braille over shades, or ASCII."""

from __future__ import annotations

import numpy as np

from kerasforecast.data.numerals import number
from kerasforecast.errors import printable
from kerasforecast.report.outlook import Outlook
from kerasforecast.report.outlooks import Outlooks, titles_within

_HEIGHT = 12  # lines of the chart
_FEW, _LOW = 4, 7  # series that are drawn below one another at most, and the lines of each
_WIDEST = 90  # columns
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of a braille cell: four down, two across
_MARKS = ("░", "▒", "┊")  # outer and inner interval, and where the known rows end
_PLAIN = (".", ":", "|")


def drawn(outlook: Outlook | Outlooks, columns: int, encoding: str | None = "utf-8") -> list[str]:
    """The last known rows and the forecast, with its intervals as shades; of several series a few below one another.

    Args:
        outlook: What to draw.
        columns: Of the terminal.
        encoding: Of the terminal; one that lacks the characters gets ASCII.
    """
    if not isinstance(outlook, Outlooks):
        return [*map(printable, titles_within(outlook, columns)), *_chart(outlook, columns, encoding, _HEIGHT)]
    few = outlook.few(_FEW)
    lines = titles_within(few, columns)
    for each in few.each:
        lines += ["", printable(each.id or ""), *_chart(each, columns, encoding, _LOW)]
    return lines


def _chart(outlook: Outlook, columns: int, encoding: str | None, height: int) -> list[str]:
    forecast = outlook.ahead["forecast"].to_numpy(np.float64)
    known = outlook.values[-max(24, 3 * len(forecast)) :]
    values = np.concatenate([known, forecast])
    last = len(known) - 1
    bands = [[np.concatenate([known[-1:], end.astype(np.float64)]) for end in ends] for _, *ends in outlook.intervals]
    low = min(float(each.min()) for each in (values, *(lower for lower, _ in bands)))
    high = max(float(each.max()) for each in (values, *(upper for _, upper in bands)))
    edges = [number(high), number(low)]
    width = max(10, min(columns - 2 - max(map(len, edges)), _WIDEST))
    room = (high - low) or 1.0

    plain = not _has(encoding)
    marks = _PLAIN if plain else _MARKS
    cells = np.full((height, width), " ")
    middles = np.linspace(0, len(values) - 1, width)
    cells[:, np.abs(middles - last).argmin()] = marks[2]
    bottoms = low + room * np.arange(height)[::-1, None] / height  # (height, 1), of each line of cells
    for mark, (lower, upper) in zip(marks, bands, strict=False):
        steps = np.arange(last, len(values))
        below, above = (np.interp(middles, steps, end) for end in (lower, upper))
        cells[(above >= bottoms) & (below <= bottoms + room / height) & (middles > last)] = mark
    dots = _line(
        np.interp(np.linspace(0, len(values) - 1, 2 * width), np.arange(len(values)), values), low, room, height
    )
    for line, column in zip(*np.nonzero(dots), strict=True):
        ahead = middles[column] > last
        cells[line, column] = ("o" if ahead else "*") if plain else chr(0x2800 + dots[line, column])
    lines = ["".join(row).rstrip() for row in cells]
    lines[0], lines[-1] = (f"{lines[end]:<{width}}  {edge}" for end, edge in zip((0, -1), edges, strict=True))
    return [*lines, *_below(outlook, len(known), width, marks)]


def _line(heights: np.ndarray, low: float, room: float, height: int) -> np.ndarray:
    """Dots of a line through `heights` `(2 * width,)`, as bits of each cell `(height, width)`."""
    levels = np.rint((heights - low) / room * (4 * height - 1)).astype(int)  # 0 at the bottom
    cells = np.zeros((height, len(levels) // 2), int)
    for column, (before, level) in enumerate(zip(np.concatenate([levels[:1], levels]), levels, strict=False)):
        towards = before + int(np.sign(level - before))  # joined to the dot before
        for dot in range(min(towards, level), max(towards, level) + 1):
            down = 4 * height - 1 - dot
            cells[down // 4, column // 2] |= _DOTS[down % 4][column % 2]
    return cells


def _below(outlook: Outlook, known: int, width: int, marks: tuple[str, ...]) -> list[str]:
    first, last = str(outlook.dates[-known]), str(outlook.ahead["date"].iloc[-1])
    span = f"{first}{last:>{max(width - len(first), len(last) + 1)}}"
    shades = "  ".join(f"{mark} {name}" for mark, (name, *_) in zip(marks, outlook.intervals, strict=False))
    end = f"{marks[2]} the last known, {outlook.dates[-1]}"
    return [printable(span), printable("  ".join(filter(None, (end, shades))))]


def _has(encoding: str | None) -> bool:
    """Whether an encoding has every character that a chart may use."""
    try:
        "".join((*_MARKS, "⣿")).encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
