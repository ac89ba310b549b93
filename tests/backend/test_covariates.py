"""Networks that are given more than the past: columns known ahead, attributes of the series, categories among them."""

import keras
import numpy as np
import pandas as pd
import pytest

from kerasforecast.api.loading import proven
from kerasforecast.artifact.manifest import Manifest, MemberRecord
from kerasforecast.artifact.reader import read
from kerasforecast.artifact.roles import Roles
from kerasforecast.artifact.writer import Exporter
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import ArtifactError, DataError
from kerasforecast.forecasting.fitting import Fitting, Reused, scaled_member, training_sets
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.member import Member
from kerasforecast.models.network import build, initialise, merged_weights, set_weights
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.covariates import Categories, FittedCovariates, Standardised
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.preprocessing.split import split_panel
from kerasforecast.preprocessing.windows import windows_of
from kerasforecast.sections.network import NetworkConfig

ANCHOR = FittedScaling(kind="anchor", transforms=("log",), offset=(0.0,), scale=(0.02,))
KNOWN = FittedCovariates(known=(Standardised(offset=1, scale=2), Standardised(offset=0, scale=0.5)))
STATIC = FittedCovariates(
    static=(Standardised(offset=3, scale=2), Categories(names=tuple("abcde")), Categories(names=("x", "y")))
)
BOTH = FittedCovariates(known=KNOWN.known, static=STATIC.static)
EACH = pytest.mark.parametrize("covariates", [KNOWN, STATIC, BOTH], ids=["known", "static", "both"])
WINDOW, HORIZON = 5, 3
NETWORK = {"window": WINDOW, "horizon": HORIZON, "units": 4}


def batch(covariates, count=6, seed=0, rows=WINDOW + HORIZON):
    random = np.random.default_rng(seed)
    past = (100 + np.cumsum(random.normal(size=(count, WINDOW, 1)), axis=1)).astype(np.float32)
    known = random.normal(size=(count, rows, len(covariates.known))).astype(np.float32)
    static = np.stack([random.normal(size=count), np.arange(count) % 5, np.arange(count) % 2], axis=1)
    return WindowBatch(
        past, known if covariates.known else None, static.astype(np.float32) if covariates.static else None
    )


def coded(windows, code):
    """The first window of a category of another number."""
    static = windows.static.copy()
    static[0, 1] = code
    return WindowBatch(windows.past, windows.known, static)


def fresh(covariates, quantiles=(), seed=0, **options):
    """A member and a training network with weights of every kind."""
    config = NetworkConfig(**NETWORK | {"quantiles": quantiles} | options)
    network = build(config, ANCHOR, "training", covariates=covariates)
    initialise(network, config, seed)
    random = np.random.default_rng(seed)
    network.set_weights([random.normal(scale=0.4, size=array.shape) for array in network.get_weights()])
    return Member(network=config, scaling=ANCHOR, covariates=covariates), network


@EACH
@pytest.mark.parametrize("quantiles", [(), (0.1, 0.5, 0.9)], ids=["points", "quantiles"])
@pytest.mark.parametrize(
    "options",
    [{"layers": 1, "dropout": 0.0}, {}, {"model": "gru", "bidirectional": True, "norm": "layer", "layers": 3}],
    ids=["one layer", "lstm", "gru both ways"],
)
def test_arrays_by_arithmetic_are_those_built_and_every_role_answers_the_same(covariates, quantiles, options):
    member, trained = fresh(covariates, quantiles, **options)
    weights = merged_weights(trained)
    assert [shape for layer in member.layers for _, shape in layer.arrays] == [array.shape for array in weights]
    windows = batch(covariates)
    scaled = np.asarray(trained.predict_on_batch(windows.fed()), np.float64)
    expected = ANCHOR.restore(windows.past.astype(np.float64), scaled)
    for role in ("inference", "export"):
        network = build(member.network, ANCHOR, role, covariates=covariates)
        set_weights(network, weights)
        np.testing.assert_allclose(np.asarray(network.predict_on_batch(windows.fed())), expected, rtol=1e-5)
    np.testing.assert_allclose(Predictor([member], weights).outputs(windows), expected, rtol=1e-5)


def test_the_head_by_numpy():
    """From the state at the window's end: attributes beside it, a decoder step a row, a linear path for each row."""
    member, trained = fresh(BOTH, layers=1, dropout=0.0)
    weights, windows = merged_weights(trained), batch(BOTH)
    predictor = Predictor([member], weights)
    state = predictor.states(windows)[0][0]  # (B, U)
    five, two, *_, decoder, decoder_bias, head, head_bias, rows, rows_bias = [w.astype(np.float64) for w in weights]
    static = windows.static.astype(np.float64)
    number = (static[:, :1] - 3) / 2
    hidden = np.concatenate([state, number, five[static[:, 1].astype(int)], two[static[:, 2].astype(int)]], axis=1)
    ahead = (windows.known[:, WINDOW:] - [1, 0]) / [2, 0.5]  # (B, H, K)
    both = np.concatenate([ahead, np.repeat(hidden[:, None], HORIZON, axis=1)], axis=2)
    read = np.concatenate([np.tanh(both @ decoder + decoder_bias), ahead], axis=2)
    expected = hidden @ head + head_bias + (read @ rows + rows_bias)[:, :, 0]
    found = np.asarray(trained.predict_on_batch(windows.fed()))
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_row_known_ahead_moves_its_own_step_and_no_other():
    member, trained = fresh(KNOWN)
    predictor = Predictor([member], merged_weights(trained))
    windows = batch(KNOWN)
    known = windows.known.copy()
    known[:, WINDOW + 1] += 1
    moved = predictor.predict(WindowBatch(windows.past, known)) != predictor.predict(windows)
    assert moved.any(axis=0).tolist() == [False, True, False]


def test_a_quantile_head_starts_at_the_quantiles_of_past_moves_whatever_is_known():
    config = NetworkConfig(**NETWORK | {"quantiles": (0.1, 0.5, 0.9)})
    network = build(config, ANCHOR, "training", covariates=BOTH)
    targets = np.random.default_rng(0).normal(size=(500, HORIZON)).astype(np.float32)
    initialise(network, config, 0, targets)
    found = np.asarray(network.predict_on_batch(batch(BOTH).fed()))
    np.testing.assert_allclose(
        found, np.broadcast_to(np.quantile(targets, (0.1, 0.5, 0.9), axis=0).T, found.shape), atol=1e-4
    )


def test_known_rows_are_used_beyond_the_horizon():
    """A roll of 7 steps by a network of 3, against the same by hand from windows cut one after another."""
    member, trained = fresh(KNOWN)
    predictor = Predictor([member], merged_weights(trained))
    windows = batch(KNOWN, rows=WINDOW + 7)
    found = predictor.roll(windows, 7)
    past, expected = windows.past, []
    for start in (0, 3, 6):
        known = windows.known[:, start : start + WINDOW + HORIZON]
        lacking = WINDOW + HORIZON - known.shape[1]
        known = np.concatenate([known, np.zeros((6, lacking, 2), np.float32)], axis=1)  # what no step asked for sees
        expected.append(predictor.predict(WindowBatch(past, known)))
        past = np.concatenate([past, expected[-1][:, :, None]], axis=1)[:, -WINDOW:]
    np.testing.assert_allclose(found, np.concatenate(expected, axis=1)[:, :7], rtol=1e-6)
    with pytest.raises(DataError, match=r"known columns must have shape \(B, 13, 2\). Received: \(6, 12, 2\)"):
        predictor.roll(windows, 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda b: b.past, r"Windows' known columns must have shape \(B, 8, 2\)\. Received: none"),
        (lambda b: WindowBatch(b.past, b.known), r"static columns must have shape \(B, 3\)\. Received: none"),
        (lambda b: WindowBatch(b.past, b.known[:, :-1], b.static), r"known columns must have shape \(B, 8, 2\)"),
        (lambda b: WindowBatch(b.past, b.known, b.static[:2]), r"static columns must have shape \(B, 3\)"),
        (lambda b: WindowBatch(b.past, b.known * np.nan, b.static), "must be finite"),
        (lambda b: coded(b, 5), r"static column 1 must hold numbers of its categories, 0 to 4\. Received: 5\. Leave"),
        (lambda b: coded(b, -1), r"0 to 4\. Received: -1\."),
        (lambda b: coded(b, 0.5), r"0 to 4\. Received: 0\.5\."),
        (lambda b: dict(coded(b, 2).arrays, stats=b.static), "Windows are named past, known and static"),
    ],
)
def test_windows_that_lack_what_the_network_takes_are_refused(change, message):
    member, trained = fresh(BOTH)
    with pytest.raises(DataError, match=message):
        Predictor([member], merged_weights(trained)).predict(change(batch(BOTH)))


def test_what_the_network_does_not_take_is_refused_too():
    member, trained = fresh(FittedCovariates())
    given = batch(KNOWN)
    with pytest.raises(DataError, match="known columns must be left out"):
        Predictor([member], merged_weights(trained)).predict(given)


def shops(rows=160, ahead=4, seed=0):
    """Three shops whose sales follow a temperature known ahead; how much, depends on the kind of shop."""
    random = np.random.default_rng(seed)
    parts = []
    for effect in (3.0, -3.0, 3.0):
        temperature = random.normal(size=rows + ahead)
        sales = 100 + effect * temperature + 0.1 * random.normal(size=rows + ahead)
        part = np.stack([sales, random.normal(size=rows + ahead), temperature], axis=1)
        part[rows:, :2] = np.nan
        parts.append(part)
    return Panel(
        values=np.concatenate(parts),
        index=pd.Index(np.tile(np.arange(rows + ahead), 3)),
        starts=np.arange(4) * (rows + ahead),
        ids=np.array(["north", "south", "west"]),
        columns=("sales", "visitors", "temperature"),
        roles=("target", "past", "known"),
        observed=np.full(3, rows),
        key="shop",
        static=np.array([[0.0, 10.0], [1.0, 20.0], [0.0, 30.0]]),
        static_columns=("kind", "size"),
        categories=(("street", "mall"), ()),
    )


OPTIONS = {"window": 6, "horizon": 2, "units": 8, "layers": 1, "dropout": 0.0, "scaling": "standard"}
CONFIG = Config.from_options(**OPTIONS, min_rows=6, epochs=60, learning_rate=0.01, batch_size=64)


@pytest.fixture(scope="module")
def fitted():
    panel = shops()
    split = split_panel(panel, CONFIG.split, CONFIG.network)
    member = scaled_member(CONFIG.network, panel, split)
    sets = training_sets(member, panel, split)
    return panel, split, member, sets, Fitting(member, CONFIG.training, *sets).train()


def test_training_learns_what_is_known_and_for_whom(fitted):
    panel, split, _, _, trained = fitted
    windows = windows_of(panel, split.origins("test"), 6, 2)
    errors = trained.predictor.predict(windows.batch()) - windows.targets()
    assert np.sqrt(np.mean(errors**2)) < 0.6  # noise 0.1; without the temperature 3, without the kind of shop 2.4


def test_one_network_for_many_fits_learns_the_same(fitted):
    """Scaling outside the network, as a backtest has it: the same training, within what 32-bit numbers round."""
    panel, split, member, sets, _ = fitted
    short = CONFIG.training.model_copy(update={"epochs": 2})
    inside = Fitting(member, short, *sets).train()
    outside = Fitting(member, short, *sets, Reused(short, member)).train()
    windows = windows_of(panel, split.origins("test"), 6, 2).batch()
    np.testing.assert_allclose(outside.predictor.predict(windows), inside.predictor.predict(windows), rtol=1e-4)


def made(fitted, **changes):
    _, _, member, (training, _), trained = fitted
    golden = Exporter([member]).golden(training.batch(np.array([0, 5])), trained.weights)
    roles = Roles(target="sales", past=("visitors",), known=("temperature",), static=("kind", "size"))
    return Manifest.of("shops", CONFIG, roles, [MemberRecord.of(member)], golden=golden)


def test_its_file_opens_here_and_in_plain_keras_by_named_inputs(fitted, tmp_path):
    panel, split, member, _, trained = fitted
    path = tmp_path / "shops.keras"
    Exporter([member]).write(path, made(fitted), trained.weights)
    windows = windows_of(panel, split.origins("test"), 6, 2).batch()
    expected = trained.predictor.predict(windows)
    np.testing.assert_array_equal(proven(path, *read(path)).predictor.predict(windows), expected)
    plain = keras.models.load_model(path)
    np.testing.assert_allclose(plain.predict(windows.arrays, verbose=0), expected, rtol=2e-6)


def test_two_networks_of_other_windows_share_what_is_known(fitted):
    _, _, first, _, _ = fitted
    second = first.model_copy(
        update={"network": NetworkConfig(**OPTIONS | {"window": 4, "model": "gru"}), "weight": 0.5}
    )
    members, weights = [first.model_copy(update={"weight": 0.5}), second], []
    for member in members:
        network = build(member.network, member.scaling, "training", covariates=member.covariates)
        initialise(network, member.network, 1)
        weights.append(merged_weights(network))
    windows = windows_of(shops(), np.array([20, 200, 400]), 6, 2).batch()
    alone = (
        Predictor([first], weights[0]).predict(windows),
        Predictor([second], weights[1]).predict(WindowBatch(windows.past[:, 2:], windows.known[:, 2:], windows.static)),
    )
    together = Predictor(members, [*weights[0], *weights[1]]).predict(windows)
    np.testing.assert_allclose(together, sum(alone) / 2, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda m: {"roles": m.roles.model_copy(update={"known": ()})}, "covariates"),
        (lambda m: {"roles": m.roles.model_copy(update={"static": ("kind",)})}, "covariates"),
        (lambda m: {"golden": m.golden.model_copy(update={"known": None})}, "golden known windows"),
        (lambda m: {"golden": m.golden.model_copy(update={"known": m.golden.known[:1]})}, "golden forecasts"),
        (lambda m: {"golden": m.golden.model_copy(update={"static": [[1.0]] * 2})}, "golden attributes"),
    ],
)
def test_a_manifest_whose_roles_and_networks_disagree_is_refused(change, what, fitted):
    manifest = made(fitted)
    with pytest.raises(ValueError, match=f"its {what} must fit"):
        manifest.updated(**change(manifest))


def test_other_rows_known_ahead_are_no_longer_the_golden_forecast(fitted, tmp_path):
    _, _, member, _, trained = fitted
    manifest = made(fitted)
    known = (np.array(manifest.golden.known) + 1).tolist()
    path = tmp_path / "other.keras"
    altered = manifest.updated(golden=manifest.golden.model_copy(update={"known": known}))
    Exporter([member]).write(path, altered, trained.weights)
    with pytest.raises(ArtifactError, match="golden batch"):
        proven(path, *read(path))
