"""What `kerasforecast shrink` makes of models that a user would fit: bytes, milliseconds, MASE and CRPS, test part.

    python benchmarks/shrink.py us_gasoline.csv.gz --horizon 4 [--model lstm --model nhits] [--ways int8,prune,distill]

Each model is fitted with its defaults, but for `--final none`: one trained on all rows has learned from the test part.
Then it is made smaller in each way. Printed are bytes and CRPS as shares of what they were; asked is a size of 30 % or
less, and a CRPS within 2 %. Of 8 bits, and of what these are compared with, ONNX Runtime computes the forecasts.
"""

from __future__ import annotations

import argparse
import logging
import tempfile
from pathlib import Path
from typing import Any

import kerasforecast as kf
from kerasforecast.errors import KerasForecastError

WAYS: dict[str, dict[str, Any]] = {"int8": {"int8": True}, "prune": {"prune": 0.5}, "distill": {"distill": "gru:16"}}


def line(name: str, found: Any, size: str, crps: str, lost: str) -> str:
    """A row of the table."""
    times = ", ".join(f"{each:.2f}" for each in found.milliseconds.values())
    return f"| {name} | {found.bytes:,} | {size} | {times} | {found.mase:.3f} | {found.crps:.4g} | {crps} | {lost} |"


def main() -> None:
    """Fit, shrink, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    parser.add_argument("--model", action="append")
    parser.add_argument("--horizon", type=int, default=1)
    parser.add_argument("--target")
    parser.add_argument("--rows", type=int, default=0, help="the newest so many; all when not given")
    parser.add_argument("--ways", default=",".join(WAYS))
    options = parser.parse_args()
    logging.getLogger("kerasforecast").setLevel(logging.ERROR)
    print("| model | bytes | share | ms at 1, 1,000 | MASE | CRPS | share | lost |\n|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        import pandas as pd

        table = Path(folder, options.table.name.split(".")[0] + ".csv")
        pd.read_csv(options.table).tail(options.rows or 10**9).to_csv(table, index=False)
        for model in options.model or ["lstm", "nhits"]:
            fitted = kf.fit(str(table), target=options.target, model=model, horizon=options.horizon, final="none")
            file = fitted.save(Path(folder, f"{model}.keras"))
            for way in options.ways.split(","):
                try:
                    found = kf.shrink(file, **WAYS[way])
                except KerasForecastError as error:
                    print(f"| {model}, {way} | {error} |")
                    continue
                before, after = found.before, found.after
                print(line(f"{model}, before {way}", before, "", "", ""))
                size, crps = after.bytes / file.stat().st_size, (after.crps or 0) / (before.crps or 1)
                print(line(f"{model}, {way}", after, f"{size:.0%}", f"{crps:.3f}", found.lost), flush=True)


if __name__ == "__main__":
    main()
