"""Is a forecast worth anything? The test-part scores of real series beside their baselines'.

    python benchmarks/skill.py                 # stocks with the close alone, with Open, High, Low and Volume; seasons
    python benchmarks/skill.py --set close     # one of the sets: close, ohlcv, seasons

Stocks: a quantile head with the other options at their defaults. Ratios below 1 favour the model. `naive in prices`
is the naive forecast with intervals from past differences in place of past log-ratios, which are the stronger baseline.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

import kerasforecast as kf
from kerasforecast.metrics.probabilistic import crps
from kerasforecast.model import Model

DATA = Path(__file__).parents[1] / "tests" / "data"
LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
STOCKS = {
    "ibm": (None, "Close"),
    "aapl": ("aapl", "Adj Close"),
    "msft": ("msft", "Adj Close"),
    "goog": ("goog", "Close"),
}
FEATURES = {"close": (), "ohlcv": ("Open", "High", "Low", "Volume")}
BASELINES = ("naive", "naive in prices", "ewma_fhs")
SEASONS: dict[str, dict[str, Any]] = {
    "statsmodels__co2_weekly": {"missing": "interpolate"},
    "statsmodels__sunspots_yearly": {},
}


def main() -> None:
    """Fit and print one table a set."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=[*FEATURES, "seasons"], action="append", dest="sets")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for name in arguments.sets or [*FEATURES, "seasons"]:
        print(f"\n{name}", flush=True)
        rows = seasons(arguments.seed) if name == "seasons" else stocks(FEATURES[name], arguments.seed)
        print("| " + " | ".join(rows[0]) + " |\n|" + "---|" * len(rows[0]))
        for row in rows:
            print("| " + " | ".join(f"{v:.4g}" if isinstance(v, float) else str(v) for v in row.values()) + " |")


def stocks(features: tuple[str, ...], seed: int) -> list[dict[str, Any]]:
    """One row a stock, the mean of the ratios, and the ratios of the mean CRPS, in which dear stocks weigh more."""
    rows = []
    for name, (file, target) in STOCKS.items():
        path = DATA / f"{file}.csv.gz" if file else None
        model = kf.fit(path, target=target, past=features, quantiles=LEVELS, seed=seed)
        rows.append({"series": name, **_stock(model)})
        print(rows[-1], flush=True)
    mean = {key: float(np.mean([row[key] for row in rows])) for key in rows[0] if key != "series"}
    pooled = {f"CRPS / {baseline}": mean["CRPS"] / mean[f"{baseline}'s CRPS"] for baseline in BASELINES}
    return [*rows, {"series": "mean", **mean}, {"series": "of mean CRPS", **dict.fromkeys(mean, ""), **pooled}]


def _stock(model: Model) -> dict[str, float]:
    found = model.test.scores
    ours, naive, fhs = (found[name] for name in ("model", "naive", "ewma_fhs"))
    baselines = dict(zip(BASELINES, (naive["crps"], _crps_in_prices(model), fhs["crps"]), strict=True))
    return {
        "RMSE / naive": ours["rmse"] / naive["rmse"],
        "inside 80 %": ours["coverage"]["0.8"],
        "inside 95 %": ours["coverage"]["0.95"],
        "CRPS": ours["crps"],
        **{f"{baseline}'s CRPS": value for baseline, value in baselines.items()},
        **{f"CRPS / {baseline}": ours["crps"] / value for baseline, value in baselines.items()},
    }


def _crps_in_prices(model: Model) -> float:
    table, values = model.test.table, model.series.values[:, 0]
    moves = np.diff(values[: -len(table)])
    intervals = table["naive"].to_numpy()[:, None] + np.quantile(moves, LEVELS)
    return crps(table["actual"].to_numpy(), intervals, LEVELS)


def seasons(seed: int) -> list[dict[str, Any]]:
    """One row a seasonal series, with the options that `fit` has by default."""
    rows = []
    for name, options in SEASONS.items():
        found = kf.fit(DATA / f"{name}.csv.gz", seed=seed, **options).test.scores
        tests = {(test["baseline"], test["loss"]): test["p_value"] for test in found["tests"]}
        row = {"series": name, "n": found["n"], "MASE": found["model"]["mase"]}
        for rule, baseline in (("best simple", found["best"]), ("naive", "naive")):
            row |= {f"{rule} MASE": found[baseline]["mase"], f"p against {rule}": tests[baseline, "squared"]}
        rows.append(row | {"inside 80 %": found["model"]["coverage"]["0.8"]})
        print(rows[-1], flush=True)
    return rows


if __name__ == "__main__":
    main()
