"""What a fit leaves behind, made by hand: the report needs no network and no backend to be tested."""

import hashlib
import io
import json

import h5py
import numpy as np
import pandas as pd

from kerasforecast.artifact.format.archive import GRAPH, MANIFEST, WEIGHTS, pack
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.records import DataRecord, DiagnosisRecord, Metrics, PartRecord, TrainingRecord
from kerasforecast.config import Config
from kerasforecast.data.load import load_series
from kerasforecast.data.panel import Panel
from kerasforecast.evaluation.scores import Outcomes, dm_tests, scores
from kerasforecast.evaluation.verdict import judged
from kerasforecast.forecasting.forecast import Forecast
from kerasforecast.models.member import Member, array_shapes
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.report import FinishedFit, write_fit

ROWS, TESTED = 400, 60
EPOCHS = np.arange(1, 9)


def write_run(folder, **options):
    """Write `folder/acme.keras` and the folder beside it, of a `finished_fit`.

    Returns the path of the model file.
    """
    fit = finished_fit(folder, **options)
    write_fit(fit, folder / "acme")
    (folder / "acme.keras").write_bytes(model_file(fit.manifest))
    return folder / "acme.keras"


def finished_fit(folder, name="acme", target="Close", horizon=1, levels=(), skill=0.0):
    """What a fit on `folder/prices.csv` hands to its report; `skill` is the share of each move that is foreseen."""
    random = np.random.default_rng(0)
    closes = 100 * np.exp(np.cumsum(0.02 * random.normal(size=ROWS)))
    index = pd.bdate_range("2020-01-01", periods=ROWS, name="Date")
    source = folder / "prices.csv"
    pd.DataFrame({target: closes}, index=index).to_csv(source)
    scored = {"levels": levels} if levels else {}
    config = Config.from_options(file=str(source), target=target, horizon=horizon, window=5, **scored)
    series = load_series(config.data)

    origins = np.arange(ROWS - TESTED - 1, ROWS - horizon)
    steps = np.arange(1, horizon + 1)
    actual = closes[origins[:, None] + steps]
    last = closes[origins]
    naive = np.repeat(last[:, None], horizon, axis=1)
    forecast = naive + skill * (actual - naive) + 0.1 * random.normal(size=actual.shape)
    intervals = forecast[..., None] * (1 + 0.05 * (np.array(levels) - 0.5)) if levels else None
    outcomes = Outcomes(actual, last, tuple(levels), (1.0, 1.0))
    ours, last_value = Forecast(forecast, intervals), Forecast(naive, None)
    test = {
        "n": len(origins),
        "model": scores(outcomes, ours),
        "naive": scores(outcomes, last_value),
        "dm": dm_tests(outcomes, ours, last_value)[0],
    }
    table = pd.DataFrame(
        {
            "date": index[(origins[:, None] + steps).ravel()],
            "actual": actual.ravel(),
            "forecast": forecast.ravel().astype(np.float32),
            "naive": naive.ravel(),
        }
    )
    if horizon > 1:
        table["step"] = np.tile(steps, len(origins))
    for place, level in enumerate(levels):
        table[f"q{level}"] = intervals[..., place].ravel().astype(np.float32)
    loss = 0.5 + np.exp(-EPOCHS / 2)
    history = pd.DataFrame({"epoch": EPOCHS, "loss": loss, "val_loss": loss + 0.1, "learning_rate": 0.001})
    diagnosis = DiagnosisRecord(name="good", text="both fell", advice="keep it", naive_val_loss=1.0)
    metrics = Metrics(target=target, test=test, verdict=judged(test).text, diagnosis=diagnosis)

    ahead = _ahead(closes[-1], index[-1], horizon, levels)
    return FinishedFit(_manifest(name, target, config, series, metrics), history, table, Panel.of(series), ahead)


def _ahead(last, date, steps, levels):
    """The forecast of the rows to come, in the form of `kerasforecast.Model.forecast`: the naive one, growing."""
    point = last * 1.01 ** np.arange(1, steps + 1)
    columns = {f"q{level}": point * (1 + 0.1 * (level - 0.5)) for level in levels}
    index = pd.bdate_range(date, periods=steps + 1, name="date")[1:]
    return pd.DataFrame({"forecast": point} | columns, index=index)


def model_file(manifest):
    """A whole model file whose weights are zeros and whose graph for plain Keras has an input alone."""
    shapes = array_shapes(manifest.members)
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, shape in shapes.items():
            file[path] = np.zeros(shape, np.float32)
    given = {"name": "past", "batch_shape": [None, manifest.window, 1 + len(manifest.roles.past)]}
    layer = {"module": "keras.layers", "class_name": "InputLayer", "config": given}
    graph = json.dumps({"config": {"layers": [layer]}}).encode()
    members = {"metadata.json": b"{}", GRAPH: graph, WEIGHTS: buffer.getvalue()}
    hashes = {member: hashlib.sha256(data).hexdigest() for member, data in members.items()}
    content = manifest.model_dump(mode="json") | {"hashes": hashes}
    return pack(members | {MANIFEST: json.dumps(content).encode()})


def _manifest(name, target, config, series, metrics):
    edges = {"train": (0, 280), "validation": (280, 340), "test": (340, ROWS)}
    dates = series.index.strftime("%Y-%m-%d")
    split = {
        part: PartRecord(rows=stop - start, windows=stop - start, start=dates[start], end=dates[stop - 1])
        for part, (start, stop) in edges.items()
    }
    data = DataRecord(
        source="file", location="prices.csv", snapshot="", retrieved="", rows=ROWS, start=dates[0], end=dates[-1],
        frequency="B", calendar=None, sha256=series.sha256, split=split,
    )  # fmt: skip
    training = TrainingRecord(
        epochs=8, best_epoch=8, best_loss=0.5, best_val_loss=0.6, stopped_early=False, complete=True, seconds=1.0
    )
    scaling = FittedScaling(kind="anchor", transforms=("log",), offset=(0.0,), scale=(0.02,))
    member = Member(network=config.network, scaling=scaling)
    return Manifest(
        name=name,
        created="2026-01-02T03:04:05+00:00",
        backend="jax",
        device="cpu",
        versions={"kerasforecast": "0.1.0", "torch": None},
        config=config,
        roles={"target": target},
        members=[MemberRecord.of(member, member.parameters_saved + 400, training)],
        data=data,
        metrics=metrics,
        golden={"past": [[[1.0]] * 5], "forecast": [[1.0] * config.network.horizon]},
    )
