"""What a forecast is worth: our families and other packages' models on the same series, by one protocol.

    python benchmarks/worth.py --data ../shared/data --fit linear --fit "nhits dropout=0.1" --out results/worth.jsonl
    python benchmarks/worth.py --data ../shared/data --peers PEERS/bin/python --peer AutoETS --peer NHITS
    python benchmarks/worth.py --data ../shared/data --peers PEERS/bin/python --single nhits --single tide --steps 500
    python benchmarks/worth.py --table results/worth.jsonl

Models are frozen at the start of the test part and forecast H steps from consecutive origins H apart; MASE is on the
seasonal scale of what lies before. A family is given the horizon, rows for validation and for a test of its own as long
as the test part, and the options that stand behind its name; what leaves the fit forecasts. `--earlier` cuts the test
part off and takes what lies before it in its place, given twice two of them: choices are made there. `--covariates`
hands over the columns known ahead and the attributes that a set has, `--calendar` the features of its dates.

`--single` sets a family beside neuralforecast's network of the same kind: the same rows, window, horizon, steps,
windows in a step and looks at validation, on one thread, the rest as each package has it. Both print `training`, its
seconds alone; ours keeps the weights that validation liked best, theirs the last.

Peers live in an environment of their own: `pip install torch==2.13.0` (a build without CUDA), then
`pip install neuralforecast statsforecast`. Each run is a process of its own, and a line of JSON in `--out`.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from worth_sets import LEVELS, SETS, WINDOWS, Set, scores, table

STATISTICAL = ("AutoTheta", "AutoETS", "MSTL", "AutoARIMA")
NEURAL = ("NHITS", "LSTM", "PatchTST", "NBEATS", "TiDE", "NLinear", "DLinear")
PEERS = (*STATISTICAL, *NEURAL)
SINGLE = {  # what is set beside what
    "linear": ("linear", "NLinear"),
    "trend": ("linear trend=25", "DLinear"),
    "nbeats": ("nbeats", "NBEATS"),
    "nhits": ("nhits", "NHITS"),
    "patch": ("patch", "PatchTST"),
    "tide": ("tide", "TiDE"),
    "lstm": ("lstm", "LSTM"),
}
WATCHED = 50  # steps between two looks at validation, of both
SLOW = {  # what takes hours: thousands of rows with a long season
    "AutoARIMA": ("pedestrian", "epf_be", "us_gasoline", "co2_weekly"),
}
_CONDITIONS = ("earlier", "covariates", "calendar")
HOLIDAYS = {"pedestrian": "AU-VIC", "epf_be": "BE"}


def main() -> None:
    """Run what is asked for, one process after another."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the sets")
    parser.add_argument("--set", choices=SETS, action="append", dest="sets")
    parser.add_argument("--fit", action="append", default=[], metavar="'FAMILY option=value ...'")
    parser.add_argument("--peers", help="the interpreter of the peers' environment")
    parser.add_argument("--peer", choices=PEERS, action="append", dest="names")
    parser.add_argument(
        "--single", choices=SINGLE, action="append", default=[], help="beside its kind at neuralforecast"
    )
    parser.add_argument("--steps", type=int, default=500, help="of both, of --single")
    parser.add_argument("--batch", type=int, default=128, help="windows in a step of both, of --single")
    parser.add_argument("--earlier", action="count", default=0, help="choose: what lies before test takes its place")
    parser.add_argument("--covariates", action="store_true")
    parser.add_argument("--calendar", action="store_true")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path, help="print these results as a table, and end")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.table:
        print(printed(arguments.table))
        return
    if arguments.serve:
        print(json.dumps(ours(arguments)))
        return
    for name in arguments.sets or SETS:
        for fitted in arguments.fit:
            noted(arguments, name, fitted, _own_process(arguments, name, fitted))
        for single in arguments.single:
            beside(arguments, name, single)
        for peer in (arguments.names or PEERS) if arguments.peers and not arguments.single else ():
            if name in SLOW.get(peer, ()):
                print(f"{name}: {peer} is left out: it takes hours", flush=True)
            else:
                noted(arguments, name, peer, theirs(arguments, name, peer))


def beside(arguments: argparse.Namespace, name: str, single: str) -> None:
    """A family and neuralforecast's network of its kind after the same work."""
    family, peer = SINGLE[single]
    rounds = -(-arguments.steps // WATCHED)
    work = {"steps_per_epoch": WATCHED, "epochs": rounds, "patience": rounds, "batch_size": arguments.batch}
    same = {"window": WINDOWS[SETS[name].step], "final": "none"} | work
    fitted = " ".join([family, *(f"{key}={value}" for key, value in same.items())])
    label = f"{arguments.steps} steps of {arguments.batch}"
    own = _own_process(arguments, name, fitted)
    noted(arguments, name, f"{family}, {label}", own | {"single": True})
    if arguments.peers:
        more = ["--steps", str(arguments.steps), "--batch", str(arguments.batch)]
        noted(arguments, name, f"{peer}, {label}", theirs(arguments, name, peer, more) | {"single": True})


def noted(arguments: argparse.Namespace, name: str, model: str, found: dict[str, Any]) -> None:
    """A line on the terminal, and in the file."""
    row = {"set": name, "model": model, **_conditions(arguments), **found}
    print(json.dumps({key: value for key, value in row.items() if not key.endswith("_by_step")}), flush=True)
    if arguments.out:
        with arguments.out.open("a") as file:
            file.write(json.dumps(row) + "\n")


def _conditions(arguments: argparse.Namespace) -> dict[str, int]:
    """What was asked for beside the fit, and how often."""
    return {key: times for key in _CONDITIONS if (times := int(getattr(arguments, key)))}


def _own_process(arguments: argparse.Namespace, name: str, fitted: str) -> dict[str, Any]:
    flags = [f"--{key}" for key, times in _conditions(arguments).items() for _ in range(times)]
    command = [sys.executable, __file__, "--serve", fitted, "--data", str(arguments.data), "--set", name, *flags]
    alone = os.environ | ({"OMP_NUM_THREADS": "1"} if arguments.single else {})
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=alone, check=False)
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else {"failed": done.returncode}


def theirs(arguments: argparse.Namespace, name: str, peer: str, more: Sequence[str] = ()) -> dict[str, Any]:
    """A peer's scores, and its seconds for training and forecasting on one thread."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "forecasts.npz"
        script = Path(__file__).with_name("worth_peers.py")
        command = [arguments.peers, str(script), str(arguments.data.resolve()), str(path), name, peer, *more]
        done = subprocess.run(
            command + ["--earlier"] * arguments.earlier,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            cwd=folder,
            check=False,
        )
        if done.returncode:
            return {"failed": done.returncode}
        found = np.load(path)
        frame = table(name, arguments.data, earlier=arguments.earlier)
        last = json.loads(done.stdout.splitlines()[-1])
        return scores(name, frame, found["points"], None if more else found["quantiles"]) | last


def ours(arguments: argparse.Namespace) -> dict[str, Any]:
    """One family's scores, and its seconds for all that `fit` does and for the forecasts."""
    import kerasforecast as kf

    name, found = arguments.sets[0], SETS[arguments.sets[0]]
    frame = table(name, arguments.data, earlier=arguments.earlier)
    columns, options = _columns(arguments, name, found, frame), _options(arguments.serve)
    split = {"test_rows": found.test_rows, "validation_rows": found.test_rows}
    began = time.perf_counter()
    model = kf.fit(
        _learned_from(frame, found, options), horizon=found.horizon, progress=False, **split, **columns, **options
    )
    seconds = time.perf_counter() - began
    forecasts = model.evaluate(frame[_wanted(frame, columns)]).table
    scored = _scored(frame, forecasts)
    points, quantiles = _at_origins(forecasts, found, scored)
    trained, left = model.manifest.training, frame["unique_id"].nunique() - scored["unique_id"].nunique()
    found_out = scores(name, scored, points, quantiles) | ({"series_left_out": left} if left else {})
    return found_out | {
        "seconds": round(seconds, 1),
        "training": round(trained.seconds, 1) if trained else None,
        "epochs": trained.best_epoch if trained else None,
        "window": model.config.network.window,
    }


def _scored(frame: pd.DataFrame, forecasts: pd.DataFrame) -> pd.DataFrame:
    """The series that have forecasts: one that ended years before the others has none of a model trained on all rows,
    which counts as having learned from every row up to the last date it has seen."""
    return frame[frame["unique_id"].isin(forecasts["unique_id"])] if "unique_id" in forecasts else frame


def _learned_from(frame: pd.DataFrame, found: Set, options: dict[str, Any]) -> pd.DataFrame:
    """What a fit is given: what lies before the test part; all of it, where what is scored there is what leaves."""
    if options.get("final") == "none":
        return frame
    before = frame.groupby("unique_id", sort=True).apply(lambda part: part.iloc[: -found.test_rows]).reset_index()
    return before[frame.columns]


def _options(text: str) -> dict[str, Any]:
    family, *pairs = text.split()
    found: dict[str, Any] = {"model": family}
    for key, value in (pair.split("=", 1) for pair in pairs):
        try:
            found[key] = json.loads(value)
        except ValueError:
            found[key] = value
    return found


def _columns(arguments: argparse.Namespace, name: str, found: Set, frame: pd.DataFrame) -> dict[str, Any]:
    columns: dict[str, Any] = {"target": "y", "date_column": "ds"}
    if frame["unique_id"].nunique() > 1:
        columns["id"] = "unique_id"
    if arguments.covariates:
        columns |= {"known": found.known} if found.known else {}
        columns |= {"static": found.static} if found.static else {}
    if arguments.calendar:
        columns["calendar_features"] = "auto"
        columns |= {"holidays": HOLIDAYS[name]} if name in HOLIDAYS else {}
    return columns


def _wanted(frame: pd.DataFrame, columns: dict[str, Any]) -> list[str]:
    names = {"y", "ds", columns.get("id"), *columns.get("known", ()), *columns.get("static", ())}
    return [column for column in frame if column in names]


def _at_origins(forecasts: pd.DataFrame, found: Set, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Of a table with every origin those H apart: `(N, origins, H)` and `(N, origins, H, K)`."""
    count = frame["unique_id"].nunique()
    levels = [f"q{level:g}" for level in LEVELS]
    every = forecasts[["forecast", *levels]].to_numpy(float).reshape(count, -1, found.horizon, 1 + len(levels))
    chosen = every[:, -(found.test_rows - found.horizon + 1) :: found.horizon]  # a fit may have a test part before it
    return chosen[..., 0], chosen[..., 1:]


def printed(path: Path) -> str:
    """Two tables, a row a model and a column a set: MASE with its rank, in brackets the scaled CRPS with its own; and
    the shares inside the 80 and 95 % intervals, with seconds. Of several runs of one model the last counts. A third one
    has what `--single` found: MASE, and seconds of training."""
    everything = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [row for row in everything if "single" not in row]
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        label = " ".join([row["model"], *(key for key in _CONDITIONS for _ in range(row.get(key, 0)))])
        found.setdefault(label, {})[row["set"]] = row
    ranks = {score: {name: _ranks(found, name, score) for name in sets} for score in ("mase", "crps")}
    first, second = _head(sets, "mean rank"), _head(sets)
    for label, cells in found.items():
        scored = {name: row for name, row in cells.items() if "failed" not in row}
        both = {
            name: f"{row['mase']:.3f}, {ranks['mase'][name][label]} ({row['crps']:.3f}, {ranks['crps'][name][label]})"
            for name, row in scored.items()
        }
        mean = [sum(each[name][label] for name in scored) / max(len(scored), 1) for each in ranks.values()]
        first.append(_line(label, cells, both, sets) + f" {mean[0]:.1f} ({mean[1]:.1f}) |")
        inside = {
            name: f"{100 * row['inside_80']:.0f}, {100 * row['inside_95']:.0f}; {row['seconds']:.0f} s"
            for name, row in scored.items()
        }
        second.append(_line(label, cells, inside, sets))
    return "\n".join([*first, "", *second, "", *_singles([row for row in everything if "single" in row])])


def _singles(rows: list[dict[str, Any]]) -> list[str]:
    sets = [name for name in SETS if any(row["set"] == name for row in rows)]
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(row["model"], {})[row["set"]] = row
    lines = _head(sets) if rows else []
    for label, cells in found.items():
        scored = {name: row for name, row in cells.items() if "failed" not in row}
        shown = {name: f"{row['mase']:.3f}; {row['training']:.1f} s" for name, row in scored.items()}
        lines.append(_line(label, cells, shown, sets))
    return lines


def _ranks(found: dict[str, dict[str, dict[str, Any]]], name: str, score: str) -> dict[str, int]:
    """The place of each model that was run on a set, the best first."""
    worth = {label: cells[name][score] for label, cells in found.items() if score in cells.get(name, {})}
    return {label: 1 + sum(other < own for other in worth.values()) for label, own in worth.items()}


def _head(sets: list[str], *more: str) -> list[str]:
    return ["| | " + " | ".join([*sets, *more]) + " |", "|---" * (len(sets) + 1 + len(more)) + "|"]


def _line(label: str, cells: dict[str, dict[str, Any]], shown: dict[str, str], sets: list[str]) -> str:
    return f"| {label} | " + " | ".join(shown.get(name, "failed" if name in cells else "") for name in sets) + " |"


if __name__ == "__main__":
    main()
