"""What the cells of a column of ids call the series, and how messages list them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

LONGEST_ID = 256  # characters; all ids together are kept at the width of the longest


@dataclass(frozen=True)
class Ids:
    """Columns that name series, and which series each row belongs to.

    Attributes:
        columns: Their names.
        codes: `(rows,)` places in `names`, -1 where a row has no id.
        names: What the series are called, in the order of their first rows.
    """

    columns: tuple[str, ...]
    codes: np.ndarray
    names: list[str]

    @classmethod
    def of(cls, frame: pd.DataFrame, columns: Sequence[str]) -> Ids:
        """The ids in `columns` of `frame`."""
        return cls(tuple(columns), *identified(frame[list(columns)]))


def identified(columns: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Which series each row belongs to.

    Args:
        columns: `(rows, K)` of ids; those of several columns are joined by commas.

    Returns:
        Places `(rows,)` in the list of ids, -1 where a row has none, and the ids in the order of their first rows.
    """
    codes, ids = _identified(columns.iloc[:, 0])
    for place in range(1, columns.shape[1]):
        more, others = _identified(columns.iloc[:, place])
        both = np.where((codes < 0) | (more < 0), -1, codes.astype(np.int64) * len(others) + more)
        codes, pairs = pd.factorize(both)
        absent = np.flatnonzero(pairs < 0)
        if len(absent):  # rows without an id are no series of their own
            codes = np.where(codes == absent[0], -1, codes - (codes > absent[0]))
            pairs = np.delete(pairs, absent[0])
        ids = [f"{ids[pair // len(others)]},{others[pair % len(others)]}" for pair in pairs]
    return codes, ids


def _identified(cells: pd.Series) -> tuple[np.ndarray, list[str]]:
    try:
        codes, found = _of_categories(cells) if isinstance(cells.dtype, pd.CategoricalDtype) else pd.factorize(cells)
    except TypeError:  # lists and the like
        codes, found = pd.factorize(cells.map(repr))
    texts = [text_of(each) for each in np.asarray(found, dtype=object)]  # Arrow's text takes ten times as long
    if len(set(texts)) < len(texts) or "" in texts:  # ids that differ by spaces around them alone, or are spaces
        again, texts = pd.factorize(np.array([text or None for text in texts], dtype=object))
        codes = np.where(codes < 0, -1, again[codes])
    return codes, list(texts)


def _of_categories(cells: pd.Series) -> tuple[np.ndarray, pd.Index]:
    """As `pd.factorize`, from the codes that the cells have already, in as few bytes where they are the same."""
    codes, categories = cells.cat.codes.to_numpy(), cells.cat.categories
    runs = run_starts(codes)[::-1]
    first = np.full(len(categories) + 1, len(codes))  # the row of each, the last for none
    first[codes[runs]] = runs  # of several rows the last that is written is kept
    met = np.argsort(first[:-1], kind="stable")[: int((first[:-1] < len(codes)).sum())]
    if (met == np.arange(len(met))).all():
        return codes, categories[: len(met)]
    places = np.full(len(categories) + 1, -1)
    places[met] = np.arange(len(met))
    return places[codes], categories[met]


def run_starts(codes: np.ndarray) -> np.ndarray:
    """The first row of each stretch of equal codes `(rows,)`."""
    return np.flatnonzero(np.append(len(codes) > 0, codes[1:] != codes[:-1]))


def text_of(value: object) -> str:
    """An id or a category as text, without spaces around it."""
    if isinstance(value, float | np.floating) and value % 1 == 0:
        return str(int(value))  # a gap had turned whole numbers into floats
    return str(value).strip()


def choice(columns: Sequence[str], ids: Sequence[str]) -> str:
    """The options that take one series, the first."""
    return f"--id {quoted(columns)} --series {shlex.quote(ids[0])}"


def quoted(columns: Sequence[str]) -> str:
    """Columns of ids as `--id` takes them."""
    return shlex.quote(",".join(columns))
