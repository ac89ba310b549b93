"""Diffusion: its arrays, its roles, a file of it, paths of a known law, and paths from the command line."""

import itertools
import json

import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.paths import path_lines
from kerasforecast.forecasting.departure import SHARES, kept_share
from kerasforecast.models.network import build, initialise, merged_weights, set_weights
from kerasforecast.models.width import fading, features
from kerasforecast.preprocessing.batch import TrainingSet, WindowBatch
from kerasforecast.training.feeding import training_batches
from tests.backend.test_structured_families import H, L, fed, made, scaled

SMALL = {"units": 8, "blocks": 2, "paths": 20, "sampling_steps": 4}


def test_arrays_by_arithmetic_are_those_built_in_the_order_of_keras():
    for known, static, columns in ((0, False, 1), (2, False, 2), (2, True, 1), (0, True, 2)):
        member, network = made("diffusion", SMALL | {"sampling_steps": 2}, columns, known, static)
        exported = build(member.network, member.scaling, "export", covariates=member.covariates)
        shapes = list(member.arrays().values())
        assert shapes == [array.shape for array in merged_weights(network)]
        assert shapes == [array.shape for array in merged_weights(exported)]
        assert [layer.name for layer in network.layers if layer.weights] == [
            layer.name for layer in exported.layers if layer.weights
        ]


def dense(values, weights, name):
    return values @ weights[name][0] + weights[name][1]


def test_a_network_computes_its_formula_and_every_role_draws_the_same():
    member, network = made("diffusion", SMALL, columns=2, known=2, static=True)
    network.get_layer("mean_out").set_weights([np.linspace(-0.1, 0.1, 8 * H).reshape(8, H)])
    random, inputs = np.random.default_rng(0), fed(columns=2, known=2, static=True)
    network.get_layer("recent").set_weights([fading(L)])
    network.get_layer("movement").set_weights([random.normal(size=(member.sizes.channels + 1, 1))])
    noise, angle = random.normal(size=(4, 8, H)), random.normal(size=(4, 8, 8))
    drawn = {"noised": noise.astype(np.float32), "angle": angle.astype(np.float32)}
    found = np.asarray(network.predict_on_batch(inputs | drawn))
    weights = {layer.name: layer.get_weights() for layer in network.layers if layer.get_weights()}
    past = member.scaling.inputs(inputs["past"].astype(np.float64))
    known, few = scaled(inputs)[1], max(L // 2, H)  # rows of the two known columns that the context sees
    vectors = next(array for name, (array, *_) in weights.items() if name.startswith("category"))
    static = [(inputs["static"][:, :1] - 0.5) / 2, vectors[inputs["static"][:, 1].astype(int)]]
    flat, near = (
        np.concatenate([past.reshape(4, -1), rows.reshape(4, -1), *static], axis=1) for rows in (known, known[:, -few:])
    )
    mean = dense(flat, weights, "mean") + np.maximum(dense(near, weights, "mean_in"), 0) @ weights["mean_out"][0]
    batch = WindowBatch(past, known, inputs["static"])
    seen = features(batch, mean, weights["movement"][0], member.sizes)[:, : -1 - vectors.shape[1]]
    seen = np.concatenate([seen, flat[:, -1 - vectors.shape[1] :]], axis=1)
    context = np.concatenate([near, mean, dense(seen, weights, "width")], axis=1)
    for name in ("context_1_in", "context_2_in"):
        context = np.maximum(dense(context, weights, name), 0)
    where = np.maximum(dense(angle, weights, "angle_in") + context[:, None], 0)
    hidden = dense(noise, weights, "path_in") + where
    for block in ("block_1", "block_2"):
        seen = dense(np.maximum(hidden, 0), weights, f"{block}_in")
        seen = np.maximum(seen + np.maximum(dense(where, weights, f"{block}_beside_in"), 0), 0)
        hidden = hidden + dense(seen, weights, f"{block}_out")
    speed = dense(np.maximum(hidden, 0), weights, "speed") + dense(where, weights, "factor") * noise
    np.testing.assert_allclose(found, angle[:, :, 1:2] * noise + angle[:, :, :1] * speed, rtol=1e-3, atol=1e-4)
    flow = made("diffusion", SMALL | {"objective": "flow"}, columns=2, known=2, static=True)[1]
    flow.set_weights(network.get_weights())
    np.testing.assert_allclose(flow.predict_on_batch(inputs | drawn), speed, rtol=1e-3, atol=1e-4)

    answers = {}
    for role in ("inference", "export", "paths"):
        other = build(member.network, member.scaling, role, covariates=member.covariates)
        set_weights(other, merged_weights(network))
        given = {"noise": np.tile(weights["bank"][0], (4, 1, 1))} if role == "paths" else {}
        answers[role] = np.asarray(other.predict_on_batch(inputs | given))
    assert answers["export"].shape == (4, 20, H)
    for role in ("inference", "paths"):
        np.testing.assert_allclose(answers[role], answers["export"], rtol=1e-4)


def test_no_path_ends_farther_out_than_the_frame_would_draw_one():
    member, network = made("diffusion", SMALL, columns=1, known=0, static=False)
    export = build(member.network, member.scaling, "export", covariates=member.covariates)
    set_weights(export, merged_weights(network))
    export.get_layer("correlation").set_weights([np.eye(H)])  # as Keras draws it, it may take a path back by itself
    speed, ends = export.get_layer("speed"), []
    for thrown in (50.0, 5_000.0):  # so far that every path is taken back
        speed.set_weights([speed.get_weights()[0], np.full(H, -thrown, np.float32)])
        ends.append(np.asarray(export.predict_on_batch(fed(columns=1, known=0, static=False))))
    assert np.isfinite(ends[0]).all()
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-5)


def autoregression(rows=3_000):
    """An AR(2) with known law."""
    random, values = np.random.default_rng(0), np.zeros(rows)
    for row in range(2, rows):
        values[row] = 1.2 * values[row - 1] - 0.5 * values[row - 2] + random.normal()
    dates = pd.date_range("2020-01-01", periods=rows, freq="h")
    return kf.Series(10 * values[:, None], dates, ("level",), "h")


@pytest.fixture(scope="module")
def model():
    options = {"units": 16, "blocks": 1, "batch_size": 256, "epochs": 2, "scaling": "standard"}
    return kf.fit(autoregression(), model="diffusion", window=8, horizon=4, paths=40, sampling_steps=6, **options)


def test_paths_of_an_autoregression_have_its_law(model):
    windows = model.series.values[-8 * 30 :].reshape(30, 8, 1)
    paths = model.sample(windows, paths=2_000, seed=1).astype(np.float64) / 10
    last = windows[:, :, 0] / 10
    mean, weights = [last[:, -2], last[:, -1]], np.zeros(4)
    for _ in range(4):
        mean.append(1.2 * mean[-1] - 0.5 * mean[-2])
    weights[:2] = 1.0, 1.2  # of a shock, steps later
    for step in range(2, 4):
        weights[step] = 1.2 * weights[step - 1] - 0.5 * weights[step - 2]
    moved = np.array([[weights[row - column] if row >= column else 0 for column in range(4)] for row in range(4)])
    law = moved @ moved.T
    missed = paths.mean(axis=1) - np.stack(mean[2:], axis=1)  # (N, H)
    assert (np.sqrt((missed**2).mean(axis=0) / np.diag(law)) < 0.12).all()
    centred = paths - paths.mean(axis=1, keepdims=True)
    covariance = np.einsum("nsh,nsk->hk", centred, centred) / centred[:, :, 0].size
    np.testing.assert_allclose(covariance, law, rtol=0.1, atol=0.05)
    scores = model.manifest.metrics.paths
    assert scores.each["model"].energy < 0.9 * scores.each["ewma_fhs"].energy
    assert scores.each["model"].path_coverage["0.8"] == pytest.approx(0.8, abs=0.12)
    assert model.test.scores["model"]["coverage"]["0.8"] == pytest.approx(0.8, abs=0.08)


def test_a_file_holds_its_paths_and_plain_keras_draws_them(model, tmp_path):
    path = model.save(tmp_path / "ar.keras")
    windows = model.series.values[-8 * 5 :].reshape(5, 8, 1).astype(np.float32)
    loaded = kf.load(path)
    np.testing.assert_array_equal(loaded.predictor.outputs(windows), model.predictor.outputs(windows))
    plain = keras.models.load_model(path).predict(windows, verbose=0)
    assert plain.shape == (5, 40, 4)
    np.testing.assert_allclose(plain, model.predictor.outputs(windows), atol=1e-3)
    np.testing.assert_allclose(model.predict(windows), np.median(plain, axis=1), atol=1e-3)
    assert loaded.golden_error() < 1e-5


@pytest.mark.parametrize(
    ("at", "kept"),
    [
        (lambda share, normal: (2 - share) * normal, 1.0),  # training made them as wide as they are
        (lambda share, normal: (1 + share) * normal, 0.0),  # or too wide
        (lambda share, normal: normal + (2 * share - 1) ** 2, 0.5),  # half of the way is best
        (lambda share, normal: normal + 0.03 * share * np.sin(7 * np.arange(300))[:, None, None], 0.0),  # by chance
    ],
)
def test_validation_says_how_much_of_a_training_is_kept(at, kept):
    random = np.random.default_rng(0)
    actual, normal = random.normal(size=(300, 3)).astype(np.float32), random.normal(size=(300, 100, 3))

    class Rows:
        def __len__(self):
            return 300

        def batch(self, indices):
            return indices

    def paths_at(share, chosen):
        return at(share, normal)[chosen]

    assert kept_share(paths_at, TrainingSet(Rows(), actual)) == kept


def test_what_is_kept_is_in_the_file_and_in_words(model):
    found = model.manifest.metrics.paths
    assert found.departed in SHARES
    nothing, half = (path_lines(found.model_copy(update={"departed": share}))[-1] for share in (0.0, 0.5))
    assert nothing.startswith("Validation keeps nothing of what training changed")
    assert half == "Validation keeps 50 % of what training changed of the paths it began with."
    speed = model.predictor.network.get_layer("speed").get_weights()
    assert (found.departed == 0) == all((array == 0).all() for array in speed)
    rivals = set(found.each) - {"model"}
    assert rivals >= {"ewma_fhs", "point_gaussian", "own_steps"}
    assert {(test.rival, test.loss) for test in found.tests} == set(itertools.product(rivals, ("crps", "energy")))
    own = found.each["own_steps"]  # the same single steps
    assert (
        own.crps == pytest.approx(found.each["model"].crps, rel=1e-6) and own.coverage == found.each["model"].coverage
    )


def test_paths_go_on_beyond_the_horizon_one_by_one(model):
    windows = model.series.values[-8:][None]
    ten, four = (model.sample(windows, steps=steps, paths=200, seed=3) for steps in (10, 4))
    assert ten.shape == (1, 200, 10)
    np.testing.assert_allclose(ten[:, :, :4], four, rtol=1e-4, atol=1e-4)
    near, far = (np.corrcoef(ten[0, :, 3], ten[0, :, step])[0, 1] for step in (4, 9))
    assert near > 0.6 > abs(far)  # what comes after the horizon hangs together with what came before


def test_what_is_drawn_in_training_follows_from_seed_epoch_and_step():
    member, network = made("diffusion", SMALL)
    initialise(network, member.network, 3)
    family, options = member.network.family, member.network.options

    class Rows:
        def __len__(self):
            return 10

        def batch(self, indices):
            return WindowBatch(np.zeros((10, 10, 1), np.float32)[indices])

    targets = np.random.default_rng(0).normal(size=(10, H)).astype(np.float32)
    frame = family.solve(options, member.sizes, *[TrainingSet(Rows(), targets)] * 2)
    found, drawing = family.drawing(options, member.sizes, frame, TrainingSet(Rows(), targets))
    known = TrainingSet(Rows(), found, drawing=drawing)
    whole = list(itertools.islice(training_batches(known, 4, seed=1), 6))
    resumed = next(training_batches(known, 4, seed=1, epoch=1, step=2))
    for one, other in zip(keras.tree.flatten(whole[5]), keras.tree.flatten(resumed), strict=True):
        np.testing.assert_array_equal(one, other)
    assert not np.array_equal(whole[0][1], whole[3][1])


def test_the_command_line_draws_paths_and_tells_how_likely_an_event_is(model, tmp_path):
    path = model.save(tmp_path / "ar.keras")
    table = pd.DataFrame({"date": model.series.index[-60:], "level": model.series.values[-60:, 0]})
    table.to_csv(tmp_path / "ar.csv", index=False)
    asked = ["predict", str(path), str(tmp_path / "ar.csv"), "--steps", "3", "--json", "--quiet"]
    drawn = json.loads(CliRunner().invoke(cli, [*asked, "--paths", "5"]).stdout)["paths"]
    assert len(drawn) == 15 and drawn[0].keys() == {"path", "date", "value"}
    events = ["--probability", "min < now", "--probability", "max >= min"]
    likely = json.loads(CliRunner().invoke(cli, [*asked, *events]).stdout)["probabilities"]
    assert [each["event"] for each in likely] == ["min < now", "max >= min"]
    assert 0 < likely[0]["probability"] < 1 == likely[1]["probability"]
    own = model.probability(lambda path: path.min() < table["level"].iloc[-1], 3, tmp_path / "ar.csv")
    assert own["probability"].iloc[0] == pytest.approx(likely[0]["probability"])
    for wrong, message in (
        (["--paths", "1"], "--paths must be from 2"),
        (["--paths", "5", "--levels", "0.1"], "--levels has no effect"),
        (["--path-seed", "5"], "--path-seed has no effect"),
        (["--probability", "min"], "--probability must compare"),
    ):
        done = CliRunner().invoke(cli, [*asked, *wrong])
        assert done.exit_code == 2 and message in done.stderr


def test_a_report_shows_scores_and_both_processes(model, tmp_path):
    page = model.report(tmp_path / "report.html").read_text()
    assert all(
        title in page for title in ("Whole paths", "Ranks among paths", "From noise to path", "From path to noise")
    )
    figure = model.plot(4)
    assert sum(trace.name == "paths" for trace in figure.data) == 12


def test_an_explanation_splits_the_median_of_the_paths_and_shows_where_one_comes_from(model, tmp_path):
    found = model.explain()
    assert found.why.share < 0.01
    np.testing.assert_allclose(found.table["forecast"], model.forecast(model.manifest.horizon)["forecast"], rtol=1e-5)
    reverse = found.process.set_index(["stage", "path"])["value"]
    assert reverse.index.get_level_values("stage").max() == model.config.network.options.sampling_steps
    assert "<h2>From noise to path</h2>" in found.save(tmp_path / "why.html").read_text()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantiles": (0.1, 0.9)}, "is no option of diffusion, whose paths"),
        ({"loss": "mae"}, "loss= has no effect with model="),
        ({"paths": 2_000, "horizon": 100}, "must be at most 100,000"),
        ({"final": "all"}, "is no option of diffusion"),
    ],
)
def test_options_that_paths_make_useless_are_refused(options, message):
    with pytest.raises(OptionError, match=message):
        kf.Config.from_options(model="diffusion", **options)


def test_other_models_draw_no_paths():
    plain = kf.fit(autoregression(200), model="linear", window=8, horizon=2, epochs=1)
    with pytest.raises(OptionError, match="Paths need a model that draws them"):
        plain.sample(plain.series.values[-8:][None])
