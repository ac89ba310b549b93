"""The numbers of categories, from one panel's to those that a model learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.data.table.ids import text_of
from kerasforecast.data.table.stack import cut, named
from kerasforecast.errors import DataError, shown


def recoded(
    panel: Panel, categories: Sequence[Sequence[str]], otherwise: str = "train again on rows that have it"
) -> Panel:
    """`panel` with the numbers that a model gives to categories of the same names.

    Args:
        panel: With the static columns of the model, in its order.
        categories: Of each of them the names that the model knows, in order; none of a number.
        otherwise: What else a user can do about a category that the model does not know.

    Raises:
        DataError: A series has a category that the model does not know, or a category where it takes a number.
    """
    if len(categories) != len(panel.static_columns):
        raise DataError(
            f"{panel.name}: the model takes {len(categories)} static columns. Received: {shown(panel.static_columns)}."
        )
    if panel.static is None:
        return panel
    static = panel.static.copy()
    for place, names in enumerate(categories):
        static[:, place] = _recoded(panel, place, names, otherwise)
    return replace(panel, static=static, categories=tuple(map(tuple, categories)))


def _recoded(panel: Panel, place: int, names: Sequence[str], otherwise: str) -> np.ndarray:
    own, name = panel.static[:, place], panel.static_columns[place]  # type: ignore[index]
    kinds, which = np.unique(own, return_inverse=True)
    if not names:
        if panel.categories[place]:
            example = panel.categories[place][int(own[0])]
            raise DataError(
                f"{panel.name}: column {name}: the model takes a number. Received: {shown(example)} in "
                f"{cut(str(panel.ids[0]))}. Correct it."
            )
        return own
    texts = [panel.categories[place][int(kind)] if panel.categories[place] else text_of(kind) for kind in kinds]
    numbers = pd.Index(names).get_indexer(texts)[which]
    if (unknown := numbers < 0).any():
        series = int(np.argmax(unknown))
        raise DataError(
            f"{panel.name}: column {name}: the model knows {named(names)}. Received: {shown(texts[which[series]])} in "
            f"{cut(str(panel.ids[series]))}. Correct it, or {otherwise}."
        )
    return numbers.astype(np.float64)
