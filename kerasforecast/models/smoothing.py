"""Exponential smoothing and seasonal adjustment of windows, as operations that NumPy and a saved network share.

Every function takes `xp`, NumPy or `keras.ops`, and windows of the target alone, `(B, L, 1)` or `(B, L)`, float32, as
distances from their last row: a high level then costs no precision.

A smoothing is a linear filter over the window, and its recursion needs no loop: after n doublings each row holds what
it takes from the 2^n rows before it. Several smoothing constants are tried at once; each weighs as its one-step errors
within the window make it likely, so that the best one leads, and no rounding decides between two that are as good.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

_SHARPEST = 30.0  # rows that the likelihood counts at most: rounding of its logarithm stays without effect
_TINY = 1e-30
_SURE = 0.9  # of the test for a season
_LEAST_INDEX = -0.9  # of a season's share of the level: nothing is divided by less than a tenth
ALPHAS = (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of a level that moves without a trend
_TRENDS = ((0.05, 1.0), (0.1, 0.9), (0.2, 0.8), (0.2, 1.0), (0.4, 0.9))  # (beta, phi); of phi 1 none is damped
_WITH_TREND = [(alpha, beta, phi) for alpha in (0.1, 0.3, 0.5, 0.7, 0.9) for beta, phi in _TRENDS]
TRIED = len(ALPHAS) + len(_WITH_TREND)  # smoothings side by side


@dataclass(frozen=True, eq=False)
class Adjusted:
    """Windows without their season.

    Attributes:
        values: `(B, L)`, as distances from the raw last row.
        index: `(B, H)` what the season adds at each step ahead, or by which share of the level it raises it.
        share: `(B, 1)` 1 where the season is a share of the level, 0 where it is added.
        base: `(B, 1)` the raw last row.
    """

    values: Any
    index: Any = None
    share: Any = None
    base: Any = None

    def restored(self, ahead: Any) -> Any:
        """Forecasts `(B, H)` of the adjusted windows with the season put back, distances from the raw last row."""
        if self.index is None:
            return ahead
        return ahead + self.index * (self.share * (self.base + ahead) + (1.0 - self.share))


def folded(values: Any, shape: tuple[int, ...], name: str, xp: Any) -> Any:
    """`values` with another shape after that of the batch."""
    if xp is np:
        return values.reshape(len(values), *shape)
    import keras

    return keras.layers.Reshape(shape, name=name)(values)


def repeated(block: Any, rows: int, name: str, xp: Any) -> Any:
    """The first `rows` of `block` `(B, m)` over and over, `(B, rows)`."""
    period = block.shape[1]
    times = -(-rows // period)
    if times > 1:
        block = folded(block, (1, period), f"{name}_once", xp) + np.zeros((1, times, period), np.float32)
        block = folded(block, (times * period,), f"{name}_again", xp)
    return block[:, :rows]


def adjusted(past: Any, season: int, horizon: int, multiplicative: bool, xp: Any) -> Adjusted:
    """Classical decomposition within each window, its indices tested, as the Theta method does.

    The trend is the centred moving average of a season, an index the mean of what the rows of its place are off it:
    by a share of the trend where `multiplicative` and all rows are positive, else by a difference. Indices that a test
    of variances would call chance at 90 % are none. From twice that limit on they are whole, and between the two they
    grow, so that no rounding decides.

    Args:
        past: `(B, L, 1)` raw, L at least three seasons.
        season: Rows of a season; 1 for none.
        horizon: H.
        multiplicative: See above.
        xp: See above.
    """
    values, base = (past - past[:, -1:])[:, :, 0], past[:, -1]  # (B, L), (B, 1)
    if season == 1:
        return Adjusted(values)
    window, half = values.shape[1], season // 2
    mean = _moving_sums(values, season, xp) / season  # (B, L - m + 1)
    if season % 2 == 0:
        mean = (mean[:, 1:] + mean[:, :-1]) * 0.5
    empty = xp.maximum(1.0 - xp.maximum(past[:, :, 0], 0.0) * np.float32(1e20), 0.0)  # 1 where not positive
    share = xp.maximum(1.0 - xp.sum(empty, axis=1, keepdims=True), 0.0) * np.float32(multiplicative)
    trend = (1.0 - share) + share * (base + mean)  # what an index is a share of, or 1
    off = (values[:, half : window - half] - mean) / xp.maximum(trend, _TINY)  # (B, L - 2 half)
    index = _tested_means(off, season, half, xp)  # (B, m), the last one of the window's last row
    total = xp.sum(index, axis=1, keepdims=True) / season
    index = xp.maximum((index - total) / (1.0 + share * total), _LEAST_INDEX * share - 1e30 * (1.0 - share))
    lead = -window % season
    whole = repeated(index, lead + window, "season", xp)[:, lead:]  # (B, L)
    away = share * (base + values) * (whole / (1.0 + share * whole)) + (1.0 - share) * whole
    return Adjusted(values - away, repeated(index, horizon, "season_ahead", xp), share, base)


def _moving_sums(values: Any, width: int, xp: Any) -> Any:
    """`(B, L - width + 1)` sums of `width` rows in turn, from sums of 1, 2, 4 ... rows."""
    rows, done, part, size, total = values.shape[1] - width + 1, 0, values, 1, None
    while True:
        if width & size:
            piece = part[:, done : done + rows]
            total = piece if total is None else total + piece
            done += size
        if 2 * size > width:
            return total
        part, size = part[:, :-size] + part[:, size:], 2 * size


def _tested_means(off: Any, season: int, half: int, xp: Any) -> Any:
    """`(B, m)` means of the rows of each place in a season, `off` ending `half` rows before the window."""
    from scipy.special import fdtri  # its quantiles of F; the distribution itself takes half a second to import

    count = off.shape[1]
    lead = -(count + half) % season
    rows = np.pad(np.ones(count, np.float32), (lead, half)).reshape(-1, season)  # (k, m) 1 for rows that there are
    blocks = folded(xp.pad(off, ((0, 0), (lead, half))), rows.shape, "seasons", xp)  # (B, k, m)
    counts = rows.sum(axis=0)[None]  # (1, m)
    means = xp.sum(blocks, axis=1) / counts
    away = (blocks - folded(means, (1, season), "mean_season", xp)) * rows[None]
    within = xp.sum(xp.sum(away * away, axis=2), axis=1, keepdims=True) / np.float32(count - season)  # (B, 1)
    apart = means - xp.sum(means * counts, axis=1, keepdims=True) / np.float32(count)
    between = xp.sum(apart * apart * counts, axis=1, keepdims=True) / np.float32(season - 1)
    limit = np.float32(fdtri(season - 1, count - season, _SURE))
    beyond = xp.maximum(between / limit - within, 0.0) / (within + np.float32(_TINY))
    return means * (1.0 - xp.maximum(1.0 - beyond, 0.0))


def line(values: Any, horizon: int, xp: Any) -> tuple[Any, Any, Any]:
    """The regression line of windows `(B, L)`: over the window, its steps ahead `(B, H)`, and its slope `(B, 1)`."""
    rows = values.shape[1]
    times = (np.arange(rows + horizon) - (rows - 1) / 2).astype(np.float32)[None]
    own, ahead = times[:, :rows], times[:, rows:]
    slope = xp.sum(values * (own / np.sum(own.astype(np.float64) ** 2)).astype(np.float32), axis=1, keepdims=True)
    mean = xp.sum(values, axis=1, keepdims=True) / rows
    return mean + slope * own, mean + slope * ahead, slope


def theta(past: Any, season: int, horizon: int, multiplicative: bool, xp: Any) -> tuple[Any, Any]:
    """The Theta method (Assimakopoulos & Nikolopoulos 2000), which is SES with drift (Hyndman & Billah 2003).

    The mean of the regression line and of the smoothing of twice the values minus that line.

    Args:
        past: As of `adjusted`; the others too.
        season: Rows of a season.
        horizon: H.
        multiplicative: Whether seasons are shares of the level.
        xp: NumPy or `keras.ops`.

    Returns:
        Forecasts `(B, H)`, distances from the last row, and the root of the mean squared one-step error `(B, 1)`.
    """
    found = adjusted(past, season, horizon, multiplicative, xp)
    own, ahead, _ = line(found.values, horizon, xp)
    curved = found.values * 2.0 - own
    decays = 1.0 - np.array(ALPHAS)
    levels = _smoothed(curved, np.array(ALPHAS), decays, xp)  # (B, L, A)
    errors = folded(curved[:, 1:], (curved.shape[1] - 1, 1), "next", xp) - levels[:, :-1]
    weights, unit = _weights(errors, _prior(0), xp)
    level = xp.sum(levels[:, -1] * weights, axis=1, keepdims=True)  # (B, 1)
    # The narrow one first: Keras on TensorFlow would take it for a bias, one number a column, where B is H.
    return found.restored((level + ahead) * 0.5), unit * 0.5


def damped(past: Any, season: int, horizon: int, multiplicative: bool, xp: Any) -> tuple[Any, Any]:
    """Simple smoothing, and that with a trend (Holt 1957), damped or not (Gardner & McKenzie 1985); as `theta`."""
    found = adjusted(past, season, horizon, multiplicative, xp)
    _, _, slope = line(found.values, horizon, xp)
    alphas = np.array([*ALPHAS, *(alpha for alpha, _, _ in _WITH_TREND)])
    gains = np.array([*(0.0 for _ in ALPHAS), *(alpha * beta for alpha, beta, _ in _WITH_TREND)])
    phis = np.array([*(0.0 for _ in ALPHAS), *(phi for _, _, phi in _WITH_TREND)])
    levels, trends = _trending(found.values, slope, alphas, gains, phis, xp)  # (B, L, P) each
    moved = levels[:, :-1] + trends[:, :-1] * _last(phis)
    errors = folded(found.values[:, 1:], (found.values.shape[1] - 1, 1), "next", xp) - moved
    weights, unit = _weights(errors, _prior(len(_WITH_TREND)), xp)
    level = xp.sum(levels[:, -1] * weights, axis=1, keepdims=True)
    reach = np.cumsum(phis[:, None] ** np.arange(1, horizon + 1), axis=1).astype(np.float32)[None]  # (1, P, H)
    each = folded(trends[:, -1] * weights, (len(phis), 1), "trends", xp)  # (B, P, 1)
    return found.restored(level + xp.sum(each * reach, axis=1)), unit


def _smoothed(values: Any, alphas: np.ndarray, decays: np.ndarray, xp: Any) -> Any:
    """`(B, L, A)` levels `l_t = alpha x_t + (1 - alpha) l_{t-1}`, the first one the first row."""
    rows = values.shape[1]
    taken = np.broadcast_to(alphas, (rows, len(alphas))).copy()
    taken[0] = 1.0
    found = folded(values, (rows, 1), "smoothed", xp) * taken.astype(np.float32)[None]
    reach = 1
    while reach < rows:
        found = found + _shifted(found, reach, xp) * _last(decays**reach)
        reach *= 2
    return found


def _trending(
    values: Any, slope: Any, alphas: np.ndarray, gains: np.ndarray, phis: np.ndarray, xp: Any
) -> tuple[Any, Any]:
    """Levels and trends `(B, L, P)` of such smoothing, begun at the first row and `slope`; `gains` are alpha beta."""
    rows = values.shape[1]
    taken, given = (np.broadcast_to(gain, (rows, len(gain))).copy() for gain in (alphas, gains))
    taken[0], given[0] = 1.0, 0.0
    first = (np.arange(rows)[:, None] == 0) * (phis > 0)  # (L, P)
    column = folded(values, (rows, 1), "smoothed", xp)
    levels = column * taken.astype(np.float32)[None]
    trends = column * given.astype(np.float32)[None] + folded(slope, (1, 1), "slope", xp) * first.astype(np.float32)
    # (level, trend) of a row before, as a later row takes it: a matrix for each P, squared from step to step
    matrix = np.array([[1 - alphas, (1 - alphas) * phis], [-gains, phis * (1 - gains)]]).transpose(2, 0, 1)
    reach = 1
    while reach < rows:
        before, moved = _shifted(levels, reach, xp), _shifted(trends, reach, xp)
        levels = levels + before * _last(matrix[:, 0, 0]) + moved * _last(matrix[:, 0, 1])
        trends = trends + before * _last(matrix[:, 1, 0]) + moved * _last(matrix[:, 1, 1])
        reach, matrix = 2 * reach, matrix @ matrix
    return levels, trends


def _shifted(values: Any, rows: int, xp: Any) -> Any:
    return xp.pad(values[:, :-rows], ((0, 0), (rows, 0), (0, 0)))


def _last(numbers: np.ndarray) -> np.ndarray:
    """Constants of the last of three axes."""
    return numbers.astype(np.float32)[None, None, :]


def _prior(trends: int) -> np.ndarray:
    """Logarithms of how likely each smoothing is before any error is seen.

    The naive forecast (alpha 1), a level that moves more slowly, and `trends` smoothings with a trend: each kind is as
    likely as the others, however many of it are tried. So windows without structure stay with the last value.
    """
    sizes = np.array([*(len(ALPHAS) - 1,) * (len(ALPHAS) - 1), 1, *(trends,) * trends])
    return -np.log(sizes)


def _weights(errors: Any, prior: np.ndarray, xp: Any) -> tuple[Any, Any]:
    """How likely each of P smoothings is by its one-step errors `(B, L - 1, P)`, `(B, P)`, sums 1.

    With them the root of the mean square of these errors, `(B, 1)`.
    """
    rows = errors.shape[1]
    square = xp.sum(errors * errors, axis=1) / rows  # (B, P)
    fit = xp.log(square + np.float32(_TINY)) * np.float32(-min(rows / 2, _SHARPEST)) + prior.astype(np.float32)
    if xp is np:
        likely = np.exp(fit - fit.max(axis=1, keepdims=True))
        weights = likely / likely.sum(axis=1, keepdims=True)
    else:
        weights = xp.softmax(fit, axis=-1)
    return weights, xp.sqrt(xp.sum(square * weights, axis=1, keepdims=True))
