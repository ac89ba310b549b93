"""Every family, scaling and head, and an ensemble, in every format of `kerasforecast export`: what the proof finds.

    KERAS_BACKEND=jax python benchmarks/formats.py models/         # trains them, and exports to what JAX can write
    KERAS_BACKEND=tensorflow python benchmarks/formats.py models/  # the same files, to TensorFlow's formats

Each network is as small as its family allows and trained for one epoch by an ordinary fit, once: later runs find its
file in the folder. Printed for each, and written into the folder, is the largest difference from Keras in scaled units,
or the line that says why the format cannot hold it. A format that needs another backend, or packages that are not
installed, is named and left out.
"""

from __future__ import annotations

import argparse
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

import kerasforecast as kf
from kerasforecast.artifact.exchange.formats import FORMATS
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.errors import KerasForecastError
from kerasforecast.models.families.registry import family, names
from kerasforecast.runtime.backend import activate
from kerasforecast.sections.network import Scaling

WINDOW, HORIZON, LEVELS = 16, 2, (0.1, 0.5, 0.9)
SMALL = {"units": 6, "layers": 1, "blocks": 1, "width": 6, "heads": 2, "patch": 4, "decoder": 3, "paths": 10}
SMALL |= {"sampling_steps": 3}
EVERY = ("lstm", "linear", "nhits", "diffusion")  # one of each way of building, which every scaling is tried with
ROLES = {"target": "y", "past": ("other",), "known": ("weekday",)}


def table() -> pd.DataFrame:
    """Two walks, and a column that is known ahead."""
    random = np.random.default_rng(0)
    index = pd.date_range("2023-01-01", periods=260, name="date")
    walks = 100 * np.exp(0.02 * random.normal(size=(len(index), 2)).cumsum(axis=0))
    return pd.DataFrame({"y": walks[:, 0], "other": walks[:, 1], "weekday": index.weekday}, index=index)


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names and options of the fits: families with both heads, scalings, networks with columns of other roles."""
    for name in names():
        yield f"{name}", {"model": name}
        if not family(name).sampled and family(name).trained:
            yield f"{name}, quantiles", {"model": name, "quantiles": LEVELS}
    for name in EVERY:
        for scaling in family(name).scalings or get_args(Scaling):
            yield f"{name}, {scaling}", {"model": name, "scaling": scaling}
    for name in ("lstm", "nhits", "tide"):
        yield f"{name}, more columns", {"model": name, **ROLES}


def options_of(given: dict[str, Any]) -> dict[str, Any]:
    """All options of a fit: small, short, without what costs time and changes no network."""
    name = given["model"]
    own = {key: value for key, value in SMALL.items() if key in family(name).options.model_fields}
    epochs = {"epochs": 1} if family(name).trained else {}
    return {"target": "y", "window": WINDOW, "horizon": HORIZON, "final": "none", **epochs, **own, **given}


def joined(folder: Path) -> Path:
    """The mean of an LSTM, an N-HiTS and a linear network, as one file."""
    parts = [kf.load(folder / f"{name}.keras") for name in ("lstm", "nhits", "linear")]
    members = [part.predictor.members[0].model_copy(update={"weight": 1 / len(parts)}) for part in parts]
    weights = [array for part in parts for array in part.predictor.weights]
    windows = kf.Panel.of(kf.Series(table()[["y"]].to_numpy(), table().index, ("y",)))
    from kerasforecast.preprocessing.windows import windows_of

    batch = windows_of(windows, np.array([40, 90]), WINDOW, HORIZON).batch()
    golden = Exporter(members).golden(batch, weights)
    config = Config.from_options(window=WINDOW, horizon=HORIZON)
    records = [MemberRecord.of(member) for member in members]
    return kf.Model(Manifest.of("joined", config, Roles(target="y"), records, golden=golden), weights).save(
        folder / "ensemble of three.keras"
    )


def fitted(folder: Path) -> Iterator[tuple[str, Path | str]]:
    """The model file of each case, or the line that says why there is none."""
    for name, given in cases():
        file = folder / f"{name}.keras"
        if not file.exists():
            try:
                kf.fit(table(), **options_of(given)).save(file)
            except KerasForecastError as error:
                yield name, str(error)
                continue
        yield name, file
    file = folder / "ensemble of three.keras"
    yield file.stem, file if file.exists() else joined(folder)


def exported(file: Path, to: str) -> float | str:
    """The largest difference that the proof has found, or why there is no such file."""
    with tempfile.TemporaryDirectory() as place:
        target = Path(place, f"model{FORMATS[to].suffix}")
        try:
            kf.export(file, to, target)
        except KerasForecastError as error:
            return str(error).replace(str(target), "it").replace(str(file), "it")
        return float(json.loads(target.with_name(f"{target.name}.parity.json").read_text())["worst"])


def main() -> None:
    """Export, print, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--formats", default=",".join(FORMATS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("kerasforecast").setLevel(logging.ERROR)
    backend = activate(None).name
    wanted = [to for to in options.formats.split(",") if FORMATS[to].backend in (None, backend)]
    print("|", " | ".join(["network", *wanted]), "|\n|" + "---|" * (1 + len(wanted)))
    why: Counter[str] = Counter()
    with (options.folder / f"{backend}.jsonl").open("w") as out:
        for name, file in fitted(options.folder):
            found = {to: exported(file, to) if isinstance(file, Path) else file for to in wanted}
            why.update(each for each in found.values() if isinstance(each, str))
            cells = [f"{each:.1e}" if isinstance(each, float) else str([*why].index(each)) for each in found.values()]
            print(f"| {name} |", " | ".join(cells), "|", flush=True)
            out.write(json.dumps({"network": name, **found}) + "\n")
            out.flush()
    for place, line in enumerate(why):
        print(f"{place}: {line}")


if __name__ == "__main__":
    main()
