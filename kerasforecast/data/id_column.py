"""What tables of results call their column of ids."""

from __future__ import annotations

import re
from collections.abc import Collection

from kerasforecast.data.panel import Panel

# Columns that tables of forecasts and of scores have of their own.
_TAKEN = re.compile(
    r"date|fold|actual|forecast|naive|step|windows|mase|rmsse|smape|crps|scaled_crps|naive_mase|best_mase|better|"
    r"held_out|note|place|(q|in_)[\d.]+"
)


def id_column(panel: Panel, taken: Collection[str] = ()) -> str | None:
    """The panel's own name for its ids, or one like it where another column of the table is called so.

    Args:
        panel: Of the ids; a lone series without any has no such column.
        taken: Further names of columns.
    """
    key = panel.key
    while key is not None and (_TAKEN.fullmatch(key) or key in taken):
        key = f"{key} id"
    return key
