"""The families for series with structure: their formulas in NumPy, their arrays by arithmetic, their files."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.errors import OptionError
from kerasforecast.models.families import registry
from kerasforecast.models.families.arithmetic import interpolation
from kerasforecast.models.families.residual import bases
from kerasforecast.models.member import Member
from kerasforecast.models.network import build, initialise, merged_weights, set_weights
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.preprocessing.covariates import Categories, FittedCovariates, Standardised
from kerasforecast.preprocessing.level import Level
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.report.finished import read_fit
from kerasforecast.sections.network import NetworkConfig

L, H = 10, 5  # of two known columns, networks that take all rows at once see the last five
NETWORKS = [
    ("linear", {}),
    ("linear", {"trend": 3}),
    ("nbeats", {"blocks": 2, "units": 6}),
    ("nbeats", {"basis": "interpretable", "blocks": 2, "units": 6, "harmonics": 2}),
    ("nhits", {"blocks": 2, "units": 6, "pool": 4, "dropout": 0.1}),
    ("patch", {"patch": 4, "width": 6, "heads": 2}),
    ("tide", {"layers": 2, "units": 6, "decoder": 3}),
]
LEVELS = [(), (0.5,), (0.1, 0.5, 0.9), (0.5, 0.9)]
ONE = Standardised(offset=0.5, scale=2.0)
OWN = Standardised(offset=0.5, scale=2.0, per_window=True)


def scaling_of(columns=1, transform="none"):
    level = Level(centre="mean", unit="spread", transform=transform, floors=(0.1,) * columns, typical=4.0)
    ones = (1.0,) * columns
    return FittedScaling(
        kind="level", transforms=("level",) * columns, offset=(0.0,) * columns, scale=ones, level=level
    )


def covariates_of(known, static):
    attributes = (ONE, Categories(names=("a", "b", "c"))) if static else ()
    return FittedCovariates(known=(ONE, OWN)[:known], static=attributes)


def made(model, options, columns=1, known=0, static=False, levels=()):
    config = NetworkConfig(model=model, window=L, horizon=H, quantiles=levels, **options)
    member = Member(network=config, scaling=scaling_of(columns), covariates=covariates_of(known, static))
    network = build(config, member.scaling, "training", covariates=member.covariates)
    initialise(network, config, 3)
    for layer in network.layers:  # what begins at zero would hide its part of the formula
        random = np.random.default_rng(list(layer.name.encode()))
        layer.set_weights([array + 0.1 * random.normal(size=array.shape) for array in layer.get_weights()])
    return member, network


def fed(columns=1, known=0, static=False, count=4, seed=0):
    random = np.random.default_rng(seed)
    arrays = {"past": 50 + 5 * random.normal(size=(count, L, columns))}
    if known:
        arrays["known"] = random.normal(size=(count, L + H, known))
    if static:
        arrays["static"] = np.stack([random.normal(size=count), random.integers(0, 3, count)], axis=1)
    arrays = {name: array.astype(np.float32) for name, array in arrays.items()}
    return arrays if len(arrays) > 1 else arrays["past"]


@pytest.mark.parametrize(("model", "options"), NETWORKS)
def test_arrays_by_arithmetic_are_those_built_in_the_order_of_keras(model, options):
    for levels, known, static, columns in itertools.product(LEVELS, (0, 2), (False, True), (1, 2)):
        member, network = made(model, options, columns, known, static, levels)
        assert list(member.arrays().values()) == [array.shape for array in merged_weights(network)]


@pytest.mark.parametrize("transform", ["none", "log", "sqrt", "asinh"])
def test_a_saved_network_takes_raw_values_as_numpy_does(transform):
    bent = {"middle": 48.0, "size": 2.0} if transform == "asinh" else {}
    scaling = scaling_of(transform=transform)
    scaling = scaling.model_copy(update={"level": scaling.level.model_copy(update=bent)})
    config = NetworkConfig(model="linear", window=L, horizon=H, target_transform=transform)
    network, windows = build(config, scaling, "export"), fed()
    kernel, bias = (np.random.default_rng(0).normal(size=shape).astype(np.float32) for shape in ((L, H), (H,)))
    network.set_weights([kernel, bias])
    exact = windows.astype(np.float64)
    scaled = scaling.inputs(exact)[:, :, 0] @ kernel + bias
    np.testing.assert_allclose(network.predict(windows, verbose=0), scaling.restore(exact, scaled), rtol=1e-5)


# The formulas, once more, in NumPy; weights by the names of the layers.


def weights_of(network):
    return {layer.name: layer.get_weights() for layer in network.layers if layer.get_weights()}


def dense(values, weights, name, relu=False):
    kernel, bias = weights[name]
    found = values @ kernel + bias
    return np.maximum(found, 0) if relu else found


def normalised(values, weights, name):
    gamma, beta = weights[name]
    centred = values - values.mean(axis=-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-5) * gamma + beta


def scaled(inputs, columns=1):
    past = inputs["past"] if isinstance(inputs, dict) else inputs
    moves = past.astype(np.float64)
    centred = moves - moves.mean(axis=1, keepdims=True)
    unit = np.maximum(np.sqrt((centred**2).mean(axis=1, keepdims=True)), 0.1)
    past = centred / unit
    if not isinstance(inputs, dict) or "known" not in inputs:
        return past, None
    known = (inputs["known"].astype(np.float64) - 0.5) / 2
    own = known[:, :, 1:] - known[:, :L, 1:].mean(axis=1, keepdims=True)  # the second column is the window's own
    return past, np.concatenate([known[:, :, :1], own / np.maximum(unit[:, :, :1] / 4, 0.1)], 2)


def linear(inputs, weights, options):
    past, known = scaled(inputs)
    parts = [past.reshape(len(past), -1)]
    if options.get("trend"):
        padded = np.pad(past, ((0, 0), (1, 1), (0, 0)), mode="edge")
        parts.append(
            np.stack([padded[:, row : row + 3].mean(axis=1) for row in range(L)], axis=1).reshape(len(past), -1)
        )
    parts.append(known[:, -H:].reshape(len(past), -1))
    return dense(np.concatenate(parts, axis=1), weights, "head")


def residual(inputs, weights, options, family):
    past, known = scaled(inputs)
    config = family.options(**options)
    sizes = NetworkConfig(model=family.name, window=L, horizon=H, **options).sizes(1, known=2)
    rest, total = past[:, :, 0], 0.0
    blocks = family.blocks(config, sizes)
    for number, block in enumerate(blocks, 1):
        seen, own = rest, "known" if block.part == "known" else number
        if block.pool > 1:  # "same": what is absent is shared out to both ends and never the largest
            absent = block.rows * block.pool - L
            padded = np.pad(rest, ((0, 0), (absent // 2, absent - absent // 2)), constant_values=-np.inf)
            seen = padded.reshape(len(rest), block.rows, block.pool).max(axis=2)
        hidden = np.concatenate([seen, known[:, -H:].reshape(len(past), -1)], axis=1)
        for layer in range(config.block_layers):
            hidden = dense(hidden, weights, f"dense_{number}_{layer + 1}", relu=True)
        if number < len(blocks):
            explained = dense(hidden, weights, f"explained_{own}")
            rest = rest - drawn(block, explained, known[:, :L], config, sizes, 0)
        total = total + drawn(block, dense(hidden, weights, f"part_{own}"), known[:, L:], config, sizes, 1)
    return total


def drawn(block, found, rows, config, sizes, place):
    if block.part == "known":
        return np.einsum("bk,btk->bt", found, rows)
    if block.part in ("trend", "season"):
        return found @ bases(block.part, config, sizes)[place]
    return found @ interpolation(block.forecast, H) if place else found


def patches(inputs, weights, options):
    past, known = scaled(inputs)

    def embedded(rows, name, front):
        absent = -rows.shape[1] % 4
        rows = np.pad(rows, ((0, 0), (absent, 0) if front else (0, absent), (0, 0)), mode="edge")
        kernel, bias = weights[name]
        return rows.reshape(len(rows), rows.shape[1] // 4, -1) @ kernel + bias

    both = np.concatenate([past, known[:, :L]], axis=2)
    tokens = np.concatenate([embedded(both, "patches", True), embedded(known[:, L:], "patches_ahead", False)], axis=1)
    for number in (1, 2):
        seen = normalised(tokens, weights, f"norm_{number}")
        query, key, value = (
            dense(seen, weights, f"{name}_{number}").reshape(*tokens.shape[:2], 2, 3)
            for name in ("query", "key", "value")
        )
        scores = np.einsum("bnhd,bmhd->bhnm", query, key) / np.sqrt(3)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = shares / shares.sum(axis=-1, keepdims=True)
        found = np.einsum("bhnm,bmhd->bnhd", shares, value).reshape(tokens.shape)
        tokens = tokens + dense(found, weights, f"attended_{number}")
        seen = normalised(tokens, weights, f"norm_{number}_dense")
        tokens = tokens + dense(dense(seen, weights, f"wide_{number}", relu=True), weights, f"narrow_{number}")
    return dense(normalised(tokens, weights, "norm").reshape(len(tokens), -1), weights, "head")


def tide(inputs, weights, options):
    past, known = scaled(inputs)

    def block(values, name):
        inner = dense(dense(values, weights, f"{name}_in", relu=True), weights, f"{name}_out")
        return normalised(inner + dense(values, weights, f"{name}_beside"), weights, f"{name}_norm")

    hidden = np.concatenate([past.reshape(len(past), -1), known[:, -H:].reshape(len(past), -1)], axis=1)
    hidden = block(block(block(hidden, "encoder_1"), "encoder_2"), "decoder").reshape(len(past), H, 3)
    rows = np.concatenate([block(np.concatenate([hidden, known[:, L:]], axis=2), "row"), known[:, L:]], axis=2)
    return dense(past[:, :, 0], weights, "head") + dense(rows, weights, "rows")[:, :, 0]


def formula(model, inputs, weights, options):
    if model in ("nbeats", "nhits"):
        return residual(inputs, weights, options, registry.family(model))
    return {"linear": linear, "patch": patches, "tide": tide}[model](inputs, weights, options)


@pytest.mark.parametrize(("model", "options"), NETWORKS)
def test_a_network_computes_its_formula(model, options):
    _, network = made(model, options, known=2)
    inputs, weights = fed(known=2), weights_of(network)
    expected = formula(model, inputs, weights, options)
    np.testing.assert_allclose(np.asarray(network.predict_on_batch(inputs)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("model", "options"), NETWORKS)
def test_a_step_follows_the_gradient_of_the_formula(model, options):
    """A step of plain descent changes each array by its gradient: along any direction what the formula in NumPy,
    moved a little to either side, says of the loss."""
    still = {"dropout": 0.0} if "dropout" in registry.family(model).options.model_fields else {}
    _, network = made(model, options | still, known=2)
    inputs, before = fed(known=2), weights_of(network)
    targets = np.random.default_rng(1).normal(size=(4, H)).astype(np.float32)
    network.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    network.train_on_batch(inputs, targets)
    after, random = weights_of(network), np.random.default_rng(2)

    def loss(moved):
        return np.mean((formula(model, inputs, moved, options | still) - targets) ** 2)

    for name, arrays in before.items():
        exact = {each: [array.astype(np.float64) for array in found] for each, found in before.items()}
        along = [random.normal(size=array.shape) for array in arrays]
        step = 1e-6
        up, down = (
            loss(exact | {name: [array + side * part for array, part in zip(exact[name], along, strict=True)]})
            for side in (step, -step)
        )
        steps = [old.astype(np.float64) - new for old, new in zip(arrays, after[name], strict=True)]
        taken = sum(float((gradient * part).sum()) for gradient, part in zip(steps, along, strict=True))
        size = sum(float((gradient**2).sum()) for gradient in steps) ** 0.5
        assert taken == pytest.approx((up - down) / (2 * step), rel=1e-3, abs=1e-3 * max(size, 1e-3)), name


def test_a_linear_map_with_a_trend_has_as_many_parameters_as_its_paper_says():
    """139.7 thousand (Zeng et al. 2023, the table of costs), with a bias for either of two maps; here is one."""
    config = NetworkConfig(model="linear", window=96, horizon=720, trend=25)
    (layer,) = config.family.layers(config.options, config.sizes(1))
    assert layer.parameters + 720 == 139_680


@pytest.mark.parametrize("known", [0, 1, 2, 10, 20])
def test_a_linear_map_sees_as_many_known_rows_as_leave_no_more_numbers_than_its_window_has(known):
    config = NetworkConfig(model="linear", window=336, horizon=24)
    (layer,) = config.family.layers(config.options, config.sizes(1, known=known))
    rows = {0: 0, 1: 336, 2: 168, 10: 33, 20: 24}[known]
    assert layer.arrays[0][1][0] == 336 + rows * known


@pytest.mark.parametrize(("model", "options"), NETWORKS)
def test_every_role_forecasts_the_same_and_quantiles_keep_their_order(model, options):
    member, trained = made(model, options, columns=2, known=2, static=True, levels=(0.1, 0.5, 0.9))
    inputs = fed(columns=2, known=2, static=True)
    answers = np.asarray(trained.predict_on_batch(inputs), np.float64)
    assert (np.diff(answers, axis=2) > 0).all()
    expected = member.scaling.restore(inputs["past"].astype(np.float64), answers)
    for role in ("inference", "export"):
        network = build(member.network, member.scaling, role, covariates=member.covariates)
        set_weights(network, merged_weights(trained))
        np.testing.assert_allclose(np.asarray(network.predict_on_batch(inputs)), expected, rtol=1e-5)


def hourly(rows=260, seed=0):
    hours = np.arange(rows)
    load = 100 + 20 * np.sin(2 * np.pi * hours / 12) + np.random.default_rng(seed).normal(size=rows)
    return kf.Series(load[:, None], kf_index(rows), ("load",), "h")


def kf_index(rows):
    import pandas as pd

    return pd.date_range("2024-01-01", periods=rows, freq="h")


@pytest.mark.parametrize(("model", "options"), NETWORKS)
def test_it_is_trained_saved_and_opened(model, options, tmp_path):
    model = kf.fit(hourly(), model=model, window=24, horizon=6, epochs=2, steps_per_epoch=3, steps=8, **options)
    path = model.save(tmp_path / "load.keras")
    windows = model.series.values[: 24 * 8].reshape(8, 24, 1)
    loaded = kf.load(path)
    np.testing.assert_array_equal(loaded.predict(windows), model.predict(windows))
    assert loaded.config == model.config
    plain = keras.models.load_model(path).predict(windows.astype(np.float32), verbose=0)
    np.testing.assert_allclose(plain, model.predict(windows), rtol=1e-5)
    assert np.isfinite(loaded.forecast(9, hourly())["forecast"]).all()


def test_a_linear_map_begins_at_its_ridge_solution_and_beats_naive_without_a_step():
    model = kf.fit(hourly(400), model="linear", window=24, horizon=6, epochs=1)
    assert [epoch.epoch for epoch in model.history.epochs] == [1]
    assert model.test.scores["model"]["rmse"] < 0.15 * model.test.scores["naive"]["rmse"]
    levels = kf.fit(hourly(400), model="linear", window=24, horizon=6, epochs=1, quantiles=(0.1, 0.5, 0.9))
    assert levels.test.scores["model"]["rmse"] == pytest.approx(model.test.scores["model"]["rmse"], rel=0.01)
    assert 0.6 < levels.test.scores["model"]["coverage"]["0.8"] < 0.97


class Attributed:
    """Windows of noise, of series of three categories, with what `solve` asks of them."""

    def __init__(self, count, seed):
        random = np.random.default_rng(seed)
        self.past = random.normal(size=(count, L, 1)).astype(np.float32)
        self.static = np.stack([random.normal(size=count), random.integers(0, 3, count)], axis=1).astype(np.float32)

    def __len__(self):
        return len(self.past)

    def batch(self, part=slice(None)):
        return WindowBatch(self.past[part], None, self.static[part])


def test_a_linear_map_begins_with_what_categories_say():
    effects = np.random.default_rng(5).normal(size=(3, H))
    parts = [Attributed(600, seed) for seed in (1, 2)]
    sets = [TrainingSet(part, effects[part.static[:, 1].astype(int)].astype(np.float32)) for part in parts]
    member, network = made("linear", {}, static=True)
    for levels in ((), (0.1, 0.5, 0.9)):
        sizes = replace(member.sizes, levels=levels)
        found = member.network.family.solve(member.network.options, sizes, *sets)
        assert {name: [each.shape for each in arrays] for name, arrays in found.items()} == {
            "head": [(L + 3, H * max(len(levels), 1)), (H * max(len(levels), 1),)],
            "category_1": [(3, 2)],
        }
    plain = member.network.family.solve(member.network.options, member.sizes, *sets)
    for name, arrays in plain.items():
        network.get_layer(name).set_weights(arrays)
    answers = np.asarray(network.predict_on_batch({"past": parts[0].past, "static": parts[0].static}))
    assert np.abs(answers - sets[0].targets).max() < 0.02


@pytest.mark.parametrize("levels", [(), (0.1, 0.5, 0.9)])
def test_tide_begins_at_the_ridge_solution_of_its_linear_path(levels):
    """Its blocks say nothing at first; on all rows the solution is of all."""
    true = np.random.default_rng(5).normal(size=(L, H)).astype(np.float32)
    parts = [Attributed(300, seed) for seed in (1, 2)]
    sets = [TrainingSet(part, part.past[:, :, 0] @ true) for part in parts]
    member, network = made("tide", {"units": 6, "decoder": 3}, levels=levels)
    whole, place = TrainingSet(parts[1], sets[1].targets + 1), len(levels) // 2
    for last, shift in ((None, 0), (whole, 1)):
        found = member.network.family.solve_again(member.network.options, member.sizes, *sets, last)
        kernel, bias = (array.reshape(*array.shape[:-1], H, -1)[..., place] for array in found["head"])
        np.testing.assert_allclose(kernel, true, atol=0.01)
        np.testing.assert_allclose(bias, shift, atol=0.01)
        assert not any(array.any() for array in found["rows"])
        for name, arrays in found.items():  # they are of the shapes that the network has
            network.get_layer(name).set_weights(arrays)


def test_a_window_too_long_to_be_solved_for_begins_at_random():
    member, _ = made("tide", {"units": 6, "decoder": 3})
    sizes = replace(member.sizes, window=1_001)
    assert member.network.family.solve(member.network.options, sizes, None, None) is None


def test_on_all_rows_tide_begins_at_the_solution_of_all_with_the_penalty_that_validation_chose(monkeypatch):
    family, asked = registry.family("tide"), []
    solve_again = type(family).solve_again

    def noted(self, options, sizes, training, validation, whole):
        asked.append([None if each is None else len(each) for each in (training, validation, whole)])
        return solve_again(self, options, sizes, training, validation, whole)

    monkeypatch.setattr(type(family), "solve_again", noted)
    few = {"units": 8, "epochs": 1, "steps_per_epoch": 1, "window": 24, "horizon": 6}
    kf.fit(hourly(), model="tide", final="all", progress=False, **few)
    (training, validation, nothing), (again, judged, whole) = asked
    assert nothing is None
    assert (again, judged) == (training, validation)
    assert whole > training + validation


@pytest.mark.parametrize("model", ["nbeats", "nhits"])
def test_what_is_known_ahead_hides_nothing_of_the_window_at_the_start(model):
    """Of columns known ahead the first block weighs none until training says so: later blocks see the window."""
    _, network = made(model, {}, known=2)
    initialise(network, NetworkConfig(model=model, window=L, horizon=H), 0)
    weights = weights_of(network)
    assert not any(array.any() for name in ("explained_known", "part_known") for array in weights[name])
    assert all(weights[name][0].any() for name in weights if name not in ("explained_known", "part_known"))


def test_trend_and_season_sum_to_the_forecast(tmp_path):
    few = {"units": 8, "blocks": 1, "epochs": 2, "steps_per_epoch": 3, "output_dir": tmp_path, "name": "parts"}
    model = kf.fit(hourly(), model="nbeats", basis="interpretable", window=24, horizon=6, **few)
    drawn = read_fit(model.files["model"]).parts
    np.testing.assert_allclose(drawn["trend"] + drawn["season"], model.forecast(6)["forecast"], rtol=1e-4)
    page = model.files["report"].read_text()
    assert "the sum of its trend and season" in page
    assert "Forecast and trend" in page
    windows = model.series.values[: 24 * 8].reshape(8, 24, 1)
    parts = model.decompose(windows)
    assert list(parts) == ["trend", "season"]
    np.testing.assert_allclose(parts["trend"] + parts["season"], model.predict(windows), rtol=1e-5)
    with pytest.raises(OptionError, match=r"an interpretable basis\. Received: linear map"):
        kf.fit(hourly(), model="linear", window=24, horizon=6, epochs=1).decompose(windows)


def test_families_bring_their_recipe_and_options_given_go_before_it():
    config = kf.Config.from_options(model="linear")
    assert (config.network.scaling, config.network.centre, config.training.batch_size) == ("level", "last", 128)
    given = kf.Config.from_options(model="linear", scaling="difference", batch_size=32)
    assert (given.network.scaling, given.training.batch_size) == ("difference", 32)
    assert kf.Config.from_options().training.batch_size == 32
