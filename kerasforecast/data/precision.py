"""What a network's 32-bit numbers hold of a column, and what is refused because they do not."""

from __future__ import annotations

import numpy as np

from kerasforecast.errors import DataError

LARGEST = 1e18  # the square of a change must fit 32-bit numbers, which end at 3.4e38
_REFUSED = 0.3  # of a usual change: so much rounded away at a column's level leaves too little to learn
_LOOKED_AT = 1_000_000  # rows of several series, about
_ROUNDED = 0.01  # of a usual change: more than that is said
_LEAST_PLAIN, _MOST_PLAIN = 1e-9, 1e9
_FEW = 100  # numbers that are sooner read from text
_USUAL_DIGITS = 7  # most numbers need as many, at most 9


def check_training_rows(rows: np.ndarray, columns: tuple[str, ...], starts: np.ndarray, constant: bool) -> None:
    """Refuse training rows `(T, F)` from which no scaling can be learned.

    Args:
        rows: Raw, float64.
        columns: Their names.
        starts: First row of each stretch; from the last row of one to the first of the next is no change.
        constant: Whether a column may stand still.

    Raises:
        DataError: A column does not change, or not by enough for float32; or it has a value beyond 1e18.
    """
    for name, values in zip(columns, rows.T, strict=True):
        if max(values.max(), -values.min()) > LARGEST:
            raise too_large(values[np.abs(values) > LARGEST][0], f"Column {name}")
        if np.ptp(values) == 0 and not constant:
            raise DataError(
                f"Column {name} must change within the training rows. "
                f"Received: {values.min()} in all {len(values)} of them. Leave it out, or train on rows where it moves."
            )
        change, lost = _rounding(values, starts)
        if lost > _REFUSED:
            raise DataError(
                f"Column {name} must change by what the network's 32-bit numbers tell apart at its level. Received: "
                f"changes of about {change:.3g} at {values.max():,.10g}, where those numbers lie "
                f"{np.spacing(np.float32(np.abs(values).max())):.3g} apart. {_remedy(values, starts)}"
            )


def rounding_note(name: str, values: np.ndarray, starts: np.ndarray) -> str | None:
    """What to say where float32 rounds away more of the changes of a column than goes without saying."""
    lost = _rounding(values, starts)[1]
    if lost <= _ROUNDED:
        return None
    return f"{name}: 32-bit numbers round {min(lost, 1):.0%} of a usual change away. {_remedy(values, starts)}"


def _rounding(values: np.ndarray, starts: np.ndarray) -> tuple[float, float]:
    """The usual change of `values` `(T,)`, whatever its sign and were one a leap, and the share of it float32 loses.

    Of many stretches so many are looked at, evenly spread, as have some million rows.
    """
    values, starts = _some(values, starts)
    exact = np.delete(np.diff(values), starts[1:] - 1)
    kept = np.delete(np.diff(values.astype(np.float32).astype(np.float64)), starts[1:] - 1)
    moved = np.abs(exact[exact != 0])
    usual = float(np.median(moved)) if len(moved) else 0.0
    return usual, float(np.abs(kept - exact).mean()) / usual if usual > 0 else 0.0


def _some(values: np.ndarray, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    every = -(-len(values) // _LOOKED_AT)
    if every == 1 or len(starts) < every:
        return values, starts
    stops = np.append(starts[1:], len(values))
    kept = [values[first:stop] for first, stop in zip(starts[::every], stops[::every], strict=True)]
    lengths = np.array([len(each) for each in kept])
    return np.concatenate(kept), np.cumsum(lengths) - lengths


def _remedy(values: np.ndarray, starts: np.ndarray) -> str:
    """What keeps the digits: a round constant to subtract first, else changes in place of levels."""
    unit = 10.0 ** np.floor(np.log10(np.ptp(values)))
    constant = np.floor(values.min() / unit) * unit
    if _rounding(values - constant, starts)[1] <= _ROUNDED:
        return f"Subtract {constant:,.15g} from it first."
    return "Give its changes from row to row instead of its level."


def too_large(value: float, what: str) -> DataError:
    """The refusal of a value that is beyond `LARGEST`."""
    return DataError(
        f"{what} must stay within {LARGEST:g}, for the network's 32-bit numbers. Received: {value}. "
        "Give it in larger units."
    )


def short_decimals(values: np.ndarray) -> np.ndarray:
    """Float32 numbers as float64 with the short decimals that stand for them: 0.1, not 0.10000000149.

    Text says which these are, a microsecond a number; most are found eight times as fast, by rounding to ever more
    digits until the number is met.
    """
    exact = np.asarray(values, np.float32)
    if exact.size <= _FEW:
        return exact.astype(str).astype(np.float64)
    found, single = exact.astype(np.float64).ravel(), exact.ravel()
    size = np.abs(found)
    # Where integers and powers of ten are exact, and as far to the next number above as to the one below.
    plain = (size > _LEAST_PLAIN) & (size < _MOST_PLAIN) & (np.frexp(size)[0] != 0.5)
    due = np.flatnonzero(plain)
    met = _met(found, single, due, _USUAL_DIGITS - 1)
    for digits, group in ((range(1, _USUAL_DIGITS), due[met]), (range(_USUAL_DIGITS, 10), due[~met])):
        left = group
        for count in digits:
            rounded = _rounded(found[left], count)
            same = rounded.astype(np.float32) == single[left]
            found[left[same]] = rounded[same]
            left = left[~same]
        plain[left] = False
    found[~plain] = single[~plain].astype(str).astype(np.float64)
    return found.reshape(exact.shape)


def _met(found: np.ndarray, single: np.ndarray, due: np.ndarray, digits: int) -> np.ndarray:
    return np.asarray(_rounded(found[due], digits).astype(np.float32) == single[due])


def _rounded(values: np.ndarray, digits: int) -> np.ndarray:
    """Numbers between 1e-9 and 1e9 rounded to so many digits, each as that decimal is read."""
    powers = digits - 1 - np.floor(np.log10(np.abs(values)))
    up, down = 10.0 ** np.maximum(powers, 0), 10.0 ** np.maximum(-powers, 0)
    return np.asarray(np.rint(values * up / down) / up * down)
