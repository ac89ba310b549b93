"""What no forecast may lie below: counts and amounts are never negative, and neither is what is said of them."""

from __future__ import annotations

import numpy as np

from kerasforecast.errors import OptionError
from kerasforecast.sections.network import Bound

_ZEROS = 2  # values of zero that tell of a bound: a single one may be chance


def least_forecast(asked: float | Bound, target: np.ndarray) -> float | None:
    """The value, raw, that no forecast lies below, as float32 holds it; `None` where there is none.

    Args:
        asked: The option. `"auto"` is zero where values of zero stand in the training rows and none below; a number
            holds unless a row lies below it.
        target: `(R,)` of the training rows.
    """
    if asked == "none":
        return None
    least = float(np.min(target))
    if asked == "auto":
        return 0.0 if least == 0.0 and np.count_nonzero(target == 0.0) >= _ZEROS else None
    return float(np.float32(asked)) if least >= asked else None


def check_bound(asked: float | Bound, target: np.ndarray) -> None:
    """Refuse a bound, asked for as a number, that a training row `(R,)` lies below.

    Raises:
        OptionError: One does.
    """
    if not isinstance(asked, str) and (least := float(np.min(target))) < asked:
        raise OptionError(
            f"--lower-bound must not lie above a value that was learned from. Received: {asked:g}, where the least of "
            f"the training rows is {least:g}."
        )


def bounded(values: np.ndarray, lowest: float | None) -> np.ndarray:
    """Forecasts of which none lies below `lowest`, if it is one."""
    return values if lowest is None else np.maximum(values, lowest)


def bound_note(lowest: float | None) -> list[str]:
    """What is said of a bound, if there is one."""
    return [] if lowest is None else [f"No forecast lies below {lowest:g}; --lower-bound sets that, or none."]
