"""A fit of several networks: each trained alone and refitted for its own steps; scores and file are of their mean."""

import keras
import numpy as np
import pytest

import kerasforecast as kf
from kerasforecast.config import Config
from kerasforecast.data.panel import Panel
from kerasforecast.errors import OptionError
from kerasforecast.evaluation.frame import frame_of
from kerasforecast.evaluation.leaving import begin_joined
from kerasforecast.forecasting.parts import Part, untrained, weighted
from kerasforecast.model import Model

HORIZON = 3
FEW = {"horizon": HORIZON, "epochs": 2}
SEVERAL = {
    "lstm": {"window": 8, "units": 3, "layers": 1},
    "linear": {"model": "linear", "window": 12},
    "nhits": {"model": "nhits", "window": 6, "units": 4, "stacks": 1, "target_transform": "log"},
    "diffusion": {"model": "diffusion", "window": 9, "units": 4, "blocks": 1, "paths": 11, "sampling_steps": 2},
}
SHARES = [0.1, 0.5, 0.2, 0.2]


def waves(rows=160):
    random = np.random.default_rng(0)
    days = np.arange(rows)
    return 100 + 20 * np.sin(2 * np.pi * days / 6) + 0.05 * days + random.normal(0, 2, rows)


def trained(config, panel, split):
    """A network of a model."""
    member, fitting, _ = untrained(config.network, config.training, panel, split)
    return Part(member, config.training, fitting.train(), fitting.trained, fitting.steps, 0.0)


@pytest.fixture(scope="module")
def joined():
    """Scored as the mean of four; and what leaves, trained on all rows."""
    panel = Panel.of(kf.fit(waves(), **FEW, window=4, units=2, layers=1).series)
    frame = frame_of(Config.from_options(horizon=HORIZON, window=12), panel)
    configs = [Config.from_options(**FEW | options) for options in SEVERAL.values()]
    parts = [trained(each, panel, frame.split) for each in configs]
    parts = weighted(parts, SHARES)
    begun = begin_joined(frame, "several", None, parts)
    scored = begun.scored(parts, alone=parts[0])
    return parts, scored, begun.refitted(scored, parts, None), panel


def model_of(leaving, panel):
    return Model(leaving.manifest, leaving.weights, panel=panel, history=leaving.history, test=leaving.test)


def test_its_forecast_is_the_weighted_mean_and_its_scores_those_of_it(joined):
    parts, scored, _, panel = joined
    assert parts[0].member.network.model == "linear"  # the largest share first
    windows = np.lib.stride_tricks.sliding_window_view(panel.values[:, 0], 12)[-9:-3].astype(np.float32)
    alone = [
        part.member.weight * part.fitted.predictor.predict(windows[:, -part.member.network.window :]) for part in parts
    ]
    np.testing.assert_allclose(scored.predictor.predict(windows), np.sum(alone, axis=0), rtol=1e-5)
    table = scored.test.table
    last = table["forecast"].to_numpy().reshape(-1, HORIZON)[-1]
    np.testing.assert_allclose(
        last, scored.predictor.predict(panel.values[-12 - HORIZON : -HORIZON, 0][None])[0], rtol=1e-5
    )
    assert scored.predictor.paths == 0  # a mean of several draws none, whatever its members do
    assert scored.test.scores["model"]["mase"] < scored.test.scores["naive"]["mase"]
    assert scored.test.scores["best_member"]["mase"] != scored.test.scores["model"]["mase"]
    assert any(row["baseline"] == "best_member" for row in scored.test.scores["tests"])


def test_intervals_are_learned_from_the_errors_of_the_mean(joined):
    _, scored, _, _ = joined
    assert len(scored.manifest.calibration.errors) == HORIZON
    assert scored.test.scores["model"]["coverage"]["0.8"] > 0.5


def test_each_is_refitted_for_its_own_steps_and_the_linear_map_solved_anew(joined):
    parts, scored, final, _ = joined
    assert final.manifest.final.steps == sum(part.replayed for part in parts if not part.member.network.family.solved)
    assert final.manifest.data.learned == ("train", "validation", "test")
    assert [one.weight for one in final.manifest.members] == [one.weight for one in scored.manifest.members]
    assert not np.array_equal(final.weights[-1], scored.weights[-1])
    assert not np.array_equal(final.weights[0], scored.weights[0])
    np.testing.assert_allclose(final.weights[0], scored.weights[0], atol=0.2)


@pytest.mark.parametrize("which", [pytest.param("scored", marks=pytest.mark.same_everywhere), "final"])
def test_one_file_opens_here_and_in_plain_keras(joined, which, tmp_path):
    leaving, panel = joined[1 if which == "scored" else 2], joined[3]
    path = model_of(leaving, panel).save(tmp_path / "several.keras")
    loaded = kf.load(path)
    windows = panel.values[:60, 0].reshape(5, 12).astype(np.float32)
    expected = leaving.predictor.predict(windows)
    np.testing.assert_array_equal(loaded.predict(windows), expected)
    plain = keras.models.load_model(path).predict(windows[:, :, None], verbose=0)
    np.testing.assert_allclose(plain, expected, rtol=1e-6)
    assert loaded.golden_error() < 1e-5
    assert loaded.manifest.members[1].training.epochs == 2
    ahead = loaded.forecast(5, panel)
    assert len(ahead) == 5  # beyond the horizon too
    assert len(ahead.columns) > 3  # with intervals
    assert np.isfinite(ahead.to_numpy()).all()
    assert loaded.evaluate(panel).scores["n"] > 0


def test_its_report_shows_every_member(joined, tmp_path):
    page = model_of(joined[1], joined[3]).report(tmp_path / "report.html").read_text()
    for part in joined[0]:
        assert part.member.network.describe() in page


def test_training_starts_from_no_model_of_several(joined):
    with pytest.raises(OptionError, match="of one network"):
        kf.fit(waves(), init_from=model_of(joined[1], joined[3]))


def test_the_mean_draws_no_paths_though_a_member_does(joined):
    with pytest.raises(OptionError, match="Received: mean of 4 networks"):
        model_of(joined[1], joined[3]).paths(3)
