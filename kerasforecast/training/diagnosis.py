"""What the loss curves say, in one line: overfitting, underfitting, learning rate too high, or good.

The patterns are those of the usual reading of training and validation loss. Forecasting adds one: returns are close to
white noise, so on scaled returns both losses stand near the noise's variance and stay there. Flat is then no fault of
the model; with the naive forecast's loss in hand it is called by its name, nothing left to learn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from kerasforecast.errors import DataError

Pattern = Literal[
    "too short to tell", "learning rate too high", "overfitting", "nothing left to learn", "underfitting", "good"
]

SHORTEST = 4  # epochs; with fewer no shape can be told from noise
NAIVE_LEVEL = 0.02  # within 2 % of the naive forecast's loss (1 % of its RMSE): the same
HIGH = 0.10  # above the naive forecast's loss by more than this: high, even where the curve has settled
FLAT = 0.10  # a curve that fell by less than this share of its start: flat
SWING = 0.20  # typical change from epoch to epoch, as a share of the level: wide
RISE = 0.10  # validation above its minimum by more than this: rising
GAP = 1.5  # validation over training: far above
FALLING = 0.05  # validation fell by more than this over the last third: more epochs would go on


@dataclass(frozen=True)
class Diagnosis:
    """A reading of the loss curves.

    Attributes:
        name: The pattern.
        text: What is seen, with numbers.
        advice: What to do about it.
    """

    name: Pattern
    text: str
    advice: str

    @property
    def line(self) -> str:
        """All of it in one line, to print after `fit`."""
        return f"{self.name}: {self.text}; {self.advice}."


@dataclass(frozen=True)
class _Curves:
    """Both losses with what every rule needs, worked out once."""

    loss: np.ndarray  # (E,)
    val_loss: np.ndarray  # (E,)
    smooth_loss: np.ndarray  # (E,) running medians of three: one odd epoch is no pattern
    smooth_val: np.ndarray  # (E,)
    best: int  # epoch index of the smallest smooth validation loss
    naive: float | None

    @property
    def noise(self) -> float:
        """Standard deviation of an epoch's validation loss around its course."""
        return _noise(self.val_loss)

    @property
    def lowest(self) -> float:
        """Validation loss at its best."""
        return float(self.smooth_val[self.best])

    @property
    def end_loss(self) -> float:
        """Training loss at the end of the run; neither one high epoch nor the way down counts as its level."""
        return float(min(self.loss[-1], np.median(self.loss[-3:])))

    @property
    def end_val(self) -> float:
        """Validation loss at the end of the run, likewise."""
        return float(min(self.val_loss[-1], np.median(self.val_loss[-3:])))

    @property
    def to_naive(self) -> float | None:
        """Best validation loss over the naive forecast's."""
        return None if self.naive is None else self.lowest / self.naive

    @property
    def fell(self) -> float:
        """Share of its start that the loss which fell further has lost, beyond noise, at least 0."""
        curves = ((self.loss, self.smooth_loss.min()), (self.val_loss, self.lowest))
        left = ((curve[0], low + 3 * _noise(curve)) for curve, low in curves)
        return max(0.0, *(1 - low / start for start, low in left if low < start), 0.0)

    @property
    def falling(self) -> bool:
        """Still getting better when the run ended."""
        before = self.smooth_val[-1 - max(2, len(self.val_loss) // 3)]
        return before - self.end_val > max(FALLING * before, 3 * self.noise)

    @property
    def span(self) -> float:
        """What training has taken off the losses: the height of the plot.

        Where the naive forecast's loss is known an overshoot far above it, as long first steps make, does not count.
        """
        top = max(self.smooth_val[0], self.smooth_loss[0])
        if self.naive is not None:
            top = min(top, max(self.naive, 2 * self.lowest))
        return float(max(0.0, top - min(self.smooth_val.min(), self.smooth_loss.min())))


def diagnose(loss: Sequence[float], val_loss: Sequence[float], naive_val_loss: float | None = None) -> Diagnosis:
    """Read the loss curves of one fit.

    Args:
        loss: Training loss of each epoch, scaled units.
        val_loss: Validation loss of each epoch, the same.
        naive_val_loss: The same loss of the naive forecast on the validation part, where it is known.

    Returns:
        The pattern, what is seen and what to do. Fewer than four epochs are too short to tell.

    Raises:
        DataError: The two histories differ in length.
    """
    train, validation = np.asarray(loss, dtype=np.float64), np.asarray(val_loss, dtype=np.float64)
    if train.shape != validation.shape or train.ndim != 1:
        raise DataError(
            "Training and validation loss must have one value an epoch each. "
            f"Received: {train.shape} and {validation.shape}."
        )
    if not np.all(np.isfinite(train)) or not np.all(np.isfinite(validation)):
        return Diagnosis(
            "learning rate too high", "the loss stopped being a finite number", "lower it tenfold or clip gradients"
        )
    if len(train) < SHORTEST:
        epochs = f"{len(train)} epoch{'' if len(train) == 1 else 's'}"
        return Diagnosis("too short to tell", f"only {epochs}", "train longer to see how the losses run")
    curves = _curves(train, validation, naive_val_loss)
    for rule in (_swinging, _diverging, _rising, _at_naive, _far_above, _high):
        if found := rule(curves):
            return found
    return _good(curves)


def _curves(train: np.ndarray, validation: np.ndarray, naive: float | None) -> _Curves:
    smooth = _smooth(validation)
    usable = naive if naive is not None and np.isfinite(naive) and naive > 0 else None
    return _Curves(train, validation, _smooth(train), smooth, int(np.argmin(smooth)), usable)


def _swinging(curves: _Curves) -> Diagnosis | None:
    """Validation jumps up and down late in the run, where a falling curve has settled."""
    late = curves.val_loss[-max(SHORTEST, len(curves.val_loss) // 2 + 1) :]
    steps = np.diff(late)
    turns = np.mean(steps[1:] * steps[:-1] < 0)
    swing = float(np.median(np.abs(steps)))
    level = float(np.median(late))
    if turns < 1 / 3 or swing <= SWING * level or swing <= 0.05 * curves.span:
        return None
    return Diagnosis(
        "learning rate too high",
        f"validation loss swings by {swing:.3g} around {level:.3g} from one epoch to the next",
        "lower --learning-rate, to a third or a tenth",
    )


def _diverging(curves: _Curves) -> Diagnosis | None:
    """Both losses rise: steps too long to come down, not a model that fits too well."""
    floor = float(curves.smooth_loss.min())
    up, rise = curves.end_loss - floor, curves.end_val - curves.lowest
    if up <= max(RISE * floor, 0.05 * curves.span) or rise <= max(RISE * curves.lowest, 0.05 * curves.span):
        return None
    if rise <= 4 * curves.noise:
        return None
    text = f"both losses rose, training from {floor:.3g} to {curves.end_loss:.3g}"
    return Diagnosis("learning rate too high", text, "lower --learning-rate, to a third or a tenth")


def _rising(curves: _Curves) -> Diagnosis | None:
    """Validation turned up after its minimum; that training rose with it is told before."""
    rise = curves.end_val - curves.lowest
    fall = curves.smooth_val[0] - curves.lowest
    clear = rise > RISE * curves.lowest or (rise > 0.02 * curves.lowest and rise > 0.25 * fall)
    if not clear or rise <= 4 * curves.noise or rise <= 0.01 * curves.span:
        return None
    epoch = int(np.argmin(curves.val_loss)) + 1
    course = f"from {curves.lowest:.3g} to {curves.end_val:.3g}"
    text = f"validation loss rose {course} after epoch {epoch}"
    if curves.end_loss < curves.smooth_loss[curves.best]:
        text += " while training loss fell on"
    if _level_with_naive(curves):
        text += ", and its best is at the level of the naive forecast"
    return Diagnosis("overfitting", text, "the best epoch is kept; try more dropout or a smaller model")


def _at_naive(curves: _Curves) -> Diagnosis | None:
    """As good as the naive forecast and no better: on prices the usual end, and no fault of the model."""
    if curves.to_naive is None or not _level_with_naive(curves):
        return None
    return Diagnosis(
        "nothing left to learn",
        f"at the level of the naive forecast ({_percent(curves.to_naive)} of its validation loss)",
        "usual for prices; where there is a pattern to find, more features or a longer --window may show it",
    )


def _far_above(curves: _Curves) -> Diagnosis | None:
    """Validation far above training, in ratio and on the plot, at the end of the run."""
    validation, train = curves.end_val, curves.end_loss
    if validation <= GAP * train or validation - train <= 0.05 * curves.span:
        return None
    apart = curves.val_loss[0] > GAP * curves.loss[0]
    if apart and curves.to_naive is not None and curves.to_naive < 1:
        return None  # the validation part is only harder, as the naive forecast's own loss there shows
    text = f"validation loss is {_times(validation, train)} the training loss"
    if apart:
        text += " and was far above it from the first epoch"
    advice = "more dropout, a smaller model or early stopping"
    return Diagnosis("overfitting", text, f"{advice}; or the parts differ: try --scaling anchor" if apart else advice)


def _high(curves: _Curves) -> Diagnosis | None:
    """Both high and flat; high is measured against the naive forecast where that is known."""
    advice = "larger --units, more --layers or more --epochs; where it stalls, another --learning-rate"
    if curves.naive is None or curves.to_naive is None:
        if curves.fell >= FLAT:
            return None
        return Diagnosis(
            "underfitting", f"both losses stayed flat, within {_percent(curves.fell)} of their start", advice
        )
    if curves.to_naive <= 1 + HIGH:
        return None
    course = "is still falling" if curves.falling else "settled"
    text = f"validation loss {course}, at best {_times(curves.lowest, curves.naive)} the naive forecast's"
    return Diagnosis("underfitting", text, "more --epochs" if curves.falling else advice)


def _good(curves: _Curves) -> Diagnosis:
    ratio = f" ({_times(curves.end_val, curves.end_loss)} training)" if curves.end_loss > 0 else ""
    course = "fell together" if curves.fell >= FLAT else "are low from the first epoch"
    text = f"both losses {course}, validation {'is still falling' if curves.falling else 'settled close'}{ratio}"
    if curves.to_naive is not None:
        text += f", at best {_percent(curves.to_naive)} of the naive forecast's"
    return Diagnosis("good", text, "keep it; more --epochs may gain more" if curves.falling else "keep it")


def _level_with_naive(curves: _Curves) -> bool:
    if curves.to_naive is None or curves.to_naive < 1 - NAIVE_LEVEL:
        return False
    return curves.to_naive <= 1 + (NAIVE_LEVEL if curves.falling else HIGH)


def _smooth(values: np.ndarray) -> np.ndarray:
    padded = np.pad(values, 1, mode="edge")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, 3), axis=1)


def _noise(curve: np.ndarray) -> float:
    """Standard deviation of single values around a smooth course, from how far each lies off its neighbours.

    Robust: 0.6745 makes a median of distances a standard deviation, 1.5 is the variance of `x - (a + b) / 2`.
    """
    off = curve[1:-1] - (curve[:-2] + curve[2:]) / 2
    return float(np.median(np.abs(off))) / (0.6745 * 1.5**0.5)


def _times(value: float, other: float) -> str:
    """`value` in multiples of `other`, which may be as good as zero."""
    return f"{value / other:.1f} times" if value < 1000 * other else "over 1000 times"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
