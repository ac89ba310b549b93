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
from kerasforecast.preprocessing.batch import TrainingSet
from kerasforecast.preprocessing.windows import windows_of
from tests.extras.networks import HORIZON, SCALINGS, WINDOW, drawn, member


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
    assert small.manifest.calibration != whole.manifest.calibration  # anew
    assert found.after.crps == pytest.approx(found.before.crps, rel=0.02)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "neither"),
        ({"distill": "gru:16", "int8": True}, "both"),
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
