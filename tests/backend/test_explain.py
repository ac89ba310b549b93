"""Explanations of real networks: gradients, completeness, gates, attention. Weights are drawn; nothing is trained."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from kerasforecast_cli.main import cli

import kerasforecast as kf
from kerasforecast.explain.attention import attention
from kerasforecast.explain.cells import layers_of
from kerasforecast.explain.inside import inside, states_of
from kerasforecast.explain.memory import _task
from kerasforecast.explain.origin import Origin, origin_of
from kerasforecast.explain.why import why
from kerasforecast.forecasting.outside import scaled
from kerasforecast.forecasting.predictor import Predictor
from kerasforecast.models.member import Member, array_shapes
from kerasforecast.preprocessing.batch import WindowBatch
from kerasforecast.preprocessing.covariates import FittedCovariates, Standardised
from kerasforecast.preprocessing.level import Level
from kerasforecast.preprocessing.scaling import FittedScaling
from kerasforecast.sections.network import NetworkConfig

WINDOW, HORIZON = 8, 2
GOLDEN = "saved_models/golden.keras"
COLUMN = Standardised(offset=0.0, scale=1.0)


def scaling(kind):
    if kind == "level":
        level = Level(centre="mean", unit="spread", transform="none", floors=(0.1, 0.1))
        return FittedScaling(kind="level", transforms=("level",) * 2, offset=(0.0,) * 2, scale=(1.0,) * 2, level=level)
    if kind == "anchor":
        return FittedScaling(kind="anchor", transforms=("log",) * 2, offset=(0.0,) * 2, scale=(0.02,) * 2)
    return FittedScaling(kind="minmax", transforms=("linear",) * 2, offset=(90.0,) * 2, scale=(20.0,) * 2)


def member(model, kind="anchor", weight=1.0, window=WINDOW, quantiles=(), known=1, **options):
    network = NetworkConfig(
        model=model, window=window, horizon=HORIZON, scaling=kind, quantiles=quantiles, options=options
    )
    covariates = FittedCovariates(known=(COLUMN,) * known)
    return Member(weight=weight, network=network, scaling=scaling(kind), covariates=covariates)


def drawn(members, seed=0):
    random = np.random.default_rng(seed)
    return [(0.4 * random.normal(size=shape)).astype(np.float32) for shape in array_shapes(members).values()]


def windows(count=1, seed=1):
    random = np.random.default_rng(seed)
    past = 100 + np.cumsum(random.normal(size=(count, WINDOW, 2)), axis=1)
    return WindowBatch(past, random.normal(size=(count, WINDOW + HORIZON, 1))).float32()


def origin(batch):
    """One that holds a window as it is: nothing else of it is asked for here."""

    class Held(Origin):
        naive, windows_ = float(batch.past[0, -1, 0]), batch

    held = object.__new__(Held)
    object.__setattr__(held, "batch", batch)
    return held


NETWORKS = {
    "lstm": [member("lstm", "anchor", units=4, layers=1, quantiles=(0.1, 0.5, 0.9))],
    "nbeats": [member("nbeats", "level", units=8, blocks=1, basis="interpretable")],
    "patch and gru": [
        member("patch", "minmax", 0.6, patch=3, width=8, heads=2, layers=1),
        member("gru", "level", 0.4, window=5, units=3, layers=1, bidirectional=True),
    ],
    "diffusion and linear": [
        member("diffusion", "level", 0.6, units=3, blocks=1, paths=11, sampling_steps=2),
        member("linear", "level", 0.4, window=5),
    ],
}


@pytest.fixture(scope="module", params=NETWORKS)
def predictor(request):
    members = NETWORKS[request.param]
    return Predictor(members, drawn(members))


def test_gradients_say_how_forecasts_change(predictor):
    """Against central differences of the network itself, along a direction of its own for each of some windows."""
    batch, random = windows(3), np.random.default_rng(2)
    weights = random.normal(size=(3, HORIZON))
    found = predictor.gradients(batch, weights)
    assert {name: array.shape for name, array in found.arrays.items()} == {
        name: array.shape for name, array in batch.arrays.items()
    }
    step = 0.02
    ways = {name: random.normal(size=array.shape) for name, array in batch.arrays.items()}
    ends = [
        predictor.predict({name: array + sign * step * ways[name] for name, array in batch.arrays.items()})
        for sign in (1, -1)
    ]
    expected = ((ends[0].astype(float) - ends[1]) * weights).sum(axis=1) / (2 * step)
    slopes = sum((found.arrays[name] * ways[name]).reshape(3, -1).sum(axis=1) for name in ways)
    np.testing.assert_allclose(slopes, expected, rtol=0.02, atol=0.02 * np.abs(expected).max())


def test_the_parts_sum_to_the_difference(predictor, monkeypatch):
    monkeypatch.setattr("kerasforecast.explain.why._covariates", lambda origin, found: {
        "other": found.past[:, :, 1].sum(axis=1), "known": found.known.sum(axis=(1, 2)),
    })  # fmt: skip
    found = why(predictor, origin(windows()), None)
    assert found.share < 0.01
    np.testing.assert_allclose(sum(found.parts.values()) + found.residual, found.difference, atol=1e-5)
    np.testing.assert_allclose(found.forecast, predictor.predict(windows())[0])
    assert np.abs(found.groups["known"]).max() > 1e-3


RECURRENT = {
    "lstm": {"bidirectional": True, "norm": "layer", "layers": 2},
    "gru": {"norm": "batch", "layers": 2},
    "peephole": {"layers": 1},
    "coupled": {"layers": 1},
    "rnn": {"layers": 2},
}


@pytest.mark.parametrize("model", RECURRENT)
def test_the_last_rows_of_the_gates_are_the_states_of_the_network(model):
    one = member(model, units=3, **RECURRENT[model])
    weights = [np.abs(array) if "norm" in RECURRENT[model] else array for array in drawn([one])]  # a variance is one
    batch = windows()
    seen = scaled(one, batch)
    inputs = np.concatenate([seen.past[0], seen.known[0, :WINDOW]], axis=1)
    layers = layers_of(one, weights, inputs)
    for letter, state in zip("hc", Predictor([one], weights).states(batch), strict=False):
        ends = [layer.rows[letter][0 if layer.backward else -1] for layer in layers]
        np.testing.assert_allclose(ends, state[:, 0], atol=2e-5)


def test_attention_without_queries_is_even_and_else_sums_to_one():
    members = NETWORKS["patch and gru"]
    weights = drawn(members)
    (layer,) = attention(Predictor(members, weights), origin(windows())).layers
    np.testing.assert_allclose(layer.sum(axis=1), 1)
    assert layer.shape == (4, 4)  # three of the past, one ahead
    assert np.ptp(layer) > 0.01
    paths = list(array_shapes(members[:1]))
    even = [
        np.zeros_like(array) if place < len(paths) and paths[place].startswith("layers/dense/") else array
        for place, array in enumerate(weights)
    ]
    found = attention(Predictor(members, even), origin(windows()))
    np.testing.assert_allclose(found.layers[0], 0.25)
    assert found.patches.tolist() == [[-7, -6], [-5, -3], [-2, 0], [1, 2]]


def test_trend_and_season_are_the_forecast_where_other_columns_are_seen_too():
    members = NETWORKS["nbeats"]
    predictor = Predictor(members, drawn(members))
    parts = predictor.parts(windows())
    assert set(parts) == {"known", "trend", "season"}
    np.testing.assert_allclose(sum(parts.values()), predictor.predict(windows()), rtol=1e-4)


# Of the golden model on the embedded prices, computed on PyTorch.
PARTS = {
    "the last move": 0.008956951,
    "move 2 back": 0.0006204159,
    "moves 3 to 4 back": 0.06599645,
    "moves 5 to 8 back": -0.02141859,
    "moves 9 to 16 back": 0.01782035,
    "moves 17 to 30 back": 0.01037845,
    "a flat past": 0.00397583,
}


@pytest.fixture(scope="module")
def golden():
    return kf.load(GOLDEN)


def test_every_backend_says_the_same_of_the_golden_model(golden):
    found = golden.explain(at="2010-06-15")
    assert found.why.share < 0.01
    scale = abs(found.why.difference[0])
    for name, value in PARTS.items():
        assert found.why.parts[name][0] == pytest.approx(value, abs=1e-4 * scale), name
    assert PARTS.keys() == found.why.parts.keys()


def test_the_command_writes_a_page_and_says_why(tmp_path):
    page = tmp_path / "why.html"
    done = CliRunner().invoke(cli, ["explain", GOLDEN, "--end", "2001-06-01", "--output", str(page), "--json", "-q"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["page"] == str(page)
    (step,) = found["steps"]
    assert step["naive"] + sum(step["parts"].values()) + step["residual"] == pytest.approx(step["forecast"], abs=1e-4)
    text = page.read_text()
    for title in (
        "Why it is not the naive forecast",
        "How far back it looks",
        "Inside",
        "Where its states looked alike",
    ):
        assert f"<h2>{title}</h2>" in text


def test_states_after_many_rows_are_those_of_the_windows(golden):
    panel = golden.panel_from(end="2001-06-01")
    at = origin_of(panel, golden.predictor, golden.manifest.context)
    found = states_of(golden.predictor, inside(golden.predictor, at), at)
    assert len(found.values) == at.row + 2 - golden.manifest.window
    assert 0.5 < found.share <= 1


def test_the_task_marks_one_value_and_asks_for_it():
    task = _task(12, 50, 0)
    assert (task.windows[:, :, 1].sum(axis=1) == 1).all()
    np.testing.assert_array_equal((task.windows[:, :, 0] * task.windows[:, :, 1]).sum(axis=1), task.following[:, 0])
