"""What a fit of a panel leaves behind, made by hand."""

from dataclasses import replace

import numpy as np
import pandas as pd

from kerasforecast.data.panel import Panel
from kerasforecast.report import FinishedFit
from tests.core.written_run import finished_fit

LEVELS = (0.025, 0.05, 0.1, 0.5, 0.9, 0.95, 0.975)


def panel_fit(folder, count=40, horizon=4, tested=9, rows=70, levels=LEVELS, ids=None, key="shop", seed=0, unscored=0):
    """A fit of `count` series that end at different times, of which each has `tested` rows in the test part.

    The last `unscored` of them are too short for it.
    """
    random = np.random.default_rng(seed)
    ids = np.array([f"shop {place:04}" for place in range(count)] if ids is None else ids)
    ends = rows - random.integers(0, 5, count)
    index = pd.date_range("2021-01-01", periods=rows + horizon, freq="MS")
    place, row = np.repeat(np.arange(count), ends), np.concatenate([np.arange(end) for end in ends])
    sizes, noise = np.exp(random.normal(4, 2, count)), np.exp(random.normal(-1.5, 0.6, count))
    wave = 1 + 0.4 * np.sin(row * np.pi / 6 + place)
    values = sizes[place] * (wave + noise[place] * random.normal(size=len(row)))
    panel = Panel(
        values=values[:, None], index=index[row], starts=np.concatenate([[0], np.cumsum(ends)]), ids=ids,
        columns=("sales",), roles=("target",), observed=ends, key=key, frequency="MS", name="shops",
    )  # fmt: skip
    series = np.repeat(np.arange(count - unscored), tested - horizon + 1)
    origins = ends[series] - tested - 1 + np.tile(np.arange(tested - horizon + 1), count - unscored)
    steps = np.arange(1, horizon + 1)
    at = panel.starts[series][:, None] + origins[:, None] + steps
    actual, last = values[at], values[at[:, 0] - 1]
    skill = random.uniform(-0.3, 0.9, count)[series]
    naive = np.repeat(last[:, None], horizon, 1)
    point = naive + skill[:, None] * (actual - naive) + (0.1 * sizes[series])[:, None] * random.normal(size=at.shape)
    table = {key: np.repeat(ids[series], horizon), "date": panel.index[at.ravel()], "actual": actual.ravel()}
    table |= {"forecast": point.ravel().astype(np.float32), "naive": naive.ravel()}
    if horizon > 1:
        table["step"] = np.tile(steps, len(at))
    spread = (sizes * noise)[:, None] * np.sqrt(steps)
    for level in levels:
        table[f"q{level}"] = (point + 3 * (level - 0.5) * spread[series]).ravel().astype(np.float32)
    everyone = np.repeat(np.arange(count), horizon)
    forecast = sizes[:, None] * (1 + 0.4 * np.sin((ends[:, None] + steps - 1) * np.pi / 6 + np.arange(count)[:, None]))
    ahead = {key: ids[everyone], "date": index[(ends[:, None] + steps - 1).ravel()], "forecast": forecast.ravel()}
    ahead |= {f"q{level}": (forecast + 3 * (level - 0.5) * spread).ravel() for level in levels}
    fit = finished_fit(folder, horizon=horizon, levels=levels, target="sales")
    record = fit.manifest.data.model_copy(update={"sha256": panel.sha256})
    return FinishedFit(
        fit.manifest.model_copy(update={"data": record}), fit.history, pd.DataFrame(table), panel, pd.DataFrame(ahead),
        _scores(ids, series, actual, point, naive, (sizes * noise)[series], key),
    )  # fmt: skip


def _scores(ids, series, actual, point, naive, scale, key):
    """As `series.csv` has them; those without forecasts have a note."""
    errors, theirs = (np.abs(each - actual).mean(1) / scale for each in (point, naive))
    mase, naive_mase = (np.bincount(series, each, len(ids)) for each in (errors, theirs))
    counts = np.bincount(series, minlength=len(ids)).astype(float)
    with np.errstate(invalid="ignore"):
        mase, naive_mase = mase / counts, naive_mase / counts
    best = naive_mase * 0.9
    scored = counts > 0
    return pd.DataFrame(
        {
            key: ids, "windows": counts.astype(int), "mase": mase, "rmsse": 1.2 * mase, "smape": 20 * mase,
            "crps": 30 * mase, "scaled_crps": 0.7 * mase, "in_80": np.where(scored, 0.8, np.nan),
            "in_95": np.where(scored, 0.94, np.nan), "naive_mase": naive_mase, "best_mase": best,
            "better": pd.Series(mase < best, dtype=object).where(scored, None),
            "note": np.where(scored, "", "too short for the test part"),
        }
    )  # fmt: skip


def without_data(fit):
    """The same where the table is no longer at hand."""
    return replace(fit, panel=None)
