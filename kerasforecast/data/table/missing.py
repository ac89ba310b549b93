"""Values that a table lacks: rows known ahead alone, gaps that are filled or dropped, what no forecast is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from kerasforecast.data.finite import all_finite
from kerasforecast.data.table.columns import is_price
from kerasforecast.data.table.stack import Stack
from kerasforecast.data.table.table import counted, listed
from kerasforecast.errors import DataError

_FILL = "Use --missing drop to skip such rows (or ffill, interpolate)."

_KNOWN = "To forecast them, name what is known of them with --known."


def marked(stack: Stack, known: Sequence[str]) -> tuple[Stack, list[str]]:
    """Mark the rows after the last target of each series, of which the `known` columns alone are kept, and say so.

    Args:
        stack: In order of time.
        known: Columns known for the rows to be forecast too; without them no row is one.

    Raises:
        DataError: One of them is empty in such a row.
    """
    last_rows = stack.starts[1:][np.diff(stack.starts) > 0] - 1
    if not known or not np.isnan(stack.target[last_rows]).any():
        return stack, []
    rows = np.arange(len(stack))
    with_target = np.flatnonzero(~np.isnan(stack.target))
    last = np.full(len(stack.ids), -1)
    last[stack.owner[with_target]] = with_target  # of several rows of a series the last is kept
    ahead = rows > last[stack.owner]
    if not ahead.any():
        return stack, []
    for name in known:
        lacking = ahead & np.isnan(stack.values[:, stack.columns.index(name)])
        if lacking.any():
            rule = f"expected a value in a row after the last {stack.columns[0]}, since --known says that it is known"
            raise stack.refusal(lacking, name, rule, "Fill it, or remove the row.")
    values, dropped = stack.values.copy(), []
    for place, name in enumerate(stack.columns[1:], 1):
        if name not in known:
            dropped += [name] if not np.isnan(values[ahead, place]).all() else []
            values[ahead, place] = np.nan
    hold = "holds" if len(dropped) == 1 else "hold"
    ignored = f"; what {listed(dropped, 3)} {hold} there is not used" if dropped else ""
    note = f"{counted(int(ahead.sum()))} after the last {stack.columns[0]}: to be forecast, {listed(known, 3)} known"
    return replace(stack, values=values, ahead=ahead), [f"{note}{ignored}."]


def filled(stack: Stack, policy: str) -> tuple[Stack, int, list[str]]:
    """Rows without missing values, by `--missing`, each series by itself; and how many rows lacked one.

    Raises:
        DataError: A value is missing and the policy is `error`, or nothing is left.
    """
    if all_finite(stack.values):
        return stack, 0, []
    missing = np.isnan(stack.values)
    if stack.ahead is not None:
        missing[stack.ahead] = False
    lacking = missing.any(axis=1)
    if not lacking.any():
        return stack, 0, []
    if policy == "error":
        place = int(np.argmax(missing.any(axis=0)))
        remedy = f"{_FILL} {_KNOWN}" if not place and _at_the_end(stack, lacking) else _FILL
        raise stack.refusal(missing[:, place], stack.columns[place], "expected a number", remedy)
    if policy != "drop":
        values = stack.values.copy()
        for column in np.flatnonzero(missing.any(axis=0)).tolist():
            _fill(stack, values, column, np.flatnonzero(missing[:, column]), policy)
        stack = replace(stack, values=values)
        missing &= np.isnan(values)
    kept = ~missing.any(axis=1)
    if not (kept & stack.open).any():
        raise DataError(
            f"{stack.table.name}: no complete row is left. Received: --missing {policy}. Fill the columns first."
        )
    count = int(lacking.sum())
    return stack.where(kept), count, _filled_notes(count, int((~kept).sum()), policy)


def _at_the_end(stack: Stack, lacking: np.ndarray) -> bool:
    """Whether all rows that lack a value come after the last that has one, with something else known of them."""
    rows = np.flatnonzero(~lacking)
    last = np.full(len(stack.ids), -1)
    last[stack.owner[rows]] = rows
    late = np.flatnonzero(lacking)
    others = stack.table.frame.columns.difference(stack.columns)
    cells = stack.table.frame.loc[stack.positions[late[:100]], others].select_dtypes("number")
    return bool((late > last[stack.owner[late]]).all() and cells.notna().all(axis=None) and len(cells.columns))


def _fill(stack: Stack, values: np.ndarray, place: int, rows: np.ndarray, policy: str) -> None:
    """Fill column `place` of `values` at `rows` from the rows of the same series, where it has such rows."""
    own = values[:, place]
    there, every = ~np.isnan(own), np.arange(len(own))
    before = np.maximum.accumulate(np.where(there, every, -1))[rows]
    owner = stack.owner[rows]
    sure = before >= stack.starts[owner]
    if policy == "ffill":
        own[rows[sure]] = own[before[sure]]
        return
    after = np.minimum.accumulate(np.where(there, every, len(own))[::-1])[::-1][rows]
    sure &= after < stack.starts[owner + 1]
    rows, before, after = rows[sure], before[sure], after[sure]
    time = _times(stack)
    slope = (own[after] - own[before]) / (time[after] - time[before])
    own[rows] = slope * (time[rows] - time[before]) + own[before]


def _times(stack: Stack) -> np.ndarray:
    """When each row lies, float64 `(R,)`; in a series without dates, or of repeated ones, its place."""
    rows = np.arange(len(stack), dtype=np.float64)
    if not stack.dated:
        return rows
    stamps = stack.stamps
    repeated = np.diff(stamps, prepend=0) == 0
    repeated[stack.first] = False
    return np.where((stack.counted(repeated) > 0)[stack.owner], rows, stamps.astype(np.float64))


def _filled_notes(lacking: int, dropped: int, policy: str) -> list[str]:
    notes = []
    if lacking > dropped:
        seen = ", which looks at the row after the gap" if policy == "interpolate" else ""
        notes.append(f"{counted(lacking - dropped)} with missing values filled by --missing {policy}{seen}.")
    if dropped:
        notes.append(f"{counted(dropped)} with missing values dropped.")
    return notes


def check_values(stack: Stack, positive_prices: bool) -> None:
    """Refuse what no forecast can be made from: too few rows, prices at or below zero, a constant target.

    Raises:
        DataError: One of these holds; of several series the last one only where it holds for all.
    """
    rows, target = stack.counted(stack.open) if stack.ahead is not None else np.diff(stack.starts), stack.target
    if rows.max() < 2:
        of = "" if stack.key is None else f" of one {stack.key}"
        raise DataError(
            f"{stack.table.name}: expected at least 2 rows{of}. Received: {int(rows.max())}. Give a longer table."
        )
    for place, column in enumerate(stack.columns) if positive_prices else ():
        if (is_price(column) or (stack.wide and not place)) and (low := stack.values[:, place] <= 0).any():
            low &= is_price(column) | np.array([is_price(each) for each in stack.ids])[stack.owner]
            if low.any():
                remedy = "Use --scaling difference (or minmax, standard) to accept such values."
                raise stack.refusal(low, column, "prices must be positive for log returns", remedy)
    if stack.constant.all():
        first = float(target[0])
        of = f" {rows.sum():,} rows" if stack.lone else f" rows of each of {len(rows):,} series"
        raise DataError(
            f"{stack.table.name}: column {stack.columns[0]}: expected values that change. Received: {first!r} in all"
            f"{of}. Choose another column with --target."
        )
