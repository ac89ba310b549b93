"""What drawn paths are worth: `--model diffusion` beside the simple rivals, quantile heads with a copula, and the law.

    python benchmarks/paths.py stocks --out results/paths.jsonl    # four stocks, 10 steps, closes and with OHLCV beside
    python benchmarks/paths.py hours --data ../shared/data         # 24 hours beside quantile families, equal seconds
    python benchmarks/paths.py law                                 # two branches, and an AR(2), whose laws are known
    python benchmarks/paths.py steps                               # 16 steps back in place of 1,000
    python benchmarks/paths.py seconds                             # a window's paths; for a quiet machine
    python benchmarks/paths.py table --out results/paths.jsonl

`--earlier` cuts the test part off, and what lies before takes its place: choices are made there. `--alone` leaves the
quantile families out; any set of `worth_sets.py` may be named with `--only`. Energy scores and CRPS are of 100 paths. A
quantile head gives paths by the Gaussian copula of its ranks on validation, and is trained for as many seconds of the
processor as the diffusion model at most. Losses are in units of the seasonal naive error of training, tests are Diebold
& Mariano's; of several series they are on the mean of each date.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from paths_laws import Row, few_steps, laws, seconds, short
from skill import DATA, FEATURES, STOCKS
from worth_sets import SETS, Set, table

import kerasforecast as kf
from kerasforecast.metrics.paths import energy_scores, sample_crps

LEVELS = (0.025, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.975)
QUANTILES = ("linear", "nhits", "tide", "patch")
TOLD = {
    "pedestrian": {"holidays": "AU-VIC", "time_zone": "Australia/Melbourne"},
    "epf_be": {"known": ("gen_forecast", "system_load"), "holidays": "BE"},
}


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["stocks", "hours", "law", "steps", "seconds", "table"])
    parser.add_argument("--data", type=Path, help="folder of the sets of hours")
    parser.add_argument("--only", action="append", help="a stock, a set or a law")
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE", help="of the diffusion model")
    parser.add_argument("--most", type=float, default=240.0, help="seconds of the processor that a training takes")
    parser.add_argument("--earlier", action="store_true")
    parser.add_argument("--alone", action="store_true", help="no quantile families beside hours")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    arguments.options = {key: json.loads(value) for key, value in (each.split("=") for each in arguments.option)}
    if arguments.part == "table":
        print(printed([json.loads(line) for line in arguments.out.read_text().splitlines()]))
        return
    parts = {"stocks": stocks, "hours": hours, "law": laws, "steps": few_steps, "seconds": seconds}
    for row in parts[arguments.part](arguments):
        said = {"part": arguments.part, **row} | ({"options": arguments.options} if arguments.options else {})
        said |= {"earlier": True} if arguments.earlier else {}
        print(json.dumps(said), flush=True)
        if arguments.out:
            with arguments.out.open("a") as file:
                file.write(json.dumps(said) + "\n")


def stocks(arguments: argparse.Namespace) -> Iterator[Row]:
    """As a fit of its own reports it."""
    for features, past in FEATURES.items():
        for name, (file, target) in STOCKS.items():
            if arguments.only and name not in arguments.only:
                continue
            source = pd.read_csv(DATA / f"{file}.csv.gz") if file else _sample()
            frame = source.iloc[: int(len(source) * 0.85)] if arguments.earlier else source
            model = kf.fit(frame, model="diffusion", horizon=10, target=target, past=past, **arguments.options)
            found = model.manifest.metrics.paths
            ours, tests = found.each["model"], {(test.rival, test.loss): test.p_value for test in found.tests}
            row: Row = {"set": name, "columns": features, "windows": found.windows, "departed": found.departed}
            for rival, scores in found.each.items():
                if rival != "model":
                    row[rival] = {
                        loss: [short(getattr(ours, loss) / getattr(scores, loss)), short(tests[rival, loss])]
                        for loss in ("crps", "energy")
                    }
            inside = {band: short(ours.coverage[band]) for band in ("0.8", "0.95")}
            adapted = {band: short(model.test.scores["model"]["coverage"][band]) for band in inside}
            row |= {"inside": inside, "intervals": adapted, "whole": ours.path_coverage}
            yield row | {"seconds": short(model.manifest.training.seconds)}


def _sample() -> pd.DataFrame:
    from kerasforecast.data.load import load_series
    from kerasforecast.sections.data import DataConfig

    series = load_series(DataConfig(past=FEATURES["ohlcv"]))
    return pd.DataFrame(series.values, index=series.index, columns=list(series.columns)).rename_axis("Date")


class Contestant:
    """A network trained within its seconds, and its paths.

    Args:
        frame: The data, its last rows the test part.
        found: What it is: its test part is as long as validation.
        seconds: Of the processor, for training.
        options: Of the fit.
    """

    def __init__(self, frame: pd.DataFrame, found: Set, seconds: float, **options: Any) -> None:
        from kerasforecast.evaluation.leaving import begin
        from kerasforecast.pipeline import load

        self.apart = 24 if found.step == "h" else max(1, found.horizon // 13)
        split = {"test_rows": found.test_rows, "validation_rows": found.test_rows, "horizon": found.horizon}
        given = {"calendar_features": "auto", "target": "y", "date_column": "ds"} | options
        given |= {"id": "unique_id"} if frame["unique_id"].nunique() > 1 else {}
        config = kf.Config.from_options(**split, **given)
        source, began = load(config, frame), time.process_time()
        self.begun, fitting = begin(config, source, "paths", None)  # solutions in closed form are found here
        self.fitted = fitting.train(callbacks=[_within(began + seconds)])
        self.seconds = time.process_time() - began

    def windows(self, part: str) -> Any:
        """Of hours those whose origins lie a day apart, of others a thirteenth of the horizon, series by series."""
        from dataclasses import replace

        windows = {"test": self.begun.parts.seen, "validation": self.begun.checked}[part]
        places = windows.panel.places(windows.origins)
        chosen = np.concatenate([np.flatnonzero(places == place)[:: self.apart] for place in np.unique(places)])
        return replace(windows, origins=windows.origins[chosen])

    def paths(self) -> np.ndarray:
        """100 of each window of the test part."""
        from kerasforecast.baselines.paths import copula_paths

        test, known = (self._outputs(self.windows(part)) for part in ("test", "validation"))
        if self.fitted.predictor.paths:
            return test
        outcomes = self.windows("validation").targets()
        return copula_paths(test, known, outcomes, np.array(self.fitted.predictor.levels), 100)

    def _outputs(self, windows: Any) -> np.ndarray:
        return np.concatenate([self.fitted.predictor.outputs(windows.batch(chunk)) for chunk in windows.chunks()])


def _within(end: float) -> Any:
    import keras

    class Within(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if time.process_time() > end:
                self.model.stop_training = True

    return Within()


def hours(arguments: argparse.Namespace) -> Iterator[Row]:
    """Diffusion, then each quantile family."""
    from kerasforecast.metrics.point import series_scales

    for name in arguments.only or TOLD:
        found, told = SETS[name], TOLD.get(name, {})
        frame = table(name, arguments.data, earlier=arguments.earlier)
        ours = Contestant(frame, found, arguments.most, model="diffusion", **told, **arguments.options)
        windows = ours.windows("test")
        panel, split = ours.begun.panel, ours.begun.split
        places = panel.places(windows.origins)
        scale = series_scales(panel, split.edges[:, 1], found.period)[:, 0][places][:, None]
        actual, series = windows.targets() / scale, len(panel)

        def losses(paths: np.ndarray, scale: np.ndarray = scale, actual: np.ndarray = actual) -> Row:
            paths = paths / scale[:, None]
            return {"crps": sample_crps(actual, paths).mean(axis=1), "energy": energy_scores(actual, paths)}

        drawn = ours.paths()
        first, bands = losses(drawn), {}
        for share in (0.8, 0.95):
            low, high = np.quantile(drawn / scale[:, None], [(1 - share) / 2, (1 + share) / 2], axis=1, method="hazen")
            bands[f"{share:g}"] = short(np.mean((low <= actual) & (actual <= high)))
        means = {loss: short(of.mean()) for loss, of in first.items()}
        row = {"set": name, "model": "diffusion", **means, "seconds": short(ours.seconds), "inside": bands}
        yield row | {"departed": ours.fitted.departed, "epochs": len(ours.fitted.history.epochs)}
        for family in () if arguments.alone else QUANTILES:
            other = Contestant(frame, found, ours.seconds, model=family, quantiles=LEVELS, **told)
            if not np.array_equal(other.windows("test").origins, windows.origins):
                raise ValueError("All must forecast the same windows.")
            theirs = losses(other.paths())
            means = {loss: short(of.mean()) for loss, of in theirs.items()}
            versus = {loss: _versus(first[loss], theirs[loss], series) for loss in first}
            row = {"set": name, "model": f"{family}, quantiles", **means, "seconds": short(other.seconds)}
            yield row | {"ours": versus, "epochs": len(other.fitted.history.epochs)}


def _versus(ours: np.ndarray, theirs: np.ndarray, series: int) -> list[float]:
    """The ratio of mean losses, and p of a test on the mean of each date."""
    from kerasforecast.metrics.significance import diebold_mariano

    dates = [each.reshape(series, -1).mean(axis=0) for each in (ours, theirs)]
    return [short(ours.mean() / theirs.mean()), short(diebold_mariano(*dates).p_value)]


def printed(rows: list[Row]) -> str:
    """Tables of the stocks and of the hours."""
    lines = [
        "| 10 steps | CRPS / ewma_fhs, p | energy, p | energy / normal errors | / its own steps | inside 80, 95 % |"
    ]
    lines.append("|---|---|---|---|---|---|")
    for row in (each for each in rows if each["part"] == "stocks" and not each.get("earlier")):
        crps, energy = ("{:.3f}, {:.2g}".format(*row["ewma_fhs"][loss]) for loss in ("crps", "energy"))
        beside = [f"{row[rival]['energy'][0]:.3f}" for rival in ("point_gaussian", "own_steps")]
        inside = ", ".join(f"{100 * share:.1f} %" for share in row["inside"].values())
        lines.append(f"| {row['set']}, {row['columns']} | {crps} | {energy} | {' | '.join(beside)} | {inside} |")
    lines += ["", "| 24 hours | CRPS | energy | ours / it: CRPS, p | energy, p | s |", "|---|---|---|---|---|---|"]
    for row in (each for each in rows if each["part"] == "hours" and not each.get("earlier")):
        versus = ["{:.3f}, {:.2g}".format(*row["ours"][loss]) if "ours" in row else "" for loss in ("crps", "energy")]
        name = f"{row['set']}: {row['model']}"
        lines.append(
            f"| {name} | {row['crps']:.4f} | {row['energy']:.4f} | {' | '.join(versus)} | {row['seconds']:.0f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
