"""How low could the CRPS of intervals for stock prices go? A volatility regression that has seen the answers.

    python benchmarks/bound.py

A day's move is a volatility times a standardised move. The logarithm of the volatility is linear in what is known the
day before: volatilities of past moves over eight spans, of past ranges (Garman & Klass 1980, with the overnight move)
over as many, the size of the last move and of the last fall. Coefficients and the quantiles of the standardised move
minimise the mean CRPS: once over the rows before the test part, as anyone might, and once over the test part itself,
which nobody can. The second is no forecast. It says how much knowing volatility better from daily prices could gain.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from skill import DATA, LEVELS, STOCKS

from kerasforecast.metrics.probabilistic import crps

SAMPLE = DATA.parents[1] / "kerasforecast" / "data" / "samples" / "ibm.csv.gz"
SPANS = (0.94, 0.0, 0.5, 0.8, 0.9, 0.97, 0.99, 0.997)
WARM_UP = 250  # rows that the longest span needs
TEST = 0.15
TAU = np.array(LEVELS)
WEIGHTS = 2 * np.diff(np.concatenate([[0], (TAU[1:] + TAU[:-1]) / 2, [1]]))  # as in `crps_losses`


def table(name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prices before and after every move, each `(N,)`, and the regressors known before it, `(N, P)`, the first 1."""
    file, target = STOCKS[name]
    frame = pd.read_csv(DATA / f"{file}.csv.gz" if file else SAMPLE)
    adjusted = frame[["Open", "High", "Low", "Close"]].mul(frame[target] / frame["Close"], axis=0)
    opened, high, low, close = (column for _, column in np.log(adjusted).items())
    moves, overnight = close.diff(), opened - close.shift()
    ranges = (0.5 * (high - low) ** 2 - (2 * np.log(2) - 1) * (close - opened) ** 2).clip(lower=0) + overnight**2
    known = [
        0.5 * np.log(squares.ewm(alpha=1 - span).mean() + 1e-8) for squares in (moves**2, ranges) for span in SPANS
    ]
    standard = moves / np.exp(known[0])
    columns = pd.concat([*known, standard.abs(), standard.clip(upper=0)], axis=1).to_numpy()[1:-1]
    regressors = np.column_stack([np.ones(len(columns)), (columns - columns.mean(0)) / columns.std(0)])
    prices = frame[target].to_numpy(float)
    return prices[1:-1], prices[2:], regressors


def intervals(parameters: np.ndarray, before: np.ndarray, regressors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles `(N, K)`, price units, and volatilities `(N, 1)`."""
    size = np.exp(np.clip(regressors @ parameters[: regressors.shape[1]], -12, 2))[:, None]
    return before[:, None] * np.exp(size * parameters[regressors.shape[1] :]), size


def fitted(before: np.ndarray, after: np.ndarray, regressors: np.ndarray) -> np.ndarray:
    """Coefficients and quantiles `(P + K,)` whose intervals have the least CRPS on these rows."""
    count = regressors.shape[1]

    def loss(parameters: np.ndarray, smooth: float) -> tuple[float, np.ndarray]:
        quantiles, size = intervals(parameters, before, regressors)
        error = (after[:, None] - quantiles) / before[:, None]
        share = WEIGHTS * before[:, None] / before.sum()
        value = share * (TAU * error + smooth * np.logaddexp(0, -error / smooth))
        slope = share * (expit(-error / smooth) - TAU) * quantiles / before[:, None] * size
        return value.sum(), np.concatenate([regressors.T @ (slope @ parameters[count:]), slope.sum(0)])

    moves = np.log(after / before)
    found = np.concatenate([[np.log(moves.std())], np.zeros(count - 1), np.quantile(moves / moves.std(), TAU)])
    for smooth in (1e-2, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5):  # ever nearer to the loss, whose kinks stop a line search
        options = {"maxiter": 5_000, "maxfun": 50_000, "ftol": 1e-13, "gtol": 1e-10}
        found = minimize(loss, found, (smooth,), jac=True, method="L-BFGS-B", options=options).x
    return found


def main() -> None:
    rows = []
    for name in STOCKS:
        before, after, regressors = table(name)
        start = len(before) - round(TEST * (len(before) + 2))
        past, test = slice(WARM_UP, start), slice(start, None)
        usual = np.quantile(np.log(after / before)[:start], TAU)
        naive = crps(after[test], before[test, None] * np.exp(usual), LEVELS)
        ratios = []
        for part in (past, test):
            parameters = fitted(before[part], after[part], regressors[part])
            ratios.append(crps(after[test], intervals(parameters, before[test], regressors[test])[0], LEVELS) / naive)
        rows.append(ratios)
        print(f"{name:<6}CRPS / naive's: fitted before the test part {ratios[0]:.4f}, on it {ratios[1]:.4f}")
    print("mean  CRPS / naive's: fitted before the test part {:.4f}, on it {:.4f}".format(*np.mean(rows, axis=0)))


if __name__ == "__main__":
    main()
