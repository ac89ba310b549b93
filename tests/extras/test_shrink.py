"""Smaller models: a student learns its teacher, 8 bits lose little, and the table says what was lost."""

import numpy as np
import pytest
from click.testing import CliRunner

import kerasforecast as kf
from kerasforecast.artifact.onnx.reader import read_onnx
from kerasforecast.config import Config
from kerasforecast.data.load import load_panel
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.smaller import _at, lessons, student_config
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.families import registry
from kerasforecast.models.thinning import thinned
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.windows import windows_of
from tests.extras.networks import FAMILIES, HORIZON, SCALINGS, WINDOW, drawn, member, windows_for


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    model = kf.fit(end="2003-01-01", window=8, units=24, layers=1, epochs=1, horizon=2)
    return model.save(tmp_path_factory.mktemp("shrink") / "ibm.keras")


def panel_of_prices():
    import pandas as pd

    walk = 100 * np.exp(np.cumsum(0.02 * np.random.default_rng(0).normal(size=300)))
    frame = pd.DataFrame({"Close": walk}, index=pd.bdate_range("2020-01-01", periods=300, name="Date"))
    return load_panel(Config.from_options().data, frame, positive_prices=True)


def test_lessons_are_the_teachers_forecasts_in_units_of_the_student():
    teacher = Predictor([member("lstm")], drawn([member("lstm")]))
    windows = windows_of(panel_of_prices(), np.arange(WINDOW, 200), WINDOW, HORIZON)
    found = lessons(
        TrainingSet(windows, np.zeros((192 - 1, HORIZON), np.float32)), member("linear with a trend"), teacher
    )
    batch = windows.batch()
    raw = member("lstm").scaling.restore(batch.past.astype(float), found.targets)
    np.testing.assert_allclose(raw, teacher.predict(batch), rtol=1e-5)


def test_lessons_of_a_quantile_head_are_draws_from_its_quantiles():
    levels, scaled = (0.1, 0.5, 0.9), SCALINGS["log returns, with their volatility"]
    both = member("gru, layer norm", scaled, levels)
    teacher = Predictor([both], drawn([both]))
    windows = windows_of(panel_of_prices(), np.arange(WINDOW, 280), WINDOW, HORIZON)
    found = lessons(TrainingSet(windows, np.zeros((len(windows), HORIZON), np.float32)), both, teacher)
    assert len(found) == len(found.targets) == 4 * len(windows)
    raw = scaled.restore(np.tile(windows.batch().past, (4, 1, 1)).astype(float), found.targets)
    ends = np.tile(teacher.outputs(windows.batch()), (4, 1, 1))
    up_to, below = ((raw[:, :, None] < ends * (1 + side)).mean(axis=(0, 1)) for side in (1e-6, -1e-6))
    # Beyond the last levels draws lie on them: a level is right wherever it is between the two shares.
    np.testing.assert_allclose(up_to[:2], levels[:2], atol=0.03)
    np.testing.assert_allclose(below[1:], levels[1:], atol=0.03)


def test_a_quantile_function_is_straight_between_its_levels_and_level_beyond():
    quantiles = np.array([[[10.0, 20.0, 40.0]]])
    for share, expected in ((0.0, 10), (0.1, 10), (0.3, 15), (0.5, 20), (0.7, 30), (1.0, 40)):
        assert _at(quantiles, np.array([0.1, 0.5, 0.9]), np.array([[share]]))[0, 0] == pytest.approx(expected)


def test_a_student_is_a_model_like_any_other(saved):
    found = kf.shrink(saved, distill="gru:3")
    student = kf.load(found.path)
    assert student.manifest.members[0].network.describe() == "1 x gru of 3 units"
    assert found.after.parameters < found.before.parameters / 10
    assert found.after.bytes < found.before.bytes
    assert student.verdict
    assert found.after.coverage.keys() == found.before.coverage.keys() != set()
    assert found.after.mase == pytest.approx(found.before.mase, rel=0.1)
    assert "RMSE" in found.lost
    assert len(student.forecast(3)) == 3


def test_a_linear_student_by_the_command_and_8_bits(saved):
    from kerasforecast_cli.main import cli

    done = CliRunner().invoke(cli, ["shrink", str(saved), "--distill", "linear"])
    assert done.exit_code == 0, done.output
    assert "ibm-linear.keras" in done.output
    assert "RMSE" in done.output
    assert not list(saved.parent.glob(".*"))


def test_in_8_bits_it_forecasts_nearly_the_same(saved):
    whole, found = kf.load(saved), kf.shrink(saved, int8=True)
    small = kf.load(found.path)
    manifest, content = read_onnx(found.path)
    assert b"DynamicQuantizeLSTM" in content
    assert manifest.name == "ibm-int8"
    unit = np.abs(whole.forecast(2) - small.forecast(2)).to_numpy().max() / whole.forecast(2)["forecast"].iloc[0]
    assert 0 < unit < 2e-3
    assert found.after.bytes == found.path.stat().st_size < 0.3 * found.before.bytes
    assert 0.25 < found.after.weights / found.before.weights < 0.4  # of few units biases are much, and stay as they are
    assert small.manifest.calibration != whole.manifest.calibration  # anew
    assert found.after.crps == pytest.approx(found.before.crps, rel=0.02)


def hidden_of(one):
    network = one.network
    return network.family.hidden(network.options, one.sizes)


THINNED = [
    name
    for name, (family, options) in FAMILIES.items()
    if "units" in registry.family(family).options.model_fields
    and options.get("norm") != "layer"
    and name not in ("tide", "diffusion")
]


EVERYTHING = {"levels": (0.1, 0.5, 0.9), "known": 2, "static": True}


@pytest.mark.parametrize(
    ("family", "columns"), [*((name, EVERYTHING) for name in THINNED), ("lstm", {}), ("nbeats", {})]
)
def test_units_that_nothing_hangs_on_can_go(family, columns):
    one = member(family, **columns)
    weights = [array.copy() for array in drawn([one])]
    firsts, count = {}, 0
    for place, layer in enumerate(one.layers):
        firsts[place] = count
        count += len(layer.arrays)
    embedded, units = len(one.sizes.embeddings), one.network.options.units
    for number, places in enumerate(hidden_of(one)):
        for place in places:
            array = np.moveaxis(weights[firsts[place.layer + embedded] + place.array], place.axis, 0)
            for block in range(place.blocks):
                array[place.start + block * units + number % units] = 0  # a unit of weights that are all zero
    smaller, fewer = thinned(one, weights, 1 / units)
    assert smaller.network.options.units == units - 1
    batch = windows_for([one])
    ours, theirs = (Predictor([each], found).outputs(batch) for each, found in ((one, weights), (smaller, fewer)))
    np.testing.assert_allclose(theirs, ours, rtol=1e-5)
    assert np.ptp(ours) > 0


@pytest.mark.parametrize("family", ["gru, layer norm", "tide"])
def test_what_is_normalised_has_its_units_where_its_arrays_have_them(family):
    one = member(family, levels=(0.5,), known=2, static=True)
    smaller, fewer = thinned(one, drawn([one]), 0.4)
    assert np.isfinite(Predictor([smaller], fewer).outputs(windows_for([one]))).all()


def test_the_largest_units_stay():
    one = member("lstm")
    weights = drawn([one])
    weights[-2][:3] *= 100  # the first three units are what the head reads
    smaller, fewer = thinned(one, weights, 0.4)
    np.testing.assert_array_equal(fewer[-2], weights[-2][:3])
    assert smaller.parameters_saved == sum(array.size for array in fewer)


def test_without_some_of_its_units_it_is_a_model_like_any_other(saved):
    from kerasforecast_cli.main import cli

    done = CliRunner().invoke(cli, ["shrink", str(saved), "--prune", "0.5"])
    assert done.exit_code == 0, done.output
    assert "ibm-pruned.keras" in done.output
    small, whole = kf.load(saved.with_name("ibm-pruned.keras")), kf.load(saved)
    assert small.manifest.members[0].network.describe() == "1 x lstm of 12 units"
    assert small.manifest.lineage.parent == "ibm"
    assert small.manifest.members[0].scaling == whole.manifest.members[0].scaling
    test = small.manifest.lineage.test
    assert test.rmse == pytest.approx(test.parent_rmse, rel=0.1)
    assert small.verdict


def test_what_has_no_units_says_what_else_there_is():
    one = member("linear with a trend")
    with pytest.raises(OptionError, match=r"lstm.*distill"):
        thinned(one, drawn([one]), 0.5)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "none of them"),
        ({"distill": "gru:16", "int8": True}, "distill= and int8=True"),
        ({"distill": "gru:16", "prune": 0.5}, "distill= and prune="),
        ({"prune": 1.0}, "below 1"),
        ({"prune": 0.01}, "takes none"),
        ({"distill": "mlp"}, "gru:16"),
        ({"distill": "linear:4"}, "gru:16"),
        ({"distill": "gru:many"}, "gru:16"),
        ({"int8": True, "out": "small.keras"}, ".onnx"),
    ],
)
def test_what_cannot_be_is_one_line(saved, options, words):
    with pytest.raises(OptionError, match=words):
        kf.shrink(saved, **options)


def test_a_student_keeps_what_the_teacher_forecasts_and_trains_as_its_family_does():
    teacher = Config.from_options(window=12, horizon=3, quantiles=(0.1, 0.9), scaling="level", centre="last", seed=7)
    student = student_config(teacher, 20, "linear")
    assert (student.network.window, student.network.horizon, student.network.centre) == (20, 3, "last")
    assert student.network.quantiles == teacher.network.quantiles
    assert student.training.seed == 7
    assert student.training.learning_rate == Config.from_options(model="linear").training.learning_rate
