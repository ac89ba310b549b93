"""A recurrent network that reads each row to be forecast from a state of its own, `--readout rows`."""

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.errors import OptionError
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.network import build, initialise, merged_weights, set_weights
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.covariates import NO_COVARIATES
from kerasforecast.sections.network import NetworkConfig
from tests.backend import reference_cells
from tests.backend.conftest import SMALL, prices
from tests.backend.test_api import Failing, same_weights
from tests.backend.test_covariates import ANCHOR, BOTH, HORIZON, KNOWN, NETWORK, STATIC, WINDOW, batch, fresh

QUANTILES = (0.1, 0.5, 0.9)
ROWS = {"readout": "rows"}


@pytest.mark.same_everywhere
@pytest.mark.parametrize(
    "covariates", [NO_COVARIATES, KNOWN, STATIC, BOTH], ids=["the past", "known", "static", "both"]
)
@pytest.mark.parametrize(
    "options",
    [
        {"layers": 1, "quantiles": QUANTILES},
        {"model": "gru", "bidirectional": True, "norm": "layer"},
        {"model": "peephole", "quantiles": QUANTILES},
        {"horizon": WINDOW - 2},
    ],
    ids=["one layer", "gru both ways", "peephole", "lstm"],
)
def test_arrays_by_arithmetic_are_those_built_and_every_role_answers_the_same(covariates, options):
    member, trained = fresh(covariates, **ROWS | options)
    weights = merged_weights(trained)
    assert [shape for layer in member.layers for _, shape in layer.arrays] == [array.shape for array in weights]
    windows = batch(covariates)
    scaled = np.asarray(trained.predict_on_batch(windows.fed()), np.float64)
    assert scaled.shape == (6, HORIZON, 3)[: 3 if "quantiles" in options else 2]
    assert (np.diff(scaled) > 0).all() or "quantiles" not in options
    expected = ANCHOR.restore(windows.past.astype(np.float64), scaled)
    for role in ("inference", "export"):
        network = build(member.network, ANCHOR, role, covariates=covariates)
        set_weights(network, weights)
        np.testing.assert_allclose(np.asarray(network.predict_on_batch(windows.fed())), expected, rtol=1e-5)
    predictor = Predictor([member], weights)
    np.testing.assert_allclose(predictor.outputs(windows), expected, rtol=1e-5)
    sides, layers = 1 + bool(options.get("bidirectional")), options.get("layers", 2)
    assert predictor.states(windows)[0].shape == (sides * layers, 6, 4)


@pytest.mark.parametrize("covariates", [NO_COVARIATES, BOTH], ids=["the past", "both"])
def test_the_network_by_numpy(covariates):
    """Each row ahead beside the state one horizon before it and the attributes, through a decoder that all share."""
    _, trained = fresh(covariates, layers=1, dropout=0.0, **ROWS)
    weights, windows = merged_weights(trained), batch(covariates)
    *tables, kernel, recurrent_kernel, bias, decoder, decoder_bias, head, head_bias = (
        each.astype(np.float64) for each in weights
    )
    past, ahead = ANCHOR.inputs(windows.past.astype(np.float64)), np.zeros((6, HORIZON, 0))
    static = np.zeros((6, 0))
    if covariates.known:
        known = (windows.known - [1, 0]) / [2, 0.5]
        past, ahead = np.concatenate([past, known[:, :WINDOW]], axis=2), known[:, WINDOW:]
        kinds = windows.static.astype(int)
        number = (windows.static[:, :1] - 3) / 2
        static = np.concatenate([number, tables[0][kinds[:, 1]], tables[1][kinds[:, 2]]], axis=1)
    nothing = np.zeros((6, 4))
    states = reference_cells.lstm(past, nothing, nothing, kernel, recurrent_kernel, bias)["h"]  # (B, L, U)
    own = states[:, WINDOW - HORIZON :]
    both = np.concatenate([ahead, own, np.repeat(static[:, None], HORIZON, axis=1)], axis=2)
    read = np.concatenate([np.tanh(both @ decoder + decoder_bias), ahead], axis=2)
    found = np.asarray(trained.predict_on_batch(windows.fed()))
    np.testing.assert_allclose(found, (read @ head + head_bias)[:, :, 0], atol=1e-5)


def test_a_row_known_ahead_moves_its_own_step_and_no_other():
    member, trained = fresh(KNOWN, **ROWS)
    predictor, windows = Predictor([member], merged_weights(trained)), batch(KNOWN)
    known = windows.known.copy()
    known[:, WINDOW + 1] += 1
    moved = predictor.predict(WindowBatch(windows.past, known)) != predictor.predict(windows)
    assert moved.any(axis=0).tolist() == [False, True, False]


def test_a_quantile_head_starts_at_the_mean_of_what_all_steps_have():
    config = NetworkConfig(**NETWORK | ROWS | {"quantiles": QUANTILES})
    network = build(config, ANCHOR, "training", covariates=BOTH)
    targets = np.random.default_rng(0).normal(size=(5_000, HORIZON)).astype(np.float32)
    initialise(network, config, 0, targets)
    found = np.asarray(network.predict_on_batch(batch(BOTH).fed()))
    expected = np.quantile(targets, QUANTILES, axis=0).mean(axis=1)
    np.testing.assert_allclose(found, np.broadcast_to(expected, found.shape), atol=1e-3)


@pytest.mark.parametrize("model", ["lstm", pytest.param("coupled", marks=pytest.mark.same_everywhere)])
def test_it_is_trained_resumed_saved_and_opened(model, tmp_path):
    table = tmp_path / "prices.csv"
    prices().to_csv(table)
    options = SMALL | ROWS | {"model": model, "horizon": 3, "name": "read"}
    whole = kf.fit(table, **options)
    with pytest.raises(kf.KerasForecastError, match="resume='read' goes on from there"):
        kf.fit(table, output_dir=tmp_path / "stopped", callbacks=[Failing()], **options)
    assert same_weights(kf.fit(resume="read", output_dir=tmp_path / "stopped"), whole)
    path = whole.save(tmp_path / "read.keras")
    windows = whole.series.values[:80].reshape(10, 8, 1)
    np.testing.assert_array_equal(kf.load(path).predict(windows), whole.predict(windows))
    plain = keras.models.load_model(path).predict(windows.astype(np.float32), verbose=0)
    np.testing.assert_allclose(plain, whole.predict(windows), rtol=2e-6)
    assert "read row by row" in whole.manifest.members[0].network.describe()


def test_a_window_shorter_than_the_horizon_is_refused_in_one_line():
    with pytest.raises(OptionError, match=r"^window= must be at least 9 rows for 2 x lstm .* by row\. Received: 8"):
        kf.fit(prices(), readout="rows", horizon=9, **SMALL)


def test_by_default_the_network_is_the_reference_model():
    member, trained = fresh(NO_COVARIATES)
    assert member.network.options.readout == "last"
    assert [layer.name for layer in trained.layers if layer.weights][-1] == "head"
    assert not trained.get_layer("lstm_2").return_sequences
